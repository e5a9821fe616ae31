"""Cut a text into words to weigh one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator

_WORD = re.compile(r"[㐀-䶿一-鿿]{1,2}|[^\W_㐀-䶿一-鿿]+(?:['’\-][^\W_㐀-䶿一-鿿]+)*")
_MOST = 60
"""Words weighed apart; a longer text is weighed in runs of words."""


def parts(text: str) -> Iterator[tuple[int, int, bool]]:
    """Spans that together are the whole text, each with whether it is a word.

    Chinese is cut into pairs of characters; a text of more than sixty words into sixty runs of words.
    """
    words = [(found.start(), found.end()) for found in _WORD.finditer(text)]
    size = -(-len(words) // _MOST) or 1
    at = 0
    for first in range(0, len(words), size):
        start, end = words[first][0], words[min(first + size, len(words)) - 1][1]
        if at < start:
            yield at, start, False
        yield start, end, True
        at = end
    if at < len(text):
        yield at, len(text), False
