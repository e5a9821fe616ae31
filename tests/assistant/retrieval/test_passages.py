"""A chunk's vector also says its document's title: half as loud as its words."""

import numpy as np
import pytest

from assistant.retrieval import passages


class Axes:
    """An embedder whose texts each have an axis of their own."""

    id, dim, window = "axes", 4, 64

    def __init__(self, *texts: str) -> None:
        self.texts, self.read = texts, []

    def embed_documents(self, texts: list[str]) -> np.ndarray:
        self.read += texts
        return np.stack([np.eye(4, dtype=np.float32)[self.texts.index(text)] for text in texts])


def test_the_title_is_half_as_loud_as_the_words() -> None:
    (vector,) = passages.vectors(Axes("Gold Saver", "fees"), ["Gold Saver"], ["fees"])
    assert vector[1] == pytest.approx(2 * vector[0])
    assert np.linalg.norm(vector) == pytest.approx(1.0)
    assert vector.dtype == np.float32


def test_pages_of_the_same_words_are_told_apart_by_their_titles() -> None:
    embedder = Axes("Gold", "Silver", "fees")
    gold, silver = passages.vectors(embedder, ["Gold", "Silver"], ["fees", "fees"])
    question = embedder.embed_documents(["Gold"])[0]
    assert gold @ question > silver @ question


def test_a_title_of_many_chunks_is_read_once() -> None:
    embedder = Axes("Gold", "fees", "terms")
    passages.vectors(embedder, ["Gold", "Gold"], ["fees", "terms"])
    assert embedder.read.count("Gold") == 1


def test_a_made_up_title_says_nothing() -> None:
    embedder = Axes("fees", "terms", "Gold")
    alone, named = passages.vectors(embedder, ["row 7", "Gold"], ["fees", "terms"])
    assert "row 7" not in embedder.read
    assert alone == pytest.approx([1, 0, 0, 0])
    assert named[2] > 0


def test_an_index_made_the_other_way_is_not_searched_with_this_one() -> None:
    assert passages.way(Axes()) != Axes().id
