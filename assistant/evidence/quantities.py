"""Numbers and dates as written in English and Chinese, brought to one comparable form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from assistant.evidence.words import normalize

_DIGITS = {
    "零": 0,
    "〇": 0,
    "一": 1,
    "二": 2,
    "两": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
}
_TENS = {"十": 10, "百": 100, "千": 1000}
_POWERS = {"万": 10**4, "亿": 10**8}
_HAN_NUMBER = "[零〇一二两三四五六七八九十百千万亿]"
_WORDS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
} | {
    word: 10 * value
    for value, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
}
_ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
}
_SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "k": 1000, "m": 10**6,
           "bn": 10**9, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8, "百万": 10**6, "千万": 10**7}  # fmt: skip
_UNITS = {
    "%": "% percent per\u200bcent 个百分点 percentage", "day": "day days 天 日 日内", "hour": "hour hours hrs hr h 小时 个小时 钟头",
    "minute": "minute minutes min mins 分钟", "second": "second seconds sec secs 秒 秒钟", "week": "week weeks 周 星期 个星期",
    "month": "month months 个月", "year": "year years yr yrs", "usd": "$ usd dollar dollars 美元", "cny": "¥ cny rmb yuan 元 块 人民币",
    "eur": "€ eur euro euros 欧元", "gbp": "£ gbp 英镑", "kb": "kb kilobytes kib", "mb": "mb megabytes mib 兆",
    "gb": "gb gigabytes gib", "tb": "tb terabytes tib", "km": "km kilometers kilometres 公里 千米", "m": "metre metres meters 米",
    "kg": "kg kilograms 公斤 千克", "people": "people persons 人 名", "times": "times 次 倍",
}  # fmt: skip
_UNIT_OF = {name: unit for unit, names in _UNITS.items() for name in names.split()}
_UNIT = "|".join(sorted((re.escape(name) for name in _UNIT_OF), key=len, reverse=True))
_MONTHS = {name: i for i, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_MONTH = "(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
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
    r"(?P<number>(?<![\w.])-?\d+(?:,\d{3})+(?:\.\d+)?|(?<![A-Za-z_])\d+(?:\.\d+)?)"
    r"(?:st|nd|rd|th)?[\s-]*"
    rf"(?P<scale>(?:hundred|thousand|million|billion|trillion|bn)\b|[km]\b(?=\W|$)|百万|千万|[百千万亿])?[\s-]*"
    rf"(?P<unit>(?:{_UNIT})(?![a-z]))?",
    re.I,
)
_HAN_NUMERAL = re.compile(
    rf"(?P<percent>百分之)?第?(?P<number>{_HAN_NUMBER}+(?:点{_HAN_NUMBER}+)?)(?P<unit>{_UNIT})?"
)
_ENGLISH_NUMERAL = re.compile(
    rf"\b(?P<number>(?:{'|'.join([*_WORDS, *_ORDINALS])})(?:[\s-](?:{'|'.join(list(_WORDS)[1:10])}))?)\b"
    rf"[\s-]*(?P<scale>hundred|thousand|million|billion)?[\s-]*(?P<unit>(?:{_UNIT})(?![a-z]))?",
    re.I,
)
_NOT_NUMBERS = re.compile(
    r"一(?:些|般|样|起|直|定|下|切|致|旦|边|种|面|方面|点|共|律|次性)|十分|万一|千万(?=[不别要])|三方|两者|统一|唯一|之一"
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

    def agrees(self, other: Quantity) -> bool:
        """Same value, and no two different known units."""
        return self.value == other.value and (not self.unit or not other.unit or self.unit == other.unit)


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
    text = normalize(text)
    dates: list[Date] = []
    for pattern, order in _DATES:
        for found in pattern.finditer(text):
            if date := _date(found, order):
                dates.append(date)
                text = text[: found.start()] + "\0" * len(found.group()) + text[found.end() :]
    text = _NOT_NUMBERS.sub(lambda found: "\0" * len(found.group()), text)
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
            parts[key.lower()] = _MONTHS[value[:3].lower()] if key == "M" else int(value)
    if parts["m"] > 12 or parts["d"] > 31:
        return None
    return Date(parts["y"], parts["m"], parts["d"])


def _arabic(found: re.Match[str]) -> Quantity:
    value = Decimal(found["number"].replace(",", ""))
    value *= _SCALES.get((found["scale"] or "").lower(), 1)
    unit = _UNIT_OF.get((found["before"] or found["unit"] or "").lower(), "")
    return Quantity(value, unit, vague=False)


def _han(found: re.Match[str]) -> Quantity:
    whole, _, fraction = found["number"].partition("点")
    value = Decimal(_han_value(whole))
    if fraction:
        value += Decimal("0." + "".join(str(_DIGITS.get(digit, 0)) for digit in fraction))
    unit = "%" if found["percent"] else _UNIT_OF.get(found["unit"] or "", "")
    return Quantity(value, unit, vague=len(found["number"]) == 1 and not unit)


def _han_value(numeral: str) -> int:
    if all(character in _DIGITS for character in numeral):
        return int("".join(str(_DIGITS[character]) for character in numeral))
    total = section = digit = 0
    for character in numeral:
        if character in _DIGITS:
            digit = _DIGITS[character]
        elif character in _TENS:
            section += (digit or 1) * _TENS[character]
            digit = 0
        else:
            total = (total + section + digit or 1) * _POWERS[character]
            section = digit = 0
    return total + section + digit


def _english(found: re.Match[str]) -> Quantity:
    words = re.split(r"[\s-]", found["number"].lower())
    value = sum(_WORDS.get(word, _ORDINALS.get(word, 0)) for word in words)
    scale = (found["scale"] or "").lower()
    unit = _UNIT_OF.get((found["unit"] or "").lower(), "")
    vague = words[0] in {"one", "zero", *_ORDINALS} and not scale and not unit
    return Quantity(Decimal(value * _SCALES.get(scale, 1)), unit, vague)
