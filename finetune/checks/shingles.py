"""Texts as sets of hashed word groups: how two of them are compared fast, in English and Chinese alike.

A word is a run of letters and digits; a Chinese character counts as a word of its own, half as telling.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.evidence.words import normalize

Hashes = NDArray[np.uint64]
_HAN = "㐀-䶿一-鿿"
_TOKEN = re.compile(f"[{_HAN}]|[^\\W_{_HAN}]+")
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


@dataclass(frozen=True, slots=True)
class Text:
    """A text in words.

    Attributes:
        ids: One number a word, ``(words,)``.
        weight: Words, a Chinese character counting half.
    """

    ids: Hashes
    weight: float

    def groups(self, size: int) -> Hashes:
        """The hashes of all runs of ``size`` words, each once and in order; empty where it is shorter."""
        count = len(self.ids) - size + 1
        if count < 1:
            return np.empty(0, np.uint64)
        total = np.zeros(count, np.uint64)
        for place in range(size):
            total = mixed(total + self.ids[place : place + count])
        return np.unique(total)


class Words:
    """Numbers words in the order in which they are met. One for all texts that are compared."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def read(self, text: str) -> Text:
        """A text in words; letter case, width, spaces and punctuation make no difference."""
        found = _TOKEN.findall(normalize(text).casefold())
        numbers = self._numbers
        ids = [numbers.setdefault(word, len(numbers) + 1) for word in found]
        han = sum(len(word) == 1 and "㐀" <= word <= "鿿" for word in found)
        return Text(np.array(ids, np.uint64), len(found) - han / 2)


def mixed(values: Hashes) -> Hashes:
    """Spread numbers over 64 bits, the same way each time."""
    values = values * _FACTOR
    return (values ^ (values >> _SHIFT)) * _FACTOR
