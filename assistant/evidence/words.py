"""The comparable units of a text: stems of English words, pairs of neighbouring Chinese characters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

from assistant.evidence import numerals
from assistant.evidence.lexicon import HAN_PARTICLES, NUMBER_WORDS, STOPWORDS

_RUN = re.compile(r"[A-Za-z][A-Za-z'’\-]*[A-Za-z]|[A-Za-z]|\d+(?:[.,]\d+)*|[㐀-䶿一-鿿]+")
_HAN = re.compile(r"[㐀-䶿一-鿿]")
_PARTS = re.compile(
    f"{numerals.CHARACTER}+|[^ {''.join(sorted(HAN_PARTICLES))}零〇一二两三四五六七八九十百千万亿]+"
)
_HAN_QUESTION = re.compile(
    r"什么时候|什么|怎么样|怎么|怎样|如何|为什么|为何|多少|多久|哪些|哪个|哪里|哪儿|是否|请问|可以|能否|有没有"
)


WEEKDAY = re.compile("(?:周|星期|礼拜)([一二三四五六日天])")


def same_days(text: str) -> str:
    """With weekdays written one way: 星期一 and 礼拜一 are 周一, 周天 is 周日."""
    return WEEKDAY.sub(lambda day: "周" + day[1].replace("天", "日"), text)


def normalize(text: str) -> str:
    """Fold width, compatibility forms and curly quotes; the length may change."""
    return unicodedata.normalize("NFKC", text).replace("’", "'").replace("‘", "'")


def is_chinese(text: str) -> bool:
    """True when the text reads as Chinese: one Han character weighs as much as two Latin letters."""
    han = len(_HAN.findall(text))
    return han > 0 and 2 * han >= sum(character.isascii() and character.isalpha() for character in text) / 2


def han_share(text: str) -> float:
    """Share of Chinese characters among letters, 0..1."""
    return len(_HAN.findall(text)) / max(sum(character.isalpha() for character in text), 1)


def terms(text: str) -> list[str]:
    """The content units of a text, in order, repeated ones included.

    English: lower-case stems without function words. Chinese: character pairs without particles.
    Numbers are kept as written, thousands separators removed.
    """
    return list(_terms(same_days(normalize(text))))


def _terms(text: str) -> Iterator[str]:
    for run in _RUN.findall(text):
        if _HAN.match(run):
            yield from _pairs(run)
        elif run[0].isdigit():
            yield run.replace(",", "")
        else:
            word = run.lower().removesuffix("'s")
            if word not in STOPWORDS and not word.endswith("n't"):
                yield str(NUMBER_WORDS[word]) if word in NUMBER_WORDS else stem(word)


def _pairs(run: str) -> Iterator[str]:
    run = numerals.NOT_NUMBERS.sub(" ", _HAN_QUESTION.sub(" ", run))
    for part in _PARTS.findall(run):
        if re.match(numerals.CHARACTER, part):
            if part != "一":
                yield str(numerals.value(part))
        elif len(part) == 1:
            yield part
        else:
            yield from (left + right for left, right in pairwise(part))


def stem(word: str) -> str:
    """Take the commonest English endings off; light on purpose, as both sides are treated the same."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("ied", "y")):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word[: -len(ending)] + instead
    for ending in ("ations", "ation", "ingly", "edly", "ments", "ment", "ings", "ing", "ed", "es", "ly", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return _undouble(word[: -len(ending)])
    return word.removesuffix("e") if len(word) > 4 else word


def _undouble(word: str) -> str:
    word = word[:-1] if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "sl" else word
    return word.removesuffix("e") if len(word) > 4 else word
