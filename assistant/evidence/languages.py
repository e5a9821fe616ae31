"""Which of our two languages a text is in, or that it is in none of them."""

from __future__ import annotations

import re

from assistant.evidence.lexicon import listed
from assistant.evidence.words import han_share, is_chinese
from assistant.schema import Language

_KANA = re.compile("[぀-ヿ]")
_WORD = re.compile(r"[^\W\d_]+")
_ENGLISH = listed("the of and to in is are was for that with it as by be this from not or at an has")
_ELSEWHERE = listed(
    "le la les des et est une du que qui dans der die das und ist nicht mit ein eine el los las y en por con",
    "del una il che di della è sono o os um uma não het een van voor och att som är nie się jest w z",
)
"""Words that French, German, Spanish, Italian, Portuguese, Dutch, Swedish and Polish cannot do without."""


def language_of(text: str) -> Language | None:
    """English, Chinese, or ``None`` for any other."""
    letters = [character for character in text if character.isalpha()]
    known = sum(character.isascii() for character in letters) + han_share(text) * len(letters)
    if len(_KANA.findall(text)) > 0.1 * len(letters) or known < 0.8 * len(letters):
        return None
    if is_chinese(text):
        return "zh"
    words = _WORD.findall(text.lower())
    other = sum(word in _ELSEWHERE for word in words)
    return None if other > sum(word in _ENGLISH for word in words) else "en"
