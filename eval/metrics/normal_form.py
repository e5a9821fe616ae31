"""One form for what people write in many: numbers, dates, weekdays, times and money, English and Chinese.

"1,200 €", "1200 euros" and "€1 200" are one text then, and so are 周五 and Friday, 3月5日 and "March 5th",
下午三点半 and "3:30 pm". The rules are applied in their order: each reads what those before it have made.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

from assistant.evidence import numerals

_Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]

_ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NUMBERS = {word: number for number, word in enumerate([*_ONES, *_TEENS], 1)}
_NUMBERS |= {word: 10 * number for number, word in enumerate(_TENS, 2)}
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_SHORT_MONTHS = {month[:3]: month for month in _MONTHS if month != "may"} | {"sept": "september"}
_WEEKDAYS = {
    "一": "monday", "二": "tuesday", "三": "wednesday", "四": "thursday", "五": "friday", "六": "saturday",
    "日": "sunday", "天": "sunday",
}  # fmt: skip
_CURRENCIES = {"£": "pounds", "€": "euros", r"\$": "dollars", "¥": "元"}
_MORNING = "早上|上午|凌晨|清晨"
_EVENING = "下午|晚上|傍晚|夜里"
_AMOUNT = r"\d+(?:\.\d+)?"


def _any(words: Iterable[str]) -> str:
    return "|".join(words)


def _rule(pattern: str, into: str | Callable[[re.Match[str]], str]) -> _Rule:
    return re.compile(pattern), into


def _joined(found: re.Match[str]) -> str:
    return re.sub("[,']", "", found[0])


def _spelled(found: re.Match[str]) -> str:
    """Forty-two."""
    return str(_NUMBERS[found[1]] + _NUMBERS.get(found[2] or "", 0))


def _numeral(found: re.Match[str]) -> str:
    """三百五十; digits in a row stay so (二〇二四), and 百 and 千 alone are words."""
    run = found[0]
    if all(character in numerals.DIGITS for character in run):
        return "".join(str(numerals.DIGITS[character]) for character in run)
    return run if run[0] in "百千" else str(numerals.value(run))


def _date(found: re.Match[str]) -> str:
    month = min(12, max(1, int(found[1])))
    return f" {int(found[2])} {_MONTHS[month - 1]} "


def _half_day(found: re.Match[str]) -> str:
    """3 pm, 3:30 a.m."""
    afternoon = 12 if found[3] == "p" else 0
    return f"{int(found[1]) % 12 + afternoon}:{int(found[2] or 0):02d}"


def _oclock(found: re.Match[str]) -> str:
    """下午三点半, the numeral read already."""
    part, hour = found[1] or "", int(found[2])
    late = part in _EVENING.split("|") or (part == "中午" and hour < 10)
    minute = 30 if found[3] else int(found[4] or 0)
    return f"{hour + 12 if late and hour < 12 else hour}:{minute:02d}"


def _without_zeros(found: re.Match[str]) -> str:
    return f"{found[1]}.{found[2]}" if found[2] else found[1]


_SIGNS = (
    _rule(r"\[\d+(?:\s*[,，]\s*\d+)*\]", " "),  # marks of citations
    _rule(r"[*`_|#]", " "),
    _rule(r"[‐‑‒–—−]", "-"),
)
_DIGITS = (
    _rule(r"(?<![\d,.])\d{1,3}(?:[,']\d{3})+(?![\d,])", _joined),
    _rule(r"零下\s*|\bminus\s+", " -"),
)
_MONEY = (
    *(
        _rule(rf"{sign}\s*({_AMOUNT})|({_AMOUNT})\s*{sign}", rf"\g<1>\g<2> {name}")
        for sign, name in _CURRENCIES.items()
    ),
    _rule(r"\b(gbp|eur|usd|cny|rmb)(?=\d)", r"\1 "),
)
_WORDS = (
    _rule(rf"\b({_any(_TENS)})(?:[- ]({_any(_ONES)}))?\b", _spelled),
    _rule(rf"\b({_any([*_ONES, *_TEENS])})()\b", _spelled),
    _rule(r"(?:周|星期|礼拜)([一二三四五六日天])(?![次个天])", lambda found: f" {_WEEKDAYS[found[1]]} "),
    _rule(r"[零〇一二两三四五六七八九十百千]+", _numeral),
    _rule(rf"百分之\s*({_AMOUNT})", r"\1%"),
    _rule(r"(?<=\d)\s*(?:%|per ?cent\b|个百分点)", "%"),
    _rule(r"(\d+)(?:st|nd|rd|th)\b", r"\1"),
)
_DATES = (
    _rule(r"(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]", _date),
    _rule(rf"\b({_any(_SHORT_MONTHS)})\b\.?", lambda found: _SHORT_MONTHS[found[1]]),
    _rule(rf"(\d{{1,2}})\s+of\s+({_any(_MONTHS)})\b", r"\1 \2"),
    _rule(rf"\b({_any(_MONTHS)})\s+(\d{{1,2}})\b(?![:\d])", r"\2 \1"),
)
_TIMES = (
    _rule(r"\b(\d{1,2})(?::(\d{2}))?\s*([ap])\.?\s?m\b\.?", _half_day),
    _rule(
        rf"({_MORNING}|{_EVENING}|中午)?\s*(?<!\d)(\d{{1,2}})\s*(?:点|时(?!间))(?:(半)|(\d{{1,2}})\s*分?)?",
        _oclock,
    ),
    _rule(r"(\d{1,2}) o'clock", r"\1:00"),
    _rule(r"(?<![\d:])0(\d:\d\d)", r"\1"),
    _rule(r"(?<![\d.])(\d+)\.(\d*?)0+(?![\d.])", _without_zeros),
)
_SPACES = (
    _rule(r"(?<=[a-z0-9])-(?=[a-z0-9])", " "),
    _rule(r"\s*([㐀-鿿，。；：、？！（）“”‘’《》])\s*", r"\1"),
    _rule(r"\s+", " "),
)
_RULES: tuple[_Rule, ...] = (*_SIGNS, *_DIGITS, *_MONEY, *_WORDS, *_DATES, *_TIMES, *_SPACES)
_THIN_SPACE = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")
"""Between thousands; folding the widths would make a blank of it."""
_LEAD = re.compile(r"^(from the documents:|文档原文:|answer:|答:|答案:)\s*")


@lru_cache(maxsize=4_096)
def normal(text: str) -> str:
    """A text in its one form: lower-case, without marks, blanks beside Chinese, and leads like "Answer:"."""
    text = unicodedata.normalize("NFKC", _THIN_SPACE.sub("", text)).lower()
    text = text.replace("’", "'").replace("‘", "'")
    for pattern, into in _RULES:
        text = pattern.sub(into, text)
    return _LEAD.sub("", text.strip()).lstrip("\"'“”-•. ")


def occurs(wanted: str, text: str) -> bool:
    """Whether ``wanted`` stands in ``text``, both in their normal form, as whole words and whole numbers.

    Args:
        wanted: What is looked for; after a leading ``^`` it has to stand at the beginning. 5 is not in 15,
            5.2 or 5:30, and "no" not in "know"; longer words may go on ("month" in "months").
        text: Where it is looked for.
    """
    pattern = _pattern(wanted)
    return pattern is not None and pattern.search(normal(text)) is not None


@lru_cache(maxsize=4_096)
def _pattern(wanted: str) -> re.Pattern[str] | None:
    said = normal(wanted.removeprefix("^"))
    if not said:
        return None
    opens = "^" if wanted.startswith("^") else ""
    return re.compile(f"{opens}{_before(said)}{re.escape(said)}{_after(said)}")


def _before(said: str) -> str:
    if said[0] in "0123456789":
        return r"(?<![a-z0-9])(?<!\d[.:])"
    return r"(?<![a-z])" if "a" <= said[0] <= "z" else ""


def _after(said: str) -> str:
    if said[-1] in "0123456789":
        return r"(?!\d)(?![.:]\d)"
    one_letter = re.search(r"(?<![a-z0-9])[a-z]$", said)
    return r"(?![a-z])" if one_letter or re.fullmatch(r"[a-z]{1,3}", said) else ""
