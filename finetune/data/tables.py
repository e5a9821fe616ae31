"""CSV and TSV to rows; what a broken quotation mark swallows is read again from the next line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from assistant.retrieval.formats_plain import decode
from finetune.data.rows import ROW_LIMIT, Row, RowError, decoded
from finetune.schema import Fault, Origin

_LISTS = {
    *("messages", "conversations", "conversation", "history", "instances"),
    *("documents", "answers", "references", "checks"),
}
"""Columns whose cells hold JSON lists."""
_TURNS = {"prompt", "completion", "response", "question", "answer", "chosen", "rejected"}
"""Columns whose cells may hold a JSON list of messages; any other text is a text."""


def rows(path: Path) -> Iterator[Row | Fault]:
    """The records of a file; each is numbered as a spreadsheet shows it, the header being row 1.

    Raises:
        RowError: The header cannot be read.
        UnreadableFileError: The bytes are not text.
    """
    text, whole = _text(path)
    lines = text.split("\n")
    start = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
    if start == len(lines):
        return
    separator = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=lines[start].count)
    table = _records(lines[start:], separator)
    header = _header(next(table))
    for number, cells in enumerate(table, 2):
        origin = Origin(str(path), number)
        try:
            if fields := _fields(header, cells, whole=whole):
                yield Row(origin, fields)
        except RowError as fault:
            yield fault.at(origin)


def _text(path: Path) -> tuple[str, bool]:
    """The text, and whether every byte of it was understood."""
    data = path.read_bytes()
    text = decode(path.name, data).removeprefix("\ufeff")
    if "\n" not in text:
        text = text.replace("\r", "\n")
    if "\ufffd" not in text:
        return text, True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return text, False
    return text, True


def _records(lines: Sequence[str], separator: str) -> Iterator[Sequence[str] | RowError]:
    """The cells of each record, or why it has none."""
    csv.field_size_limit(ROW_LIMIT)
    start = 0
    while start < len(lines):
        below = (f"{line}\n" for line in lines[start:])
        reader = csv.reader(below, delimiter=separator, strict=True)
        read = 0
        try:
            for cells in reader:
                read = reader.line_num
                yield cells
            return
        except csv.Error as fault:
            reason = f"has a quotation mark that is not closed, or not doubled ({fault})"
            yield RowError("line", reason, "csv")
            start += read + 1


def _header(cells: Sequence[str] | RowError) -> list[str]:
    if isinstance(cells, RowError):
        raise RowError("file", f"its header cannot be read: {cells.reason}", "csv")
    names = [cell.strip() for cell in cells]
    if twice := {name for name in names if name and names.count(name) > 1}:
        raise RowError("file", f"has two columns named {min(twice)}: rename one", "csv")
    return names


def _fields(header: Sequence[str], cells: Sequence[str] | RowError, *, whole: bool) -> dict[str, Any]:
    """A record by its columns; without any where the line is empty."""
    if isinstance(cells, RowError):
        raise cells
    if not any(cell.strip() for cell in cells):
        return {}
    if len(cells) < len(header) or any(cell.strip() for cell in cells[len(header) :]):
        reason = f"has {len(cells)} cells, the header {len(header)}: put texts with separators in quotes"
        raise RowError("line", reason, "csv")
    if not whole and any("\ufffd" in cell for cell in cells):
        raise RowError("line", "has characters that cannot be decoded: save the file as UTF-8", "encoding")
    return {name: _cell(name, cell) for name, cell in zip(header, cells, strict=False) if name}


def _cell(name: str, cell: str) -> Any:
    if name == "answerable" and cell.strip().lower() in ("true", "false"):
        return cell.strip().lower() == "true"
    if name not in _LISTS | _TURNS or cell.lstrip()[:1] != "[":
        return cell
    try:
        value = decoded(cell, name)
    except RowError:
        return cell
    return value if name in _LISTS or all(isinstance(each, dict) for each in value) else cell
