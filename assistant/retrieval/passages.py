"""What the vector of a chunk says: its own words and, less loudly, its document's title.

A page about one product often never names it but in its title, and a question nearly always does. On 550
pages of a help centre and 33 questions of our own, the title's half weight brought recall@5 from .81 to .94
(English) and from .59 to .82 (Chinese); on sets whose titles say little it costs up to .02
(eval/bench/retrieval.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from assistant.schema import Chunk

if TYPE_CHECKING:
    from assistant.retrieval.embedder import Embedder, Vectors

TITLE_WEIGHT = 0.5
"""Of the title's vector beside that of the words. A whole one hides what a document's chunks differ in."""
_MADE_UP = re.compile(r"row \d+")
"""The title of a record without one."""


def way(embedder: Embedder) -> str:
    """How chunks and vectors are made, for the index: those of one way are not mixed with another's."""
    return f"{embedder.id}-rows"


def words(chunk: Chunk) -> str:
    """What stands over a chunk, as far as its text does not say it, and the text itself, its end."""
    lead = [part for part in (chunk.heading, chunk.header) if part and part not in chunk.text]
    return "".join(f"{part}\n" for part in lead) + chunk.text


def vectors(embedder: Embedder, titles: Sequence[str], texts: Sequence[str]) -> Vectors:
    """Embed chunks.

    Args:
        embedder: Gives vectors of norm 1.
        titles: The document's title of each text; one that many share is read once.
        texts: The ``words`` of each.

    Returns:
        (n, d) float32 of norm 1.
    """
    import numpy as np

    words = embedder.embed_documents(texts)
    said = [title for title in dict.fromkeys(titles) if not _MADE_UP.fullmatch(title)]
    if not said:
        return words
    named = dict(zip(said, embedder.embed_documents(said), strict=True))
    nothing = np.zeros(words.shape[1], np.float32)
    mixed = words + TITLE_WEIGHT * np.stack([named.get(title, nothing) for title in titles])
    scaled: Vectors = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)
    return scaled
