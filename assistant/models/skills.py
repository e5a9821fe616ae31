"""What an adapter, or a model that one was merged into, was trained for, as its folder says."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.errors import AdapterError
from assistant.schema import AdapterRef

FILE = "skills.json"


class Refusal(BaseModel):
    """A fitted logistic: what the search says and what the model says become one probability of an answer.

    It only takes back answers that the search would give. Fitted by ``python -m eval.bench.refusal`` on
    questions that the adapter was not trained on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bias: float = 0.0
    search: float = 1.0
    """Weight of the search's log-odds."""
    model: float = 0.0
    """Weight of the model's log-odds against refusing."""
    threshold: float = Field(default=0.5, ge=0.0, le=1.0)
    """Probability from which the search's answer stands."""


class Skills(BaseModel):
    """What may be asked of an adapter. Without the file: what may be asked of any model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grounded: bool = False
    """It learnt to answer from passages in the form of `prompts.grounded_trained`."""
    sentiment: bool = False
    """It learnt the three replies, so that their likelihoods are its judgement as they stand."""
    refusal: Refusal | None = None
    """It learnt to refuse, and this is how far to believe it."""
    passages: int = Field(default=1, ge=1, le=20)
    """Passages that it reads at once without losing the thread."""


def of(ref: AdapterRef) -> Skills:
    """Read an adapter's skills.

    Raises:
        AdapterError: The file is there and cannot be used.
    """
    return of_folder(Path(ref.path), ref.name)


def of_folder(folder: Path, name: str) -> Skills:
    """Read the skills of the adapter or the model in a folder.

    Raises:
        AdapterError: The file is there and cannot be used.
    """
    path = folder / FILE
    if not path.is_file():
        return Skills()
    try:
        return Skills.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, ValidationError) as fault:
        reason = f"{FILE} cannot be read ({str(fault)[:200]})"
        raise AdapterError(name=name, reason=reason, remedy="remove the file, or fit it again") from None
