"""Numbers and dates as written in English and Chinese, brought to one comparable form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from assistant.evidence import numerals
from assistant.evidence.lexicon import MONTHS, NUMBER_WORDS, ORDINALS, SCALES, UNITS
from assistant.evidence.words import normalize

_UNIT = "|".join(sorted((re.escape(name) for name in UNITS), key=len, reverse=True))
_MONTH = (
    "(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    "sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DATES = (
    (re.compile(r"\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\b"), "ymd"),
    (re.compile(r"(\d{4})\s*年\s*(?:(\d{1,2})\s*月)?\s*(?:(\d{1,2})\s*[日号])?"), "ymd"),
    (re.compile(r"(?<!\d)(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]"), "md"),
    (re.compile(rf"\b{_MONTH}\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(\d{{4}}))?\b", re.I), "Mdy"),
    (re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}\.?(?:,?\s+(\d{{4}}))?\b", re.I), "dMy"),
    (re.compile(rf"\b{_MONTH}\.?,?\s+(\d{{4}})\b", re.I), "My"),
)
_NUMERAL = re.compile(
    r"(?P<before>[$¥€£])?\s*"
    r"(?P<number>(?<![A-Za-z0-9_.])-?\d+(?:,\d{3})+(?:\.\d+)?|(?<![A-Za-z_])\d+(?:\.\d+)?)"
    r"(?:st|nd|rd|th)?[\s-]*"
    rf"(?P<scale>(?:hundred|thousand|million|billion|trillion|bn)\b|[km]\b(?=\W|$)|百万|千万|[百千万亿])?[\s-]*"
    rf"(?P<unit>(?:{_UNIT})(?![a-z]))?",
    re.I,
)
_HAN_NUMERAL = re.compile(
    rf"(?P<percent>百分之)?第?(?P<number>{numerals.CHARACTER}+(?:点{numerals.CHARACTER}+)?)"
    rf"(?P<unit>{_UNIT})?(?P<counted>[个位台件条部本张家套份项种款])?"
)
_HAN_DATE = re.compile(
    rf"[零〇一二三四五六七八九]{{4}}(?=年)|{numerals.CHARACTER}{{1,3}}(?=月[\d{numerals.CHARACTER[1:-1]}]{{1,3}}[日号])"
    rf"|(?<=月){numerals.CHARACTER}{{1,3}}(?=[日号])"
)
_WORD = "|".join([*NUMBER_WORDS, *ORDINALS])
_ONES = "|".join(list(NUMBER_WORDS)[1:10])
_ENGLISH_NUMERAL = re.compile(
    rf"\b(?P<number>(?:{_WORD})(?:[\s-](?:{_ONES}))?)\b"
    rf"[\s-]*(?P<scale>hundred|thousand|million|billion)?[\s-]*(?P<unit>(?:{_UNIT})(?![a-z]))?",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit, ``""`` where none was recognized."""

    value: Decimal
    unit: str
    vague: bool
    """Written in a way that often is no count at all ("one", 一): looked for in sources, never demanded."""

    def __str__(self) -> str:
        text = f"{self.value.normalize():f}"
        return text + self.unit if self.unit in {"%", ""} else f"{text} {self.unit}"

    def _in_days(self) -> Quantity:
        return Quantity(self.value * 7, "day", self.vague) if self.unit == "week" else self

    def agrees(self, other: Quantity) -> bool:
        """Same value, and no two different known units."""
        mine, theirs = self._in_days(), other._in_days()
        return mine.value == theirs.value and (not self.unit or not other.unit or mine.unit == theirs.unit)


@dataclass(frozen=True, slots=True)
class Date:
    """A date, as much of it as was written; 0 stands for a part that was left out."""

    year: int
    month: int
    day: int

    def __str__(self) -> str:
        return "-".join(f"{part:02d}" if part else "?" for part in (self.year, self.month, self.day))

    def agrees(self, other: Date) -> bool:
        """No part that both name differs, and the other names every part of this one."""
        mine, theirs = (self.year, self.month, self.day), (other.year, other.month, other.day)
        return all(not a or a == b for a, b in zip(mine, theirs, strict=True))


def read(text: str) -> tuple[list[Quantity], list[Date]]:
    """All quantities and dates of a text, each as written once; a date's parts are not quantities too."""
    text = _HAN_DATE.sub(lambda found: str(numerals.value(found.group())), normalize(text))
    dates: list[Date] = []
    for pattern, order in _DATES:
        for found in pattern.finditer(text):
            if date := _date(found, order):
                dates.append(date)
                text = text[: found.start()] + "\0" * len(found.group()) + text[found.end() :]
    text = numerals.NOT_NUMBERS.sub(lambda found: "\0" * len(found.group()), text)
    quantities = [_arabic(found) for found in _NUMERAL.finditer(text)]
    quantities += [_han(found) for found in _HAN_NUMERAL.finditer(_blank(text, _NUMERAL))]
    quantities += [_english(found) for found in _ENGLISH_NUMERAL.finditer(text)]
    return quantities, dates


def _blank(text: str, pattern: re.Pattern[str]) -> str:
    return pattern.sub(lambda found: "\0" * len(found.group()), text)


def _date(found: re.Match[str], order: str) -> Date | None:
    parts = {"y": 0, "m": 0, "d": 0}
    for key, value in zip(order, found.groups(), strict=True):
        if value:
            parts[key.lower()] = MONTHS[value[:3].lower()] if key == "M" else int(value)
    if parts["m"] > 12 or parts["d"] > 31:
        return None
    return Date(parts["y"], parts["m"], parts["d"])


def _arabic(found: re.Match[str]) -> Quantity:
    value = Decimal(found["number"].replace(",", ""))
    value *= SCALES.get((found["scale"] or "").lower(), 1)
    unit = UNITS.get((found["before"] or found["unit"] or "").lower(), "")
    return Quantity(value, unit, vague=False)


def _han(found: re.Match[str]) -> Quantity:
    whole, _, fraction = found["number"].partition("点")
    value = Decimal(numerals.value(whole))
    if fraction:
        value += Decimal("0." + "".join(str(numerals.DIGITS.get(digit, 0)) for digit in fraction))
    unit = "%" if found["percent"] else UNITS.get(found["unit"] or "", "")
    return Quantity(value, unit, vague=_vague(found, unit))


def _vague(found: re.Match[str], unit: str) -> bool:
    """一 is seldom a count; another single numeral is one where a unit or measure word follows."""
    return found["number"] == "一" or (len(found["number"]) == 1 and not unit and not found["counted"])


def _english(found: re.Match[str]) -> Quantity:
    words = re.split(r"[\s-]", found["number"].lower())
    value = sum(NUMBER_WORDS.get(word, ORDINALS.get(word, 0)) for word in words)
    scale = (found["scale"] or "").lower()
    unit = UNITS.get((found["unit"] or "").lower(), "")
    vague = words[0] in {"one", "zero", *ORDINALS} and not scale and not unit
    return Quantity(Decimal(value * SCALES.get(scale, 1)), unit, vague)
