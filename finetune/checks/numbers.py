"""Numbers that carry a checksum: bank cards (Luhn) and Chinese identity numbers (ISO 7064 mod 11-2)."""

from __future__ import annotations

import re
from datetime import date

_WEIGHTS = tuple(2 ** (17 - place) % 11 for place in range(17))
_CHECK = "10X98765432"
"""The last character by the weighted sum of the others modulo 11."""
_PROVINCES = frozenset(
    map(str, (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66)))
) | {"71", "81", "82", "83", "91"}
_ISSUERS = (
    (re.compile(r"4"), (16, 19)),  # Visa
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),  # Mastercard
    (re.compile(r"3[47]"), (15,)),  # American Express
    (re.compile(r"62"), (16, 17, 18, 19)),  # UnionPay
    (re.compile(r"6011|64[4-9]|65"), (16, 19)),  # Discover
    (re.compile(r"352[89]|35[3-8]"), (16,)),  # JCB
    (re.compile(r"30[0-5]|3095|36|3[89]"), (14,)),  # Diners Club
)


def luhn(digits: str) -> bool:
    """True when the last of the decimal digits is the Luhn checksum of the others."""
    total = 0
    for place, character in enumerate(reversed(digits)):
        value = int(character) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_card(digits: str) -> bool:
    """True for the number of a bank card: a known issuer's beginning and length, and a right checksum."""
    if len(set(digits)) < 2:
        return False
    known = any(len(digits) in lengths and start.match(digits) for start, lengths in _ISSUERS)
    return known and luhn(digits)


def mod11(first: str) -> str:
    """The check character of the first 17 digits of an identity number."""
    return _CHECK[sum(int(digit) * weight for digit, weight in zip(first, _WEIGHTS, strict=True)) % 11]


def is_identity(number: str) -> bool:
    """True for an 18-character identity number: a province, a day that was, and a right check character."""
    if number[:2] not in _PROVINCES or mod11(number[:17]) != number[17].upper():
        return False
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return born.year >= 1880 and born <= date.today()  # noqa: DTZ011 - a birthday has no time zone
