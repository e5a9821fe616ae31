"""How an answer agrees with the right ones: the rules of SQuAD 2.0, and characters for Chinese."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence

from assistant.evidence import citing
from assistant.prompts import QUOTED
from assistant.schema import Language
from eval.schema import Prediction

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def said(found: Prediction) -> str:
    """The bare answer: no marks, no lead before quotations; a declined question has the empty answer."""
    if found.declined:
        return ""
    text = found.output.strip()
    for lead in QUOTED.values():
        text = text.removeprefix(lead)
    return citing.bare(text)


def tokens(text: str, language: Language) -> list[str]:
    """What two answers are compared by.

    English: words, lower-case, without punctuation and articles (SQuAD). Chinese: characters, widths folded,
    without punctuation and blanks (as CMRC 2018 has them).
    """
    if language == "zh":
        return [each for each in unicodedata.normalize("NFKC", text).lower() if each.isalnum()]
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def exact(answer: str, right: Sequence[str], language: Language) -> float:
    """1 where the answer is one of the right ones."""
    found = tokens(answer, language)
    return float(any(found == each for each in _all(right, language)))


def f1(answer: str, right: Sequence[str], language: Language) -> float:
    """Agreement with the right answer that fits best, 0..1; with none, 1 for the empty answer."""
    found = tokens(answer, language)
    return max(_f1(found, each) for each in _all(right, language))


def holds(text: str, right: Sequence[str], language: Language) -> bool:
    """A right answer stands in the text, word for word."""
    # Borders keep "5" out of "15"; Chinese characters need none.
    border = "" if language == "zh" else " "
    found = border + border.join(tokens(text, language)) + border
    wanted = [border + border.join(each) + border for each in _all(right, language) if each]
    return any(each in found for each in wanted)


def _all(right: Sequence[str], language: Language) -> list[list[str]]:
    """Answers of which something is left; the empty one where there is none, as SQuAD has it."""
    return [each for each in (tokens(one, language) for one in right) if each] or [[]]


def _f1(found: Sequence[str], right: Sequence[str]) -> float:
    if not found or not right:
        return float(list(found) == list(right))
    same = sum((Counter(found) & Counter(right)).values())
    return 2 * same / (len(found) + len(right))
