"""Files to rows: JSONL, JSON, CSV, TSV, Parquet. A row that cannot be decoded is a fault in its place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from assistant.errors import UnreadableFileError
from assistant.retrieval.formats_plain import decode
from finetune.data import tables
from finetune.data.rows import ROW_LIMIT, Row, RowError, decoded, short
from finetune.schema import Fault, Origin

Read = Row | Fault


def rows(path: Path) -> Iterator[Read]:
    """The records of a file, in order; a bad one is a fault in its place.

    A record's number is its line in JSONL, the row that a spreadsheet shows in CSV and TSV (the header is 1),
    and its place from 1 elsewhere.
    """
    try:
        yield from READERS[path.suffix.lower()](path)
    except (OSError, RowError, UnreadableFileError) as fault:
        error = fault if isinstance(fault, RowError) else RowError("file", str(fault), "file")
        yield error.at(Origin(str(path), 0))


def _jsonl(path: Path) -> Iterator[Read]:
    with path.open("rb") as file:
        if file.peek(2)[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise RowError("file", "is UTF-16: save it as UTF-8", "file")
        for number in count(1):
            line = file.readline(ROW_LIMIT + 1)
            if not line:
                return
            try:
                if (fields := _parsed(line, first=number == 1)) is not None:
                    yield Row(Origin(str(path), number), fields)
            except RowError as fault:
                yield fault.at(Origin(str(path), number))
            while len(line) > ROW_LIMIT and not line.endswith(b"\n"):
                line = file.readline(ROW_LIMIT + 1)


def _parsed(line: bytes, *, first: bool) -> Mapping[str, Any] | None:
    """The object that a line holds; ``None`` for a blank line."""
    if len(line) > ROW_LIMIT:
        raise RowError("line", f"is longer than {ROW_LIMIT} bytes: write one object a line", "size")
    try:
        text = line.decode("utf-8-sig" if first else "utf-8")
    except UnicodeDecodeError as fault:
        reason = f"is not UTF-8 at byte {fault.start + 1}: save the file as UTF-8"
        raise RowError("line", reason, "encoding") from None
    return _object(text, "line") if text.strip() else None


def _object(text: str, field: str) -> Mapping[str, Any]:
    value = decoded(text, field)
    if not isinstance(value, dict):
        raise RowError(field, f"must be one JSON object, not {short(value)}", "json")
    return value


def _json(path: Path) -> Iterator[Read]:
    """A list of objects, one object, or JSONL under the name of JSON."""
    text = decode(path.name, path.read_bytes()).removeprefix("\ufeff")
    if not text.strip():
        return
    try:
        value = decoded(text, "file")
    except RowError:
        if not _is_jsonl(text):
            raise
        yield from _jsonl(path)
        return
    for number, fields in enumerate(value if isinstance(value, list) else [value], 1):
        origin = Origin(str(path), number)
        if isinstance(fields, dict):
            yield Row(origin, fields)
        else:
            yield Fault(origin, "row", f"must be a JSON object, not {short(fields)}", "json")


def _is_jsonl(text: str) -> bool:
    first = text.lstrip().split("\n", 1)[0]
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _parquet(path: Path) -> Iterator[Read]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            numbers = count(1)
            for batch in file.iter_batches(batch_size=1024):
                for fields in batch.to_pylist():
                    yield Row(Origin(str(path), next(numbers)), fields)
    except (pa.ArrowException, UnicodeDecodeError) as fault:
        raise RowError("file", f"is no whole Parquet file: {fault}", "file") from None


READERS: Mapping[str, Callable[[Path], Iterator[Read]]] = {
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _json,
    ".csv": tables.rows,
    ".tsv": tables.rows,
    ".parquet": _parquet,
}
"""By suffix."""
