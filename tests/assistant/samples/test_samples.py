from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant import samples
from assistant.store import Store, User


def test_the_files_are_small_and_of_many_types() -> None:
    found = samples.files()
    assert {path.suffix for path in found} == {".md", ".html", ".csv", ".pdf", ".docx"}
    assert sum(path.stat().st_size for path in found) < 300_000


def test_the_files_hold_the_answers_and_only_those() -> None:
    from assistant.retrieval.documents import read

    texts = {path.name: "".join(d.text for d in read(path.name, path)) for path in samples.files()}
    for question in samples.questions():
        if question.file:
            assert question.answer in texts[question.file], question
    assert {q.file for q in samples.questions() if q.file} == set(texts)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_both_languages_have_questions_with_and_without_an_answer(language: Any) -> None:
    found = samples.questions(language)
    assert {q.language for q in found} == {language}
    assert sum(bool(q.file) for q in found) >= 5
    assert sum(not q.file for q in found) >= 3


class FakeLibrary:
    def __init__(self, fails_at: int = -1) -> None:
        self.names: list[str] = []
        self.fails_at = fails_at

    def ingest(self, user: User, collection_id: str, name: str, source: Path) -> None:
        if len(self.names) == self.fails_at:
            raise KeyboardInterrupt
        self.names.append(name)


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store("sqlite://")
    store.migrate()
    yield store
    store.close()


def bring(store: Store, library: FakeLibrary) -> bool:
    return samples.bring(store, library, store.users.local())  # type: ignore[arg-type]


def test_they_are_brought_once(store: Store) -> None:
    library = FakeLibrary()
    assert bring(store, library) is True
    assert library.names == [path.name for path in samples.files()]
    assert bring(store, FakeLibrary()) is False


def test_what_was_deleted_does_not_come_back(store: Store) -> None:
    bring(store, FakeLibrary())
    user = store.users.local()
    store.collections.delete(user, store.collections.list(user)[0].id)
    assert bring(store, FakeLibrary()) is False
    assert store.collections.list(user) == []


def test_a_start_that_was_broken_off_is_taken_up_again(store: Store) -> None:
    with pytest.raises(KeyboardInterrupt):
        bring(store, FakeLibrary(fails_at=2))
    library = FakeLibrary()
    assert bring(store, library) is True
    assert len(library.names) == len(samples.files())
    assert len(store.collections.list(store.users.local())) == 1


def test_who_has_documents_gets_no_samples(store: Store) -> None:
    user = store.users.local()
    own = store.collections.default(user)
    store.documents.add(
        user, own.id, title="t", filename="t.txt", media_type="text/plain", sha256="x", size=1
    )
    assert bring(store, FakeLibrary()) is False
