"""What a run folder says: how it stands, its curve, its plan, its result. Nothing is kept beside the files.

So the page shows the same after a reload, after the server was started anew, and for a run that a terminal
began. Whatever is missing, half written or damaged reads as not there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STATUS, PROGRESS, PLAN, REPORT, STOP = "status.json", "progress.jsonl", "plan.json", "report.json", "STOP"
ACTIVE = frozenset({"checking", "planning", "training", "evaluating"})
NUMBERS = ("loss", "learning_rate", "tokens_per_second", "tokens")
ENDED = frozenset({"stopped", "done", "failed"})


@dataclass(frozen=True, slots=True)
class Status:
    """How a run stands."""

    state: str
    """``checking``, ``planning``, ``training``, ``evaluating``; ``stopped``, ``done``, ``failed``; and
    ``broken``: its files say that it goes on, but its process is gone."""
    step: int = 0
    steps: int = 0
    message: str = ""
    started: str = ""
    """ISO 8601."""
    left: tuple[float, float] | None = None
    """Seconds, from and to."""
    adapter: str = ""

    @property
    def alive(self) -> bool:
        """Its process works."""
        return self.state in ACTIVE


@dataclass(frozen=True, slots=True)
class Point:
    """One line of progress."""

    step: int
    loss: float | None
    learning_rate: float | None
    tokens_per_second: float | None
    tokens: float | None
    measured: Mapping[str, float]
    """Metrics on held-out cases, where they were taken at this step."""


def status(folder: Path) -> Status | None:
    """How the run in ``folder`` stands; ``None`` where none began."""
    found = mapping(folder / STATUS)
    state = str(found.get("state", ""))
    if state not in ACTIVE | ENDED:
        return None
    if state in ACTIVE and not _lives(folder, found.get("pid")):
        state = "broken"
    left = _numbers(found.get("seconds_left"))
    return Status(
        state,
        int(_number(found.get("step")) or 0),
        int(_number(found.get("steps")) or 0),
        str(found.get("message") or ""),
        str(found.get("started") or ""),
        (left[0], left[-1]) if left else None,
        str(found.get("adapter") or ""),
    )


def points(folder: Path) -> tuple[Point, ...]:
    """The progress in the order of its steps. What a kill undid and a resume did again is there once."""
    kept: list[Point] = []
    for line in _lines(folder / PROGRESS):
        step = _number(line.get("step"))
        if step is None:
            continue
        while kept and kept[-1].step > step:
            kept.pop()
        before = kept.pop() if kept and kept[-1].step == step else None
        kept.append(_point(int(step), line, before))
    return tuple(kept)


def mapping(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is none."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def asked_to_stop(folder: Path) -> bool:
    """Someone wants it stopped."""
    return (folder / STOP).exists()


def _point(step: int, line: Mapping[str, Any], before: Point | None) -> Point:
    """One step; loss and measures may come in lines of their own."""
    measured = line.get("eval")
    numbers = {name: _number(value) for name, value in measured.items()} if isinstance(measured, dict) else {}
    values = {name: _number(line.get(name)) for name in NUMBERS}
    if before is not None:
        values = {name: getattr(before, name) if new is None else new for name, new in values.items()}
        numbers = {**before.measured, **numbers}
    return Point(
        step, measured={name: value for name, value in numbers.items() if value is not None}, **values
    )


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found


def _lives(folder: Path, pid: object) -> bool:
    """Its process is there, and it began before the status was written: so its number is not another's."""
    import psutil

    if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0:
        return False
    try:
        process = psutil.Process(pid)
        written = (folder / STATUS).stat().st_mtime
        return bool(process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= written + 1)
    except (psutil.Error, OSError):
        return False


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def _numbers(value: object) -> list[float]:
    if not isinstance(value, list):
        value = [value]
    return [number for number in map(_number, value) if number is not None]
