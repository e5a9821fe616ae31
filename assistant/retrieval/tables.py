"""Rows of tables in a document's text: where they lie, and what names their columns. Pure.

Parsers write a table in one of two ways: a line ``cell | cell`` for each row, the first of them naming the
columns; or a paragraph of ``column: value`` lines for each row (CSV, Excel). Both are known again here by
their form, so that a text that was stored earlier is cut like a new one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_LEAST = 3
"""Rows from which a run of alike lines or paragraphs is a table, the names of the columns included."""
_RULE = re.compile(r"[\s|:+=-]+")
"""The line under the names in Markdown, or between any rows."""
_GOES_ON = re.compile(r"\s*\|\s*\|")
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_FIELD = re.compile(r"[^:\n]{1,100}: \S")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: ``text[start:end]``. The first of a table begins with the names of the columns."""

    start: int
    end: int
    header: str
    """The names of the columns where the row does not say them itself."""


def rows(text: str) -> Iterator[Row]:
    """The rows of all tables, in order."""
    run: list[tuple[int, int]] = []
    kind = ""
    for start, end in _pieces(text):
        found = _kind(text[start:end])
        if found != kind or not found:
            yield from _table(text, run, kind)
            run, kind = [], found
        if found:
            run.append((start, end))
    yield from _table(text, run, kind)


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Spans that may be rows: paragraphs of fields whole, all else line by line."""
    start = 0
    for match in [*_PARAGRAPH.finditer(text), None]:
        end = match.start() if match else len(text)
        if _kind(text[start:end]) == "fields":
            yield start, end
        else:
            yield from _lines(text, start, end)
        start = match.end() if match else end


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for line in text[start:end].split("\n"):
        if line.strip():
            yield start, start + len(line)
        start += len(line) + 1


def _kind(piece: str) -> str:
    """What a piece is a row of: pieces of one kind that follow each other are one table."""
    lines = piece.split("\n")
    if len(lines) == 1:
        return "cells" if " | " in piece.strip() or re.match(r"\s*\|.*\|\s*$", piece) else ""
    return "fields" if all(map(_FIELD.match, lines)) else ""


def _table(text: str, run: Sequence[tuple[int, int]], kind: str) -> Iterator[Row]:
    found = _whole(text, run) if kind == "cells" else list(run)
    if len(found) < _LEAST:
        return
    first = text[slice(*found[0])]
    names = first.strip().split("\n")[0]
    if kind != "cells" or not (_is_ruled(first) or _is_header(names)):
        yield from (Row(start, end, "") for start, end in found)
        return
    yield Row(found[0][0], found[1][1], "")
    yield from (Row(start, end, names) for start, end in found[2:])


def _whole(text: str, run: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Rows of lines: a rule, or a line that goes on with an empty first cell, belongs to the row above."""
    found: list[tuple[int, int]] = []
    for start, end in run:
        line = text[start:end]
        if found and (_RULE.fullmatch(line) or _GOES_ON.match(line)):
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _is_ruled(first: str) -> bool:
    return any(map(_RULE.fullmatch, first.split("\n")[1:]))


def _is_header(line: str) -> bool:
    """Names of columns are words; a row of data has a number or a gap somewhere."""
    return all(cell and not cell.replace(".", "").replace("-", "").isdigit() for cell in _cells(line))


def spelled_out(text: str, header: str = "") -> str:
    """The text with each row of cells as ``column: value; column: value``, which a small model reads better.

    Args:
        text: A passage; lines that are no rows of named columns stay as they are.
        header: The names of the columns where the passage does not begin with them.
    """
    names, held = _cells(header), False
    found: list[str] = []
    lines = text.split("\n")
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if following.strip() and _kind(line) == "cells" and _RULE.fullmatch(following):
            names, held = _cells(line), True
        elif names and ((_RULE.fullmatch(line) and line.strip()) or line.strip() == header.strip() != ""):
            continue
        else:
            row = _fields(names, _cells(line)) if _kind(line) == "cells" else ""
            held |= bool(row)
            found.append(row or line)
    return "\n".join(found) if held else text


def _fields(names: Sequence[str], cells: Sequence[str]) -> str:
    """One row in words; empty where its cells do not fit the names."""
    if len(names) != len(cells):
        return ""
    pairs = zip(names, cells, strict=True)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")] if line.strip() else []
