"""Sentence borders in English and Chinese text; ``[n]`` marks belong to the sentence before them."""

from __future__ import annotations

import re

from assistant.evidence.lexicon import ABBREVIATIONS, CLOSING_ABBREVIATIONS

MARK = re.compile(r"[\[［【]\s*(\d{1,3}(?:\s*[,，、;；\-–]\s*\d{1,3})*)\s*[\]］】]")
"""``[1]``, ``[1, 2]``, ``[1-3]``, also in full-width brackets."""

_BREAK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*•·]|\d{1,2}[.)、]|#{1,6} |\|))")
"""A blank line, or the start of a list item, a heading or a table row."""
_STOP = re.compile(
    r"(?:[。！？!?]+|…+|\.+|；)"
    r"[\"'”’」』）)】》]*"
    r"(?:\s*[\[［【]\s*\d{1,3}(?:\s*[,，、;；\-–]\s*\d{1,3})*\s*[\]］】])*"
)
_LAST_WORD = re.compile(r"([A-Za-z](?:[A-Za-z.]*[A-Za-z])?|\d+)$")


def split(text: str) -> list[tuple[int, int]]:
    """Cut text into sentences.

    Args:
        text: Prose, lists or both, English, Chinese or mixed.

    Returns:
        Spans ``(start, end)`` without surrounding blanks, in order and never overlapping; every character
        that is not blank lies in exactly one of them.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for border in _BREAK.finditer(text):
        spans += _split_block(text, start, border.start())
        start = border.end()
    return spans + _split_block(text, start, len(text))


def _split_block(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    begin = start
    for stop in _STOP.finditer(text, start, end):
        if stop.start() >= begin and _ends_sentence(text, begin, stop, end):
            spans.append((begin, stop.end()))
            begin = stop.end()
    spans.append((begin, end))
    trimmed = [_trim(text, *span) for span in spans]
    return [span for span in trimmed if span[0] < span[1]]


def _ends_sentence(text: str, begin: int, stop: re.Match[str], end: int) -> bool:
    if stop.group()[0] not in ".…":
        return stop.group()[0] in "。！？；" or stop.end() == end or not text[stop.end()].isalnum()
    rest = text[stop.end() : end]
    if not rest.strip():
        return True
    if stop.group()[0] == "…":
        return not rest[:1].isalnum() or "一" <= rest[0] <= "鿿"
    if not rest[0].isspace() and not MARK.search(stop.group()):
        return False
    following = rest.lstrip()[0]
    if following.islower():
        return False
    return not _is_abbreviation(text[begin : stop.start()])


def _is_abbreviation(before: str) -> bool:
    found = _LAST_WORD.search(before)
    if not found:
        return False
    word = found.group().lower()
    if word.isdigit():  # "1. First item": the number opens the line
        return not before[: found.start()].strip()
    if len(word) == 1:  # an initial; a lone "I" does end sentences
        return found.group().isupper() and word != "i"
    return word in ABBREVIATIONS and word not in CLOSING_ABBREVIATIONS


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
