"""The units in which texts are compared and counted."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_UNIT = re.compile(r"[㐀-䶿一-鿿]|[a-z0-9]+")


def units(text: str) -> list[str]:
    """Han characters one by one, and lower-case words of Latin letters and digits.

    English text gives the tokens of rouge-score's own tokenizer without stemming.
    """
    return _UNIT.findall(unicodedata.normalize("NFKC", text).lower())


def grams(tokens: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """All runs of n tokens."""
    return [tuple(tokens[start : start + n]) for start in range(len(tokens) - n + 1)]
