"""How sure an answer from one collection has to be: measured on that collection, and kept beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.errors import ConfigError
from assistant.evidence.calibration import Calibration

FOLDER = "refusals"
"""Of the data folder; a file for each collection and each reader, adapter and embedder."""


class Step(BaseModel):
    """One threshold of the curve; see `risk.Point`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float
    coverage: float
    wrong: float
    bound: float
    given: int


class Refusal(BaseModel):
    """What was measured on a collection, and the threshold that follows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    collection: str
    """Its id."""
    calibration: str
    """Of the three that answered, as `calibration.file_name` has them."""
    alpha: float = Field(gt=0.0, lt=1.0)
    """Wrong answers among those given, at most."""
    threshold: float | None = None
    """Of the probability of an answer; ``None`` where no threshold was proved: the reader's own stays."""
    own: float = Field(ge=0.0, le=1.0)
    """The reader's threshold, which holds where none of these does."""
    answerable: int
    """Questions that were drafted from a passage."""
    unanswerable: int
    """The same with their document left out, and those about something else of the same kind."""
    documents: tuple[str, ...]
    """Ids of the documents that were there."""
    made: float
    """When, in seconds since 1970."""
    curve: tuple[Step, ...] = ()
    chosen: float | None = Field(default=None, ge=0.0, le=1.0)
    """Set by hand, on the curve: goes before ``threshold``."""

    @property
    def in_force(self) -> float | None:
        """The threshold that answers are held to; ``None`` leaves the reader's own."""
        return self.threshold if self.chosen is None else self.chosen

    def changed(self, documents: Collection[str]) -> float:
        """How much of the collection came or went since, as a share of what was there; ids are compared."""
        return len(set(self.documents) ^ set(documents)) / max(len(self.documents), 1)

    def applied(self, calibration: Calibration) -> Calibration:
        """The reader's calibration with this collection's threshold."""
        threshold = self.in_force
        if threshold is None:
            return calibration
        answer = calibration.answer.model_copy(update={"threshold": threshold})
        # What is shown while it is written was fitted for the reader's own threshold.
        kept = threshold <= calibration.answer.threshold
        return calibration.model_copy(
            update={"answer": answer, "shown_from": calibration.shown_from if kept else 1.0}
        )


def path_of(home: Path, collection: str, calibration: str) -> Path:
    """Where it is kept."""
    return home / FOLDER / Path(collection).name / Path(calibration).name


def load(home: Path, collection: str, calibration: str) -> Refusal | None:
    """What was measured on a collection with these three, if anything.

    Raises:
        ConfigError: A file is there and cannot be used.
    """
    path = path_of(home, collection, calibration)
    if not path.is_file():
        return None
    try:
        return Refusal.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, ValidationError) as fault:
        remedy = f"remove it, or make it again with `youju calibrate` ({str(fault)[:200]})"
        raise ConfigError(field="refusal", value=str(path), remedy=remedy) from None


def measured(home: Path) -> list[str]:
    """Ids of the collections that anything was measured on."""
    folder = home / FOLDER
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def forget(home: Path, collection: str) -> None:
    """Remove all that was measured on a collection."""
    shutil.rmtree(home / FOLDER / Path(collection).name, ignore_errors=True)


def save(home: Path, found: Refusal) -> Path:
    """Write it, whole or not at all; returns its path."""
    path = path_of(home, found.collection, found.calibration)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    draft.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    draft.replace(path)
    return path
