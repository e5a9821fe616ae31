"""Texts that are no files: many at once as documents, and a search of those that came with a question."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import WordEmbedder

from assistant.errors import EmptyInputError
from assistant.retrieval import aside, rows
from assistant.retrieval.library import Library
from assistant.store import Store

TEXTS = [
    ("b", "Terms", "Goods can be returned within seven days."),
    ("a", "Opening", "The shop opens at nine and closes at five."),
    ("c", "Terms", "Goods can be returned within seven days."),
    ("d", "假期", "员工每年有二十四天年假。"),
]


@pytest.mark.parametrize(
    ("query", "first", "words"),
    [
        ("When can goods be returned?", "bc", "seven days"),
        ("shop opens", "a", "nine"),
        ("年假", "d", "二十四天"),
    ],
)
def test_only_the_given_texts_are_searched_by_the_ids_given(
    tmp_path: Path, query: str, first: str, words: str
) -> None:
    with aside.searching(TEXTS, WordEmbedder, 3, tmp_path) as given:
        found = given.search(query)
        assert any(tmp_path.iterdir())
    assert found.searched == 3
    assert found.hits[0].chunk.document_id in first
    assert words in found.hits[0].context


def test_a_given_text_can_be_read_through_part_by_part(tmp_path: Path) -> None:
    long = "\n\n".join(f"Rule {n}. " + " ".join(["Nobody smokes here."] * 20) for n in range(30))
    with aside.searching([*TEXTS, ("e", "Rules", long)], WordEmbedder, 3, tmp_path) as given:
        parts = given.chunks("e")
        assert len(parts) > 5
        assert {part.document_id for part in parts} == {"e"}
        assert all(long[part.start : part.end] == part.text for part in parts)
        assert [part.text for part in given.chunks("b")] == [TEXTS[0][2]]
        assert [part.document_id for part in given.chunks("c")] == ["c"], "alike, and asked for by its own id"


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_kept(tmp_path: Path, fails: bool) -> None:
    try:
        with aside.searching(TEXTS, WordEmbedder, 3, tmp_path) as given:
            given.search("goods")
            if fails:
                raise KeyError("the reader left")
    except KeyError:
        pass
    assert list(tmp_path.iterdir()) == []


def test_each_text_has_its_document_in_order_and_those_alike_share_one(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'db'}")
    store.migrate()
    user = store.users.local()
    library = Library(store, tmp_path / "index", tmp_path / "files", tmp_path / "staging", WordEmbedder)
    place = store.collections.default(user).id
    texts = [(title, text) for _, title, text in TEXTS]
    ready: list[int] = []
    found = rows.add(library, user, place, texts, ready.append)
    assert [library.document(user, record.id).text for record in found] == [text for _, text in texts]
    assert found[0].id == found[2].id
    assert len({record.id for record in found}) == 3
    assert ready[-1] == 3
    assert [record.id for record in rows.add(library, user, place, texts)] == [record.id for record in found]
    (alone,) = rows.add(library, user, place, [("One", "A text of its own.")])
    assert library.document(user, alone.id).title == "One"
    with pytest.raises(EmptyInputError):
        rows.add(library, user, place, [("x", "a"), ("y", "\u200b")])
    library.close()
    store.close()
