"""Cosines of questions and sentences. What was read lately is not read again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from assistant.retrieval.embedder import Embedder, Vectors

_KEPT = 8192
"""Vectors kept: the sentences of some hundred answers, a dozen megabytes."""


class Nearness:
    """How near questions and texts are. Safe to share between threads.

    Args:
        embedder: Gives the model when it is first needed.
    """

    def __init__(self, embedder: Callable[[], Embedder]) -> None:
        self._embedder = embedder
        self._lock = threading.Lock()
        self._questions: dict[str, Vectors] = {}
        self._texts: dict[str, Vectors] = {}

    def __call__(self, questions: Sequence[str], texts: Sequence[str]) -> list[list[float]]:
        """Cosines, a row for each question and a column for each text; neither may be empty."""
        embedder = self._embedder()

        def read(asked: Sequence[str]) -> list[Vectors]:
            return [embedder.embed_query(question) for question in asked]

        found: list[list[float]] = (
            self._vectors(questions, self._questions, read) @ self.read(texts).T
        ).tolist()
        return found

    def read(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts, (n, d): read now, or kept from before."""
        embedder = self._embedder()
        return self._vectors(texts, self._texts, lambda new: list(embedder.embed_documents(new)))

    def _vectors(
        self,
        texts: Sequence[str],
        known: dict[str, Vectors],
        read: Callable[[Sequence[str]], list[Vectors]],
    ) -> Vectors:
        """(n, d), those of before taken from ``known``, which forgets its oldest."""
        with self._lock:
            vectors = {text: known[text] for text in texts if text in known}
        new = [text for text in dict.fromkeys(texts) if text not in vectors]
        if new:
            vectors.update(zip(new, read(new), strict=True))
        with self._lock:
            for text in dict.fromkeys(texts):  # what was used last stands last
                known.pop(text, None)
                known[text] = vectors[text]
            while len(known) > _KEPT:
                del known[next(iter(known))]
        return np.stack([vectors[text] for text in texts])
