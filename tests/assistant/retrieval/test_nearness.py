"""Cosines of questions and sentences."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.retrieval import nearness
from assistant.retrieval.embedder import Vectors


class Counting:
    """Remembers what it read; a text's vector points where its length says."""

    id, dim, window = "counting", 2, 512

    def __init__(self) -> None:
        self.read: list[str] = []

    def count(self, text: str) -> int:
        return len(text)

    def embed_query(self, text: str) -> Vectors:
        self.read.append(f"q:{text}")
        return np.array([1.0, 0.0], dtype=np.float32)

    def embed_documents(self, texts: list[str]) -> Vectors:
        self.read += texts
        angles = np.array([len(text) for text in texts], dtype=np.float32)
        return np.stack([np.cos(angles), np.sin(angles)], 1)


def test_cosines_in_order_and_each_text_read_once() -> None:
    embedder = Counting()
    near = nearness.Nearness(lambda: embedder)
    assert near(["who?", "what?"], ["a", "bb", "a"]) == pytest.approx(
        np.cos([[1, 2, 1], [1, 2, 1]]), abs=1e-6
    )
    near(["who?"], ["bb", "ccc"])
    assert embedder.read == ["q:who?", "q:what?", "a", "bb", "ccc"]


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearness, "_KEPT", 2)
    embedder = Counting()
    near = nearness.Nearness(lambda: embedder)
    near(["who?"], ["a", "bb"])
    near(["who?"], ["a", "ccc"])
    near(["who?"], ["a"])
    near(["who?"], ["bb"])
    assert embedder.read == ["q:who?", "a", "bb", "ccc", "bb"]
