"""Rows of named fields: CSV, JSON and JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from itertools import chain, count
from typing import Any

from assistant.errors import TooLargeError, UnreadableFileError
from assistant.retrieval.formats import Piece, Row
from assistant.retrieval.formats_plain import decode, sections
from assistant.retrieval.limits import Limits

_TEXT_KEYS = ("text", "content", "body")
_TITLE_KEYS = ("title", "name", "question", "id")
_NAME_LIMIT = 100
"""Characters of a header or a path: it is repeated in every row."""
_GROUP = 200
"""Rows joined into one piece."""


def parse_csv(name: str, data: bytes, limits: Limits) -> Iterator[Piece]:
    """Each row as lines ``header: value``, so that a chunk of it can be read alone."""
    text = decode(name, data).replace("\0", "").removeprefix("\ufeff")
    delimiter = "\t" if name.lower().endswith(".tsv") else _delimiter(text)
    csv.field_size_limit(limits.characters)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        yield from table(row for row in rows if any(cell.strip() for cell in row))
    except csv.Error as fault:
        raise UnreadableFileError(
            name=name, reason=f"row {rows.line_num}: {fault}", remedy="save it again as CSV"
        ) from None


def table(rows: Iterator[list[str]]) -> Iterator[str]:
    """Rows under a header row, each a paragraph of ``header: value`` lines; a lone column as plain lines."""
    header = next(rows, [])
    first = next(rows, None)
    if first is None or len(header) < 2 or _is_data(header):
        rows, header = chain([header], [first] if first else [], rows), []
    else:
        rows = chain([first], rows)
        header = [" ".join(cell.split())[:_NAME_LIMIT] for cell in header]
    held: list[str] = []
    for row in rows:
        held.append(_row(header, row))
        if len(held) == _GROUP:
            yield "\n\n".join(held)
            held = []
    yield "\n\n".join(held)


def parse_json(name: str, data: bytes, limits: Limits) -> Iterator[Piece]:
    """A list of objects with a text is one document an object; all else is one document, ``path: value``."""
    value = _load(name, decode(name, data), "")
    yield from _values(name, value if isinstance(value, list) else [value], limits)


def parse_jsonl(name: str, data: bytes, limits: Limits) -> Iterator[Piece]:
    """One JSON value a line."""
    lines = decode(name, data).split("\n")
    values = [_load(name, line, f"line {number}: ") for number, line in enumerate(lines, 1) if line.strip()]
    yield from _values(name, values, limits)


def _delimiter(text: str) -> str:
    line = text[:10_000].lstrip().split("\n", 1)[0]
    return max(",;\t|，", key=line.count)


def _is_data(header: Sequence[str]) -> bool:
    """A header has words in every column; a row of data has a number or a gap somewhere."""
    return any(
        not cell.strip() or cell.strip().replace(".", "").replace("-", "").isdigit() for cell in header
    )


def _row(header: Sequence[str], row: Sequence[str]) -> str:
    cells = [" ".join(cell.split()) if len(cell) < 1_000 else cell.strip() for cell in row]
    if not header:
        return " | ".join(cell for cell in cells if cell)
    names = chain(header, (f"column {n}" for n in count(len(header) + 1)))
    return "\n".join(f"{column}: {cell}" for column, cell in zip(names, cells, strict=False) if cell)


def _load(name: str, text: str, where: str) -> Any:
    try:
        return json.loads(text.strip().removeprefix("\ufeff"))
    except RecursionError:
        reason = f"{where}nested too deeply"
    except ValueError as fault:
        reason = f"{where}not JSON ({str(fault)[:200]})"
    raise UnreadableFileError(name=name, reason=reason, remedy="mend that place and add the file again")


def _values(name: str, values: list[Any], limits: Limits) -> Iterator[Piece]:
    if not values or not all(map(_text_key, values)):
        for value in values:
            yield "\n".join(_lines(value))
        return
    if len(values) > limits.documents:
        remedy = "split it into smaller files"
        raise TooLargeError(field=f"{name} (rows)", value=len(values), limit=limits.documents, remedy=remedy)
    for number, value in enumerate(values, 1):
        yield Row(_title(value) or f"row {number}")
        # In one-field texts "# " begins a shell comment more often than a heading.
        yield from sections(value[_text_key(value)].replace("\r\n", "\n"), top_level=2)


def _text_key(value: Any) -> str:
    """The field that makes an object a document; empty where it is none."""
    if not isinstance(value, dict):
        return ""
    return next((key for key in _TEXT_KEYS if isinstance(value.get(key), str)), "")


def _title(value: dict[str, Any]) -> str:
    found = (str(value[key]).strip() for key in _TITLE_KEYS if isinstance(value.get(key), (str, int)))
    return next(filter(None, found), "")


def _lines(value: Any) -> Iterator[str]:
    """``path: value`` for every leaf, in order, without recursion."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        path, item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend((f"{path}.{key}".strip(".")[-_NAME_LIMIT:], item[key]) for key in reversed(item))
        elif isinstance(item, list):
            waiting.extend((path, each) for each in reversed(item))
        elif item is not None and str(item).strip():
            yield f"{path}: {item}" if path else str(item)
