"""Models that are given under terms of use: shown, accepted once, and never loaded before that."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from assistant.errors import StorageError, TermsError
from assistant.models.catalog import Entry

RECORD = "terms.json"
"""Beside the models: what was accepted, in which wording, when."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms that some models come under."""

    title: str
    url: str
    file: str
    """Their wording, in this package."""

    @property
    def text(self) -> str:
        """The whole wording."""
        return (resources.files("assistant.models") / "licences" / self.file).read_text(encoding="utf-8")

    @property
    def sha256(self) -> str:
        """Of the wording: a newer one has to be accepted anew."""
        return hashlib.sha256(self.text.encode()).hexdigest()


TERMS = {"gemma": Terms("Gemma Terms of Use", "https://ai.google.dev/gemma/terms", "gemma.txt")}


def missing(entry: Entry, models_dir: Path) -> Terms | None:
    """The terms of a model that nobody has accepted here yet; ``None`` where there is nothing to accept."""
    if not entry.terms:
        return None
    terms = TERMS[entry.terms]
    accepted = _read(models_dir).get(entry.terms)
    same = isinstance(accepted, dict) and accepted.get("sha256") == terms.sha256
    return None if same else terms


def require(entry: Entry, models_dir: Path) -> None:
    """Go on only where the terms were accepted.

    Raises:
        TermsError: They were not; names them, their address and the command.
    """
    if terms := missing(entry, models_dir):
        raise TermsError(name=entry.name, terms=terms.title, url=terms.url)


def accept(entry: Entry, models_dir: Path) -> None:
    """Record that the user of this machine accepts a model's terms; nothing for a model without any.

    Raises:
        StorageError: It cannot be recorded.
    """
    if not (terms := missing(entry, models_dir)):
        return
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    record = _read(models_dir)
    record[entry.terms] = {"title": terms.title, "url": terms.url, "sha256": terms.sha256, "accepted": moment}
    path = models_dir / RECORD
    beside = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")
        beside.replace(path)
    except OSError as fault:
        beside.unlink(missing_ok=True)
        remedy = "set YOUJU_MODELS_DIR to a folder that can be written"
        raise StorageError(what=path, reason=fault.strerror or str(fault), remedy=remedy) from None


def _read(models_dir: Path) -> dict[str, Any]:
    try:
        record = json.loads((models_dir / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
