"""Cut a long text into pieces that fit: at paragraphs, else at sentences, else inside; nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from assistant.evidence.sentences import split

_PARAGRAPH = re.compile(r"\n\s*\n")


def pieces(text: str, count: Callable[[str], int], limit: int) -> list[tuple[int, int]]:
    """Neighbouring spans that together hold the whole text.

    Args:
        text: What is to be cut.
        count: Tokens of a text.
        limit: Most tokens of a piece.

    Returns:
        Spans in order; each begins where the one before ends.
    """
    spans: list[tuple[int, int]] = []
    start = end = used = 0
    for unit_end, size in _units(text, count, limit):
        if used and used + size > limit:
            spans.append((start, end))
            start, used = end, 0
        end, used = unit_end, used + size
    return [*spans, (start, len(text))] if start < len(text) else spans


def _units(text: str, count: Callable[[str], int], limit: int) -> Iterator[tuple[int, int]]:
    """Ends of the units that stay whole, with their size: paragraphs, or what they are cut into."""
    at = 0
    ends = [border.end() for border in _PARAGRAPH.finditer(text)] + [len(text)]
    for end in ends:
        size = count(text[at:end])
        if size <= limit:
            yield end, size
        else:
            yield from _sentences(text, at, end, count, limit)
        at = end


def _sentences(
    text: str, start: int, end: int, count: Callable[[str], int], limit: int
) -> Iterator[tuple[int, int]]:
    spans = split(text[start:end])
    ends = [start + begin for begin, _ in spans[1:]] + [end]
    at = start
    for stop in ends:
        yield from _halves(text, at, stop, count, limit)
        at = stop


def _halves(
    text: str, start: int, end: int, count: Callable[[str], int], limit: int
) -> Iterator[tuple[int, int]]:
    """A single sentence over the limit (a table, a log) is halved until it fits."""
    size = count(text[start:end])
    if size <= limit or end - start < 2:
        yield end, size
        return
    middle = (start + end) // 2
    yield from _halves(text, start, middle, count, limit)
    yield from _halves(text, middle, end, count, limit)
