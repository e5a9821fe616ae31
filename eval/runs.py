"""A run folder: what was to be measured, with what, and what was found.

``manifest.json`` and ``suite.json`` (the drawn cases, so that the folder explains itself) are written first;
``predictions.jsonl`` grows by a line a case; ``sessions.jsonl`` by a line each time the work stops.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from eval import predictions
from eval.errors import RunError
from eval.schema import Prediction, Suite

MANIFEST, SUITE, SESSIONS, LOCK = "manifest.json", "suite.json", "sessions.jsonl", "run.lock"
PART = ".part"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a run is: two with the same one, but for the date, measure the same thing."""

    suite: str
    version: int
    sha256: str
    """Of the suite's files, whole."""
    licence: str
    limit: int | None
    seed: int
    cases: tuple[str, ...]
    """Ids of the drawn cases, in the suite's order."""
    subject: Mapping[str, Any]
    """Base, adapter, quantization, index, template, options, device, libraries: see ``Subject.describe``."""
    date: str
    """When it was begun, ISO 8601 with its zone."""

    def differs(self, other: Manifest) -> list[str]:
        """Names of the fields in which the two differ; the date is not asked."""
        mine, theirs = _flat(asdict(self)), _flat(asdict(other))
        return sorted(key for key in mine | theirs if mine.get(key) != theirs.get(key) and key != "date")


@dataclass(frozen=True, slots=True)
class Session:
    """One stretch of work on a run: from its start to its end or interruption."""

    date: str
    cases: int
    """Cases done in it."""
    tokens: int
    """Generated in it."""
    seconds: Mapping[str, float]
    """Wall clock by stage: ``prepare`` (models loaded, documents added), ``predict``, and ``own``: what
    measuring itself took of ``predict``."""
    peak_memory_mb: float
    """Most that the process held in memory."""
    peak_gpu_mb: float = 0.0


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder, read."""

    folder: Path
    manifest: Manifest
    suite: Suite
    """Its ``cases`` are the drawn ones; ``passages`` and ``sha256`` are the whole suite's."""
    predictions: tuple[Prediction, ...]
    """Of the cases that are done, in the suite's order."""
    sessions: tuple[Session, ...] = ()

    @property
    def complete(self) -> bool:
        """Every drawn case is done."""
        return len(self.predictions) == len(self.suite.cases)


_MANIFEST, _SUITE, _SESSION = TypeAdapter(Manifest), TypeAdapter(Suite), TypeAdapter(Session)


def manifest(folder: Path) -> Manifest:
    """What the run of a folder is.

    Raises:
        RunError: It is no run folder.
    """
    found: Manifest = _read(folder / MANIFEST, _MANIFEST)
    return found


def read(folder: Path | str) -> Run:
    """Read a run folder, also one that is not complete.

    Raises:
        RunError: It is none, or a file of it is damaged.
    """
    folder = Path(folder)
    meant, suite = manifest(folder), _read(folder / SUITE, _SUITE)
    place = {name: n for n, name in enumerate(meant.cases)}
    found = predictions.read(folder)
    if strange := [each.id for each in found if each.id not in place]:
        reason = f"it has a prediction for {strange[0]!r}, which is no case of the run"
        raise RunError(folder=folder, reason=reason, remedy="take that line out of predictions.jsonl")
    ordered = tuple(sorted(found, key=lambda each: place[each.id]))
    return Run(folder, meant, suite, ordered, _sessions(folder / SESSIONS))


def begin(folder: Path, meant: Manifest, suite: Suite) -> None:
    """Write what the run is; or see that the folder holds this very run.

    Raises:
        RunError: It holds another run, or other files.
    """
    if (folder / MANIFEST).exists():
        if different := manifest(folder).differs(meant):
            reason = f"it holds another run (other {', '.join(different[:6])})"
            remedy = "give the options it was begun with to go on with it, or another --out to begin anew"
            raise RunError(folder=folder, reason=reason, remedy=remedy)
        return
    if any(path.name not in (LOCK, SUITE) and path.suffix != PART for path in folder.iterdir()):
        raise RunError(folder=folder, reason="it holds other files", remedy="give a new or empty --out")
    _write(folder / SUITE, _SUITE.dump_json(suite))
    _write(folder / MANIFEST, _MANIFEST.dump_json(meant, indent=1))


def add_session(folder: Path, session: Session) -> None:
    """Note what a stretch of work took."""
    with (folder / SESSIONS).open("ab") as file:
        file.write(_SESSION.dump_json(session) + b"\n")


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep the folder, made where it is missing, for this process.

    Raises:
        RunError: Another process works on it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        lock.acquire(timeout=0)
    except Timeout:
        reason = "another process is running it"
        raise RunError(folder=folder, reason=reason, remedy="wait for it, or give another --out") from None
    except OSError as fault:
        raise RunError(folder=folder, reason=fault.strerror, remedy="give another --out") from None
    try:
        yield
    finally:
        lock.release()


def _read(path: Path, shape: TypeAdapter[Any]) -> Any:
    try:
        return shape.validate_json(path.read_bytes())
    except FileNotFoundError:
        reason, remedy = f"there is no {path.name}", "give a folder that `youju eval run` wrote"
    except (OSError, ValidationError) as fault:
        reason, remedy = f"{path.name} cannot be read ({str(fault)[:200]})", "run it again into another --out"
    raise RunError(folder=path.parent, reason=reason, remedy=remedy)


def _sessions(path: Path) -> tuple[Session, ...]:
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return tuple(_SESSION.validate_json(line) for line in lines)


def _write(path: Path, data: bytes) -> None:
    """All or nothing."""
    part = path.with_suffix(PART)
    part.write_bytes(data)
    part.replace(path)


def _flat(value: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        inner = isinstance(item, Mapping) and item
        flat |= _flat(item, f"{path}{key}.") if inner else {f"{path}{key}": _plain(item)}
    return flat


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
