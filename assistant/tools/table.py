"""A CSV file in, a CSV file out."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from assistant.errors import BadRequestError, EmptyInputError
from assistant.schema import SentimentRow, Translation

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins with one of these is run as a formula by spreadsheets."""


def read(data: bytes) -> list[dict[str, str]]:
    """Rows of a CSV file as column name to cell.

    Args:
        data: UTF-8 or GB18030; separated by comma, semicolon or tab; the first line names the columns.

    Raises:
        EmptyInputError: No line, or a header only.
        BadRequestError: It is no CSV text.
    """
    text = _decode(data)
    if not text.strip():
        raise EmptyInputError(field="CSV file", remedy="add a header line and at least one row")
    header = text.lstrip().splitlines()[0]
    separator = max(",;\t", key=header.count)
    try:
        rows = list(
            csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, restkey="", restval="")
        )
    except csv.Error as fault:
        raise BadRequestError(
            field="CSV file", value=str(fault), remedy="save it again as CSV, UTF-8"
        ) from None
    if not rows:
        raise EmptyInputError(field="CSV file", remedy="add at least one row below the header")
    return [{name: value for name, value in row.items() if isinstance(value, str)} for row in rows]


def column(rows: Sequence[dict[str, str]], name: str) -> list[str]:
    """The cells of one column.

    Raises:
        BadRequestError: There is no such column.
    """
    if name not in rows[0]:
        listed = ", ".join(rows[0])
        raise BadRequestError(field="column", value=repr(name), remedy=f"the file has: {listed}")
    return [row.get(name, "") for row in rows]


def write(judged: Sequence[SentimentRow], rows: Sequence[dict[str, str]] | None = None) -> bytes:
    """The table with a label and the three probabilities a row, UTF-8 with a mark that spreadsheets need.

    Args:
        judged: One a row, in order.
        rows: The original rows, kept in front; only the judged text where not given.
    """
    kept = rows or [{"text": row.text} for row in judged]
    added = ["label", "negative", "neutral", "positive", "unsure", "error"]
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([_safe(name) for name in kept[0]] + added if kept else added)
    for row, one in zip(kept, judged, strict=False):
        writer.writerow([_safe(value) for value in row.values()] + _cells(one))
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def side_by_side(translation: Translation) -> bytes:
    """Sentences beside their translations, and what to check in them; UTF-8 with a mark as above."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["source", "translation", "check"])
    for one in translation.sentences:
        doubts = "; ".join(f"{doubt.kind} {doubt.value}".strip() for doubt in one.doubts)
        writer.writerow([_safe(one.source), _safe(one.text), _safe(doubts)])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _cells(row: SentimentRow) -> list[str]:
    found = row.sentiment
    if found is None:
        return ["", "", "", "", "", row.error]
    shares = [f"{share:.4f}" for share in (found.negative, found.neutral, found.positive)]
    return [found.label, *shares, "yes" if found.unsure else "no", ""]


def _safe(cell: str) -> str:
    return "'" + cell if cell.startswith(_FORMULA) else cell


def _decode(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadRequestError(field="CSV file", value="its encoding", remedy="save it again as CSV, UTF-8")
