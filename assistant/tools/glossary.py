"""Pairs of terms that a translation keeps to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from assistant.errors import BadRequestError, TooLargeError
from assistant.evidence.words import is_chinese
from assistant.schema import Language

PAIRS = 500
"""Most pairs of a glossary."""
CHARACTERS = 100
"""Longest term."""
_BETWEEN = re.compile(r"\s*(?:=>|->|→|＝|=|\t)\s*")


def parse(lines: str) -> dict[str, str]:
    """Read a glossary as people write it, ``term = 译名`` a line; blank lines and ``#`` are passed over.

    Raises:
        BadRequestError: A line is no pair, or a term has two translations.
        TooLargeError: Too many pairs, or too long a term.
    """
    pairs: dict[str, str] = {}
    for number, line in enumerate(lines.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        sides = [side.strip() for side in _BETWEEN.split(line.strip(), maxsplit=1)]
        if len(sides) != 2 or not all(sides):
            raise BadRequestError(
                field="glossary",
                value=f"line {number}, {line[:60]!r}",
                remedy="write a pair a line: term = 译名",
            )
        if pairs.setdefault(sides[0], sides[1]) != sides[1]:
            raise BadRequestError(
                field="glossary",
                value=f"line {number}, {sides[0]!r}",
                remedy="it has two translations: keep one",
            )
    return checked(pairs)


def checked(pairs: Mapping[str, str]) -> dict[str, str]:
    """The pairs, where they can be used.

    Raises:
        BadRequestError: A side is empty.
        TooLargeError: Too many pairs, or too long a term.
    """
    if len(pairs) > PAIRS:
        raise TooLargeError(
            field="glossary", value=len(pairs), limit=PAIRS, remedy="keep the terms of this text"
        )
    for term in (*pairs.keys(), *pairs.values()):
        if not term.strip():
            raise BadRequestError(field="glossary", value=repr(term), remedy="write a term on both sides")
        if len(term) > CHARACTERS:
            raise TooLargeError(
                field="glossary", value=repr(term[:20] + "…"), limit=CHARACTERS, remedy="use a shorter one"
            )
    return {term.strip(): other.strip() for term, other in pairs.items()}


@dataclass(frozen=True, slots=True)
class Glossary:
    """Terms of the source's language with their translations; the longest first."""

    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def towards(cls, target: Language, pairs: Mapping[str, str]) -> Glossary:
        """Turn each pair so that the target's language stands right: one glossary serves both directions."""
        turned = {(b, a) if _is_turned(a, b, target) else (a, b) for a, b in checked(pairs).items()}
        return cls(tuple(sorted(turned, key=lambda pair: (-len(pair[0]), pair))))

    def within(self, sentence: str) -> dict[str, str]:
        """The pairs whose term stands in a sentence; a term that is only part of a longer one does not."""
        found: dict[str, str] = {}
        for term, other in self.pairs:
            sentence, count = _pattern(term).subn("\0", sentence)
            if count:
                found[term] = other
        return found


def missing(pairs: Mapping[str, str], translation: str) -> list[str]:
    """Those translations of terms that do not stand in a text."""
    return [other for other in pairs.values() if not _pattern(other).search(translation)]


def put_in(pairs: Mapping[str, str], sentence: str) -> str:
    """A sentence with its terms already translated."""
    for term in sorted(pairs, key=len, reverse=True):
        sentence = pairs[term].join(_pattern(term).split(sentence))
    return sentence


def _is_turned(left: str, right: str, target: Language) -> bool:
    return is_chinese(left) != is_chinese(right) and is_chinese(left) == (target == "zh")


def _pattern(term: str) -> re.Pattern[str]:
    """A term as a whole word, its plural too; Chinese knows no borders of words."""
    head = r"(?<![A-Za-z0-9])" if term[0].isascii() and term[0].isalnum() else ""
    tail = r"(?:e?s)?(?![A-Za-z0-9])" if term[-1].isascii() and term[-1].isalnum() else ""
    return re.compile(head + re.escape(term) + tail, re.IGNORECASE)
