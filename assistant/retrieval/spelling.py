"""Mistyped words: one that stands in no document is searched for as the nearest one that does.

Only the search reads the mended question. The reader is asked the original, so that a word which merely looks
like one of the documents' ("lunch", "launch") is not answered for.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.retrieval.index import Index, Scope

_WORD = re.compile(r"(?<![\w-])[A-Za-z]{5,}(?![\w-])")
"""Shorter ones have too many neighbours."""
_ALIKE = 0.85
"""Of two words, twice their common letters over all: one letter of six may differ."""
_LOOKED_AT = 20
"""Chunks whose words are compared."""


def mended(index: Index, query: str, scope: Scope) -> str:
    """The query with every word that no chunk holds, but for a letter or two, as the chunks write it."""
    return _WORD.sub(lambda word: _nearest(index, word[0], scope), query)


def _nearest(index: Index, word: str, scope: Scope) -> str:
    if index.lexical(word, scope, 1):
        return word
    found = index.lexical(word, scope, _LOOKED_AT, mistyped=True)
    held = {other.lower() for each in found for other in _WORD.findall(each.words)}
    near = get_close_matches(word.lower(), sorted(held), n=1, cutoff=_ALIKE)
    return near[0] if near and near[0][0] == word[0].lower() else word
