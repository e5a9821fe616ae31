"""Personal data: what a model would learn by heart and may say to anybody.

Numbers with a checksum are told by it; a telephone number has none. One that the text calls the number of
an order or a parcel is left alone; so are addresses of roles, and numbers and domains set aside for examples.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from finetune.checks.numbers import is_card, is_identity
from finetune.checks.rows import Row
from finetune.checks.values import masked
from finetune.schema import Fault

_HINT = re.compile(r"@|\d[\d\s().-]{7,}\d")
"""What any of them holds: most texts are done with after this."""
_EMAIL = re.compile(
    r"(?<![\w.+%-])([A-Za-z0-9][\w.+%-]{0,63})@((?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24})(?![\w@])", re.ASCII
)
_ROLES = frozenset({
    "abuse", "admin", "billing", "careers", "contact", "enquiries", "feedback", "git", "hello", "help",
    "helpdesk", "hr", "info", "inquiries", "jobs", "list", "mail", "marketing", "media", "news", "newsletter",
    "no-reply", "noreply", "office", "orders", "postmaster", "press", "privacy", "sales", "security",
    "service", "services", "shop", "support", "team", "webmaster",
})  # fmt: skip
_RESERVED = re.compile(
    r"(?:^|\.)(?:example\.(?:com|net|org|edu|cn)|\w+\.(?:example|test|invalid)|localhost)$", re.I
)
_IDENTITY = re.compile(r"(?<![0-9A-Za-z.])\d{17}[\dXx](?![0-9A-Za-z])", re.ASCII)
_CARD = re.compile(r"(?<![0-9A-Za-z.])\d(?:[ -]?\d){13,18}(?![0-9A-Za-z]|[ -]\d|\.\d)", re.ASCII)
_MOBILE = re.compile(
    r"(?<![0-9A-Za-z.])(?<!\d[-_/])(?:\+?86[- ]?)?(1[3-9]\d[- ]?\d{4}[- ]?\d{4})(?![0-9A-Za-z]|[-/]\d|\.\d)",
    re.ASCII,
)
_AMERICAN = re.compile(
    r"(?<![0-9A-Za-z.])(?<!\d[-. ])(?:\+?1[-. ])?"
    r"(\((?!400|8(?:00|33|44|55|66|77|88))[2-9]\d\d\) ?|(?!400|8(?:00|33|44|55|66|77|88))[2-9]\d\d[-. ])"
    r"(?!555[-. ]01)([2-9]\d\d)[-. ](\d{4})(?![0-9A-Za-z]|[-.]\d)",
    re.ASCII,
)
_ABROAD = re.compile(
    r"(?<![0-9A-Za-z.])\+(?!86|1\b)[2-9]\d{0,2}(?:[- .]?\(0\))?(?:[- .]?\d{2,5}){2,5}(?![0-9A-Za-z])",
    re.ASCII,
)
_THING = re.compile(
    r"(?:(?<![a-z])(?:order|invoice|ticket|tracking|parcel|serial|reference|case|item|sku|isbn|contract|build)"
    r"|订单|运单|快递|物流|流水|工单|序列|货|批|条码|编|单|合同|发票|版本)"
    r"\s*(?:numbers?|nos?|ids?|号码?)?[\s.:：#=]{0,3}(?:is|为|是)?\s*$",
    re.IGNORECASE,
)  # fmt: skip
_BARE = re.compile(r"(?:(?<![a-z])(?:no|id|ref)|#|№)[\s.:：#=]{0,3}$", re.IGNORECASE)
_PERSON = re.compile(r"phone|mobile|cell|tel|call|contact|card|visa|手机|电话|联系|卡", re.IGNORECASE)
_BEFORE = 24
"""Characters before a number that may say what it is."""
_WAY_OUT = "replace it with a placeholder such as {}, or leave the row out"


def check(rows: Sequence[Row]) -> Iterator[Fault]:
    """Addresses, telephone, identity and card numbers in any text of a row; the messages show them masked."""
    for row in rows:
        for piece in row.pieces:
            for name, kind, placeholder, value in find(piece.text):
                reason = f"holds {name} ({masked(value)}): {_WAY_OUT.format(placeholder)}"
                yield row.fault(piece.field, reason, f"personal-{kind}")


@lru_cache(maxsize=4096)
def find(text: str) -> tuple[tuple[str, str, str, str], ...]:
    """Personal data in a text, each as (what it is called, kind, placeholder, value), every value once."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    if not _HINT.search(plain):
        return ()
    found = dict.fromkeys((*_addresses(plain), *_numbers(plain)))
    return tuple(found)


def _addresses(text: str) -> Iterator[tuple[str, str, str, str]]:
    for match in _EMAIL.finditer(text):
        name, domain = match.groups()
        if name.lower() not in _ROLES and not _RESERVED.search(domain):
            yield "an e-mail address", "email", "[email]", match.group()


def _numbers(text: str) -> Iterator[tuple[str, str, str, str]]:
    taken: list[tuple[int, int]] = []
    for match in _IDENTITY.finditer(text):
        if is_identity(match.group()):
            taken.append(match.span())
            yield "a Chinese identity number", "identity", "[身份证号]", match.group()
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if is_card(digits) and not (_inside(match, taken) or _names_a_thing(text, match.start())):
            taken.append(match.span())
            yield "the number of a bank card", "card", "[card number]", digits
    for pattern in (_MOBILE, _AMERICAN, _ABROAD):
        for match in pattern.finditer(text):
            if not _inside(match, taken) and not _names_a_thing(text, match.start()):
                taken.append(match.span())
                yield "a telephone number", "phone", "[phone number]", match.group().strip()


def _names_a_thing(text: str, start: int) -> bool:
    """True where the words before a number say that it is that of an order, a parcel or the like."""
    before = text[max(0, start - _BEFORE) : start]
    return bool(_THING.search(before) or (_BARE.search(before) and not _PERSON.search(before)))


def _inside(match: re.Match[str], taken: Sequence[tuple[int, int]]) -> bool:
    return any(match.start() < end and start < match.end() for start, end in taken)
