"""A question freed of its language.

The vectors of a multilingual embedder say what a text is about and also what it is written in: a Chinese
question lies nearer to any Chinese passage than to the English one that answers it. Most of that is one
direction, from a set of questions in English to the same in Chinese; without it both languages compete.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assistant.prompts import UNRELATED

if TYPE_CHECKING:
    from assistant.retrieval.embedder import Embedder, Vectors

_CHINESE_FROM = 0.25
"""Share of Chinese characters among letters: the rest may be names and commands."""
_HAN = re.compile("[一-鿿]")


_axes: dict[tuple[str, int], Vectors] = {}


def axis(embedder: Embedder) -> Vectors:
    """(d,) float32 of norm 1, from English to Chinese. Reads 24 questions, once for an embedder."""
    key = (embedder.id, embedder.dim)
    if key not in _axes:
        _axes[key] = _measured(embedder)
    return _axes[key]


def removed(vector: Vectors, axis: Vectors) -> Vectors:
    """(d,): the part of a question's vector (d,) that is at right angles to ``axis``, not scaled again."""
    return vector - (vector @ axis) * axis


def is_chinese(text: str) -> bool:
    """True when enough of the letters are Chinese."""
    letters = sum(character.isalpha() for character in text)
    return len(_HAN.findall(text)) > _CHINESE_FROM * letters


def _measured(embedder: Embedder) -> Vectors:
    import numpy as np

    english, chinese = (
        np.mean([embedder.embed_query(text) for text in UNRELATED[name]], axis=0) for name in ("en", "zh")
    )
    apart = chinese - english
    found: Vectors = (apart / max(float(np.linalg.norm(apart)), 1e-9)).astype(np.float32)
    return found
