"""How much nearer a sentence is to the question asked than to questions about anything else.

The cosines of a multilingual embedder lie close together and favour texts in the question's own language
and texts that are near to every question. What is left above the mean of other questions has neither fault.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from assistant.evidence.attribution import shown
from assistant.evidence.sentences import split
from assistant.evidence.words import is_chinese
from assistant.prompts import UNRELATED
from assistant.schema import Hit

Similarity = Callable[[Sequence[str], Sequence[str]], Sequence[Sequence[float]]]
"""Questions and texts to their cosines, a row for each question."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was searched for: a question, and its translation where there is one."""

    question: str
    translation: str = ""

    @property
    def forms(self) -> tuple[str, ...]:
        """The question first."""
        return (self.question, self.translation) if self.translation else (self.question,)

    def like(self, text: str) -> str:
        """The form in the language of ``text``, so that their words can be the same; else the question."""
        chinese = is_chinese(text)
        return next((form for form in self.forms if is_chinese(form) == chinese), self.question)


LOOKED_AT = 5
"""Hits whose sentences are read."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a hit, as the hit is shown."""

    hit: int
    """Index of the hit, from 0."""
    place: int
    """Which sentence of the hit, from 0."""
    text: str
    lead: float
    """Its cosine with the question less its mean cosine with other questions of that language."""


def candidates(asked: Asked, hits: Sequence[Hit], similarity: Similarity) -> list[Candidate]:
    """Every sentence of the first hits with its lead, in the order of the hits."""
    found: list[tuple[int, int, str]] = []
    for index, hit in enumerate(hits[:LOOKED_AT]):
        text, _ = shown(hit)
        found += [(index, place, text[slice(*span)]) for place, span in enumerate(split(text))]
    if not found:
        return []
    near = leads(asked, [text for _, _, text in found], similarity)
    return [Candidate(*place, lead) for place, lead in zip(found, near, strict=True)]


def leads(asked: Asked, texts: Sequence[str], similarity: Similarity) -> list[float]:
    """Of each text, its cosine with the question less its mean cosine with unrelated questions.

    A text is held against the form of the question in its own language, where there is one.
    """
    unrelated = [UNRELATED["zh" if is_chinese(form) else "en"] for form in asked.forms]
    rows = similarity([*asked.forms, *(one for others in unrelated for one in others)], texts)
    found: dict[str, list[float]] = {}
    at = len(asked.forms)
    for form, own, others in zip(asked.forms, rows, unrelated, strict=False):
        usual = [fmean(column) for column in zip(*rows[at : at + len(others)], strict=True)]
        found[form] = [float(near) - mean for near, mean in zip(own, usual, strict=True)]
        at += len(others)
    return [found[asked.like(text)][n] for n, text in enumerate(texts)]
