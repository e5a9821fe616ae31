"""Do two texts that should say the same, one of them in another language, name the same numbers?"""

from __future__ import annotations

import re
from decimal import Decimal

from assistant.evidence import numerals
from assistant.evidence.quantities import Date, Quantity, read
from assistant.evidence.words import normalize

_SPACED = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?![\d.,]*\d)")
"""Thousands set apart by blanks: 162 584."""
_DECADE = re.compile(rf"(\d\d|{numerals.CHARACTER}{{1,3}})\s*世纪\s*(\d0|{numerals.CHARACTER}{{1,2}})\s*年代")
_ABOUT = re.compile("[数几上成好][十百千万亿]+|[十百千万亿]+分之")
"""Millions of, hundreds of: no number that could be missed."""
_LEAST = 3
"""Below it a number in words is as often a pronoun, an article or a pair: "the two", both, 两次."""


def lost(text: str, other: str) -> list[str]:
    """The numbers and dates of a text that the other one does not name.

    A number counts as named in whatever way it is written (1.2 million, 120 万, 一百二十万), a date also
    where its parts stand apart. Of two known units that differ, one is wrong.

    Args:
        text: In English, Chinese or both.
        other: What should say the same.

    Returns:
        Each as a reader would write it, in order, none twice.
    """
    (quantities, dates), (others, other_dates) = read(_plain(text)), read(_plain(other))
    parts = {part for date in other_dates for part in (date.year, date.month, date.day)}
    values = parts | {number.value for number in others}
    missing = [
        _said(number)
        for number in quantities
        if _counts(number, text)
        and number.value not in parts
        and not any(number.agrees(each) for each in others)
    ]
    missing += [
        _written(date)
        for date in dates
        if not any(date.agrees(each) for each in other_dates)
        and not {date.year, date.month, date.day} - {0} <= values
    ]
    return list(dict.fromkeys(missing))


def _plain(text: str) -> str:
    """The few ways of writing that ``quantities`` does not read, in one that it does."""
    text = _ABOUT.sub(" ", normalize(text))
    text = _DECADE.sub(lambda found: f"{_number(found[1]) * 100 - 100 + _number(found[2])} 年代", text)
    return _SPACED.sub(lambda found: found.group().replace(" ", ""), text)


def _number(text: str) -> int:
    return int(text) if text.isdigit() else numerals.value(text)


def _counts(number: Quantity, text: str) -> bool:
    """Whether the number must stand in the other text."""
    if number.vague:
        return False
    return number.value >= _LEAST or re.search(rf"(?<!\d){number.value}(?!\d)", normalize(text)) is not None


def _said(number: Quantity) -> str:
    whole = number.value.normalize()
    text = f"{whole:,f}" if whole >= Decimal(10_000) else f"{whole:f}"
    return f"{text}{number.unit}" if number.unit == "%" else text


def _written(date: Date) -> str:
    return "-".join(f"{part:02d}" for part in (date.year, date.month, date.day) if part)
