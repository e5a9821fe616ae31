"""What the gate found: NAME-TIME.json for programs, NAME-TIME.md for people, the table on a terminal.

A record is never written over: a promotion names the one that it rests on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from eval.gate.deciding import Answered, Decision

HEADS = ("question", "live", "candidate", "difference, 95 % interval", "n", "margin", "finding")
WORDS = {"better": "better", "no_worse": "no worse", "worse": "worse", "unclear": "can't tell"}
OUTCOMES = {"promote": "better: it may go live", "worse": "worse", "unclear": "can't tell"}


@dataclass(frozen=True, slots=True)
class Record:
    """One passage through the gate."""

    candidate: str
    candidate_sha256: str
    against: str
    """What was live then: an adapter, or ``none``, the bare model."""
    against_sha256: str
    base: str
    at: str
    decision: Decision
    suites: Mapping[str, str]
    """SHA-256 of each suite, by its name; the task's first."""
    limit: int | None
    seeds: int


def save(record: Record, folder: Path) -> Path:
    """Write both files, each whole or not at all; the path is of the JSON."""
    stamp = f"{datetime.fromisoformat(record.at):%Y-%m-%dT%H-%M-%S}"
    path = folder / f"{record.candidate}-{stamp}.json"
    folder.mkdir(parents=True, exist_ok=True)
    _write(path.with_suffix(".md"), page(record))
    return _write(path, json.dumps(asdict(record), ensure_ascii=False, indent=1) + "\n")


def page(record: Record) -> str:
    """The record as Markdown."""
    rows = ["| " + " | ".join(HEADS) + " |", "|" + " --- |" * len(HEADS)]
    rows += ["| " + " | ".join(_cells(each)) + " |" for each in record.decision.answers]
    return "\n".join(["# " + headline(record), "", *rows, "", *_told(record), ""])


def table(record: Record) -> str:
    """The record as text for a terminal."""
    rows: list[Sequence[str]] = [HEADS, *map(_cells, record.decision.answers)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEADS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([*(line.rstrip() for line in lines), "", headline(record), *_told(record)])


def headline(record: Record) -> str:
    """The verdict in a line."""
    against = "the bare model" if record.against == "none" else record.against
    return f"{record.candidate} beside {against}: {OUTCOMES[record.decision.outcome]}"


def latest(gates: Path, sha256: str) -> Path | None:
    """The newest record of an adapter below a folder of gates, by its hash."""
    found: list[tuple[str, Path]] = []
    for path in gates.glob("*.json"):
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["candidate_sha256"] == sha256:
            found.append((told["at"], path))
    return max(found)[1] if found else None


def _told(record: Record) -> Iterator[str]:
    yield from (f"- {reason}" for reason in record.decision.reasons)
    seeds = f", each case answered by {record.seeds} seeds" if record.seeds > 1 else ""
    yield f"base {record.base}, {record.at}{seeds}"


def _cells(each: Answered) -> tuple[str, ...]:
    gap = each.difference
    return (
        each.name,
        "–" if each.before is None else f"{each.before:.3f}",
        "–" if each.after is None else f"{each.after:.3f}",
        "–" if gap is None else f"{gap.mean:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]",
        str(each.n),
        f"{each.margin:g}",
        WORDS[each.finding],
    )


def _write(path: Path, text: str) -> Path:
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    return part.replace(path)
