"""How sure it is that the passages read answer the question: a fitted logistic, kept in a file.

The search alone declines only what is plainly unrelated. What is left the reader reads: whether it finds an
answer there, whether it stands by the one that it wrote, and how surely it wrote it, make one probability
with the search's signs and the question's codes, numbers and names.
Weights are never constants of the code: ``youju eval calibrate`` fits them and writes a file that names the
reader, its adapter and the embedder that it was fitted for. A pair without a file gets `CAUTIOUS`.
"""

from __future__ import annotations

import json
import math
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.errors import ConfigError
from assistant.evidence.judging import VerdictWeights

FOLDER = "calibrations"
"""Of the package and of the data folder; a file of the data folder goes before one of the package."""


class Signs(NamedTuple):
    """What the decision is taken on."""

    lead: float
    """How much nearer the best paragraph is to the question than to questions about anything else."""
    found: float
    """Weighted share of the question's terms in the passages read, 0..1."""
    named: float
    """Share of the question's codes, numbers, dates and names in the passages read, 0..1."""
    across: float
    """1 where question and best paragraph are in different languages, so that words cannot match; else 0."""
    chinese: float
    """1 for a question in Chinese: a reader's likelihoods differ by language; else 0."""
    reader: float = 0.0
    """The reader's log-odds that the passages hold the answer; 0 before it was asked."""
    verified: float = 0.0
    """Its log-odds that they state the answer that it wrote; 0 before it was written."""
    fluent: float = 0.0
    """Log-likelihood of that answer, nats a token."""


class Weights(BaseModel):
    """A logistic over `Signs` and the probability from which its answer is yes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bias: float = 0.0
    lead: float = 0.0
    found: float = 0.0
    """Not used across languages."""
    named: float = 0.0
    across: float = 0.0
    chinese: float = 0.0
    reader: float = 0.0
    verified: float = 0.0
    fluent: float = 0.0
    threshold: float = Field(default=0.5, ge=0.0, le=1.0)

    def probability(self, signs: Signs) -> float:
        """The logistic of the signs, 0..1."""
        found = 0.0 if signs.across else self.found * signs.found
        score = self.bias + self.lead * signs.lead + found + self.named * signs.named
        score += self.across * signs.across + self.chinese * signs.chinese + self.reader * signs.reader
        score += self.verified * signs.verified + self.fluent * signs.fluent
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, score))))

    def accepts(self, signs: Signs) -> bool:
        """Whether the probability reaches the threshold."""
        return self.probability(signs) >= self.threshold


class Calibration(BaseModel):
    """Fitted weights of one reader, adapter and embedder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reader: str = ""
    adapter: str = ""
    embedder: str = ""
    search: Weights
    """What is plainly unrelated: fitted to keep 99 % of what is answerable."""
    reading: Weights
    """What the reader does not find in the passages, before it writes."""
    answer: Weights
    """What is answered, and rightly: decided once the answer is written."""
    search_again: float = 0.5
    """Probability of `search` below which a question is also searched for in the other language, and from
    which a model that does not read quotes."""
    shown_from: float = 1.0
    """Probability of `reading` from which an answer is shown while it is written: it will be given. Below, it
    is shown once the reader stands by it."""
    sure_from: float = 0.0
    """Probability of `answer` below which a supported sentence is shown as one that may not answer the
    question; 0 where the probability does not tell."""
    kind_margin: float = 0.035
    """Cosine by which a message must be nearer to small talk or a task than to questions."""
    verdict: VerdictWeights | None = None
    """How the reader's judgement of a sentence counts; ``None`` for one that did not learn to judge."""
    fitted: dict[str, float | int | str] = Field(default_factory=dict)
    """On what, and how well; for people."""


CAUTIOUS = Calibration(
    search=Weights(bias=-3.0, lead=25.0, found=4.0, across=1.0, threshold=0.1),
    reading=Weights(bias=-2.5, lead=15.0, found=1.5, named=1.5, across=0.5, reader=0.3, threshold=0.3),
    answer=Weights(bias=-3.0, lead=10.0, found=1.5, named=1.5, across=0.5, reader=0.3, verified=1.0),
)
"""For a reader that was not fitted: it declines rather than guesses."""


def file_name(reader: str, adapter: str | None, embedder: str) -> str:
    """Name of the file that holds the calibration of the three."""
    parts = [reader, adapter or "none", embedder]
    return "--".join(Path(part).name for part in parts) + ".json"


def load(home: Path, reader: str, adapter: str | None, embedder: str) -> Calibration:
    """The calibration fitted for the three: the team's own, else the shipped one, else `CAUTIOUS`.

    Raises:
        ConfigError: A file is there and cannot be used.
    """
    name = file_name(reader, adapter, embedder)
    for path in (home / FOLDER / name, resources.files("assistant") / FOLDER / name):
        if path.is_file():
            return _read(path.read_text(encoding="utf-8"), str(path))
    return CAUTIOUS


def _read(text: str, path: str) -> Calibration:
    try:
        return Calibration.model_validate(json.loads(text))
    except (ValueError, ValidationError) as fault:
        remedy = f"remove it, or fit it again with `youju eval calibrate` ({str(fault)[:200]})"
        raise ConfigError(field="calibration", value=path, remedy=remedy) from None
