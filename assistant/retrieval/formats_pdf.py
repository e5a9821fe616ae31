"""PDF: the text of each page, its lines joined to paragraphs, its bookmarks as headings."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import pypdf  # noqa: TID253 — this module is imported by name, in the child alone
from pypdf.errors import DependencyError, PyPdfError  # noqa: TID253

from assistant.errors import UnreadableFileError
from assistant.retrieval.formats import Heading, Page, Piece
from assistant.retrieval.limits import Limits

_BOOKMARKS = 5_000
_BULLET = re.compile(
    r"[-*•·◦▪‣–—]\s|\(?\d{1,3}[.)、]|[（(][一二三四五六七八九十\d]+[)）]|[一二三四五六七八九十]+、|第.{1,4}[章节条]"
)
_WIDE = "[\u2e80-\u9fff\uf900-\ufaff\uff01-\uff60]"
_SPACED_OUT = re.compile(f"{_WIDE}(?: {{1,2}}{_WIDE}){{3,}}")
"""Chinese that was justified by spaces."""
_SENTENCE_END = (".", "!", "?", "。", "！", "？", ":", "：")
_LEFT = re.compile(r"([^\W\d_]{2,})[-\u00ad\u2010]$")
_RIGHT = re.compile(r"\s*([^\W\d_A-Z]+)")
_NUMBERED = re.compile(r"\W*(?:page\s*|第\s*)?\d{1,4}(?:\s*(?:/|of)\s*\d{1,4})?(?:\s*页)?\W*", re.IGNORECASE)


def parse_pdf(name: str, data: bytes, limits: Limits) -> Iterator[Piece]:
    """Pages with their text; a page that holds none, e.g. a scan, is a mark alone.

    Raises:
        UnreadableFileError: It opens with a password only.
    """
    reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
    _unlock(name, reader)
    bookmarks = _bookmarks(reader)
    for index, page in enumerate(reader.pages):
        yield Page(index + 1)
        yield from _under_headings(_paragraphs(page.extract_text()), bookmarks.get(index, []))


def _unlock(name: str, reader: pypdf.PdfReader) -> None:
    """Many files forbid printing but open without a password."""
    try:
        if not reader.is_encrypted or reader.decrypt(""):
            return
        reason = "it opens with a password only"
    except DependencyError:
        reason = "it is encrypted in a way that is not supported here"
    raise UnreadableFileError(name=name, reason=reason, remedy="save a copy without a password")


def _bookmarks(reader: pypdf.PdfReader) -> dict[int, list[str]]:
    """Titles of the outline by the page that they point to; a broken outline is none."""
    found: dict[int, list[str]] = {}
    try:
        waiting: list[Any] = list(reader.outline)
        for _ in range(_BOOKMARKS):
            if not waiting:
                break
            entry = waiting.pop(0)
            if isinstance(entry, list):
                waiting = [*entry, *waiting]
            elif (page := reader.get_destination_page_number(entry)) is not None:
                found.setdefault(page, []).append(str(entry.title))
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    return found


def _under_headings(text: str, titles: list[str]) -> Iterator[Piece]:
    """Cut a page where a line is the title of a bookmark."""
    wanted = {_bare(title): title for title in titles}
    held: list[str] = []
    for line in text.split("\n"):
        if wanted and (title := wanted.pop(_bare(line), "")):
            yield "\n".join(held)
            held = []
            yield Heading(" ".join(line.split()) or title)
        else:
            held.append(line)
    yield "\n".join(held)


def _bare(text: str) -> str:
    """Letters only: bookmarks and lines differ in numbers, spaces and dots."""
    return re.sub(r"[\W\d_]+", "", text).casefold()


def _paragraphs(text: str) -> str:
    """Join the lines that were broken only because the paper ended."""
    lines = [_SPACED_OUT.sub(_close_up, line.rstrip()) for line in text.split("\n")]
    while lines and (not lines[-1] or _NUMBERED.fullmatch(lines[-1])):
        lines.pop()
    widths = sorted(filter(None, map(_width, lines)))
    full = widths[len(widths) * 9 // 10] if widths else 0
    joined: list[str] = []
    last = ""
    for line in lines:
        # A word broken at its end, or one with a hyphen of its own: the rest of the page knows.
        if joined and (left := _LEFT.search(last[-60:])) and (right := _RIGHT.match(line)):
            kept = joined[-1][: -len(left.group())]
            is_compound = kept.endswith("-") or f"{left.group(1)}-{right.group(1)}" in text
            joined[-1] = kept + left.group(1) + "-" * is_compound + line[right.start(1) :]
        elif joined and _continues(last, line, full):
            joined[-1] += ("" if _is_wide(last[-1]) or _is_wide(line.lstrip()[0]) else " ") + line.lstrip()
        else:
            joined.append(line)
        last = line
    return "\n".join(joined)


def _close_up(match: re.Match[str]) -> str:
    return match.group().replace(" ", "")


def _continues(above: str, line: str, full: int) -> bool:
    """The first word of ``line`` would not have fitted on the line above."""
    if not above.strip() or not line.strip() or _BULLET.match(line.lstrip()) or full < 30:
        return False
    if above.endswith(_SENTENCE_END):
        return False
    start = line.lstrip()
    word = start[0] if _is_wide(start[0]) else start.split(maxsplit=1)[0]
    return _width(above) + 1 + min(_width(word), 24) > 0.94 * full


def _width(text: str) -> int:
    return len(text) + sum(map(_is_wide, text))


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"
