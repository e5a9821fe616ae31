"""Chinese numerals as numbers."""

from __future__ import annotations

import re

DIGITS = {
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
_LONGEST = 24
CHARACTER = "[零〇一二两三四五六七八九十百千万亿]"
NOT_NUMBERS = re.compile(
    "一(?:些|般|样|起|直|定|下|切|致|旦|边|种|面|方面|点|共|律|次性|步)|十分|万一|万能|千万(?=[不别要])|三方|两者|统一|唯一|之一|进一步|百科|亿万|五金"
)
"""Everyday words written with numerals."""


def value(numeral: str) -> int:
    """Read a run of Chinese numeral characters: 三百五十万, 二〇二四, 两; 0 for one too long."""
    if len(numeral) > _LONGEST:
        return 0
    if all(character in DIGITS for character in numeral):
        return int("".join(str(DIGITS[character]) for character in numeral))
    total = section = digit = 0
    for character in numeral:
        if character in DIGITS:
            digit = DIGITS[character]
        elif character in _TENS:
            section += (digit or 1) * _TENS[character]
            digit = 0
        else:
            total = (total + section + digit or 1) * _POWERS[character]
            section = digit = 0
    return total + section + digit
