"""Rows to a file, by its suffix."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.errors import TrainingDataError

Rows = Sequence[Mapping[str, Any]]


def writer(target: Path) -> Callable[[Path, Rows], None]:
    """What writes files of the target's type; all rows have the same columns.

    Raises:
        TrainingDataError: No such type is written.
    """
    write = _WRITERS.get(target.suffix.lower())
    if write is None:
        raise TrainingDataError(
            field=str(target),
            reason=f"files of type {target.suffix or 'unknown'} are not written",
            remedy=f"use one of {', '.join(_WRITERS)}",
        )
    return write


def _jsonl(path: Path, rows: Rows) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{_json(row)}\n" for row in rows)


def _list(path: Path, rows: Rows) -> None:
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8", newline="\n")


def _table(path: Path, rows: Rows, delimiter: str = ",") -> None:
    """With a byte order mark: without it, Excel shows Chinese as noise."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file, delimiter=delimiter)
        table.writerow(rows[0])
        for row in rows:
            table.writerow([value if isinstance(value, str) else _json(value) for value in row.values()])


def _tsv(path: Path, rows: Rows) -> None:
    _table(path, rows, "\t")


def _parquet(path: Path, rows: Rows) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.Table.from_pylist(list(rows)), path)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_WRITERS: Mapping[str, Callable[[Path, Rows], None]] = {
    ".jsonl": _jsonl,
    ".json": _list,
    ".csv": _table,
    ".tsv": _tsv,
    ".parquet": _parquet,
}
