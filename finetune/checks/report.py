"""What the checks found, as the page, the command and the run folder read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from finetune.checks.sample import Shown
from finetune.schema import Fault


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found.

    Attributes:
        faults: By file and row.
        counts: ``rows`` (good and bad), ``examples``, ``preferences``, ``hard``, ``soft``; ``tasks`` by name.
        languages: Examples by the language of their answer.
        lengths: ``p50``, ``p95``, ``longest`` and ``limit``, in tokens; empty where no model was there.
        sample: A few rows with the mask that training gives them.
    """

    faults: tuple[Fault, ...]
    counts: Mapping[str, Any]
    languages: Mapping[str, int]
    lengths: Mapping[str, int]
    sample: tuple[Shown, ...]

    @property
    def hard(self) -> tuple[Fault, ...]:
        """Faults that stop the training."""
        return tuple(fault for fault in self.faults if fault.hard)

    @property
    def soft(self) -> tuple[Fault, ...]:
        """Faults to look at."""
        return tuple(fault for fault in self.faults if not fault.hard)

    def json(self) -> dict[str, Any]:
        """As one JSON object."""
        return {
            "faults": [_fault(fault) for fault in self.faults],
            "counts": dict(self.counts),
            "languages": dict(self.languages),
            "lengths": dict(self.lengths),
            "sample": [_shown(row) for row in self.sample],
        }


def said(fault: Fault) -> str:
    """A fault on one line."""
    row = f", row {fault.origin.row}" if fault.origin.row else ""
    return f"{fault.origin.file}{row}, {fault.field}: {fault.reason}"


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "file": fault.origin.file, "row": fault.origin.row, "field": fault.field, "reason": fault.reason,
        "kind": fault.kind, "hard": fault.hard,
    }  # fmt: skip


def _shown(row: Shown) -> dict[str, Any]:
    tokens = [[token.text, token.learnt] for token in row.tokens]
    return {"file": row.origin.file, "row": row.origin.row, "left_out": row.left_out, "tokens": tokens}
