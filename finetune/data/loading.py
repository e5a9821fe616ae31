"""Sources of any kind to examples and preferences, and the faults of the rows that are neither."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from assistant.errors import TrainingDataError
from finetune.data import files, formats, hub, sources
from finetune.data.rows import Row, RowError
from finetune.schema import Example, Fault, Origin, Preference

_FIRST = 20
"""Rows among which one of a known shape must be."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """What was read from one file or address.

    Attributes:
        path: As it was found.
        sha256: Of its bytes; of its rows where it came from the Hub.
        rows: Read into examples or preferences.
        format: Names of the shapes found, or ``unknown``.
        licence: That it states itself, or ``""``.
    """

    path: str
    sha256: str
    rows: int
    format: str
    licence: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """All that was read, in the order of the sources."""

    examples: tuple[Example, ...]
    preferences: tuple[Preference, ...]
    faults: tuple[Fault, ...]
    files: tuple[DataFile, ...]


@dataclass(slots=True)
class _Reading:
    """What is collected while the sources are read."""

    examples: list[Example] = field(default_factory=list)
    preferences: list[Preference] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    files: list[DataFile] = field(default_factory=list)
    ids: dict[str, int] = field(default_factory=dict)

    def keep(self, found: Example | Preference | Fault) -> None:
        """Examples and preferences under an id of their own."""
        if isinstance(found, Fault):
            self.faults.append(found)
            return
        times = self.ids[found.id] = self.ids.get(found.id, 0) + 1
        if times > 1:
            self.keep(_renamed(found, f"{found.id}~{times}"))
        elif isinstance(found, Example):
            self.examples.append(found)
        else:
            self.preferences.append(found)


def load(given: Sequence[str], *, limit: int | None = None) -> Loaded:
    """Read examples and preferences.

    Args:
        given: Files (JSONL, JSON, CSV, TSV, Parquet), folders of them, ``hub:owner/name[@revision][:split]``.
        limit: Draw so many rows; the same ones each time, spread over all sources.

    Raises:
        TrainingDataError: A source that is not there or cannot be reached. What is wrong inside of one is
            among the faults.
    """
    reading = _Reading()
    for source in given:
        if source.startswith(hub.PREFIX):
            _read_hub(source, reading)
        else:
            for path in _paths(source):
                _read_file(path, reading)
    examples = sources.joined(reading.examples)
    kept = _drawn([*examples, *reading.preferences], limit)
    return Loaded(
        tuple(each for each in kept if isinstance(each, Example)),
        tuple(each for each in kept if isinstance(each, Preference)),
        tuple(reading.faults),
        tuple(reading.files),
    )


def _paths(source: str) -> list[Path]:
    path = Path(source)
    if path.is_file():
        return [path]
    if not path.is_dir():
        remedy = "give a file, a folder, or hub:owner/name"
        raise TrainingDataError(field=source, reason="there is no such file or folder", remedy=remedy)
    found = sorted(
        each
        for each in path.rglob("*")
        if each.suffix.lower() in files.READERS and each.is_file() and not _hidden(each.relative_to(path))
    )
    if not found:
        remedy = f"put files of these types in it: {', '.join(files.READERS)}"
        raise TrainingDataError(field=source, reason="the folder holds no file of examples", remedy=remedy)
    return found


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _read_file(path: Path, reading: _Reading) -> None:
    if path.suffix.lower() not in files.READERS:
        reason = f"is of type {path.suffix or 'unknown'}: use one of {', '.join(files.READERS)}"
        reading.faults.append(Fault(Origin(str(path), 0), "file", reason, "file"))
        return
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as fault:
        reading.faults.append(
            Fault(Origin(str(path), 0), "file", f"cannot be read: {fault.strerror}", "file")
        )
        return
    _read(str(path), files.rows(path), digest, "", reading)


def _read_hub(address: str, reading: _Reading) -> None:
    rows, licence = hub.rows(address)
    held = list(rows)
    digest = hashlib.sha256()
    for row in held:
        digest.update(json.dumps(row.fields, sort_keys=True, default=str).encode() + b"\n")
    _read(address, iter(held), digest.hexdigest(), licence, reading)


def _read(path: str, rows: Iterator[files.Read], digest: str, licence: str, reading: _Reading) -> None:
    """Read the rows of one file; its usual shape is told from the first ones."""
    first = _first(rows)
    if (header := next((row for row in first if isinstance(row, Row)), None)) and _is_header(header):
        first.remove(header)
        licence = str(header.fields.get("licence") or licence)
    shapes = [formats.of(row.fields) for row in first if isinstance(row, Row)]
    usual = next((shape for shape in shapes if shape is not None), None)
    if usual is None:
        reading.faults += _unknown(path, first)
        reading.files.append(DataFile(path, digest, 0, "unknown", licence))
        return
    shown = [_take(row, usual, reading) for row in chain(first, rows)]
    names = dict.fromkeys(name for name in shown if name)
    reading.files.append(
        DataFile(path, digest, sum(map(bool, shown)), ", ".join(names) or usual.name, licence)
    )


def _first(rows: Iterator[files.Read]) -> list[files.Read]:
    """Until ``_FIRST`` rows could be decoded: however many were broken before, the others are read."""
    held: list[files.Read] = []
    left = _FIRST
    while left and (row := next(rows, None)) is not None:
        held.append(row)
        left -= isinstance(row, Row)
    return held


def _take(row: files.Read, usual: formats.Format, reading: _Reading) -> str:
    """Keep what a row holds, or its fault; returns the name of its shape where it could be read."""
    if isinstance(row, Fault):
        reading.faults.append(row)
        return ""
    shape = formats.of(row.fields) or usual
    try:
        found = shape.read(row)
    except RowError as fault:
        reading.faults.append(fault.at(row.origin))
        return ""
    for each in found:
        reading.keep(each)
    return shape.name


def _is_header(row: Row) -> bool:
    """A suite's first line, which says what it is."""
    return "suite" in row.fields and formats.of(row.fields) is None


def _unknown(path: str, first: Sequence[files.Read]) -> list[Fault]:
    """Why nothing of a file was read: the faults of its rows, or the columns that nobody knows."""
    faults = [row for row in first if isinstance(row, Fault)]
    seen = sorted({column for row in first if isinstance(row, Row) for column in row.fields})
    if seen:
        shown = ", ".join(seen[:20]) + (", …" if len(seen) > 20 else "")
        reason = f"has the columns {shown}, which is no known shape; known are {formats.known()}"
        faults.append(Fault(Origin(path, 0), "file", reason, "format"))
    if not faults:
        faults.append(Fault(Origin(path, 0), "file", "holds no row: write at least one example", "empty"))
    return faults


def _renamed(found: Example | Preference, name: str) -> Example | Preference:
    if isinstance(found, Preference) or found.case is None:
        return replace(found, id=name)
    return replace(found, id=name, case={**found.case, "id": name})


def _drawn(found: Sequence[Example | Preference], limit: int | None) -> Sequence[Example | Preference]:
    """So many of them, by the hash of their ids, in their order: files are often sorted by label."""
    if limit is None or len(found) <= limit:
        return found
    places = sorted(
        range(len(found)), key=lambda n: hashlib.sha256(found[n].id.encode("utf-8", "replace")).digest()
    )
    return [found[n] for n in sorted(places[:limit])]
