from __future__ import annotations

import errno
import itertools
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import WordEmbedder

from assistant.errors import (
    ConflictError,
    EmptyInputError,
    ModelNotFoundError,
    NotFoundError,
    StorageError,
    TooLargeError,
)
from assistant.retrieval import ingest as ingesting
from assistant.retrieval import search as searching
from assistant.retrieval.files import Files
from assistant.retrieval.index import Index, Scope
from assistant.retrieval.library import INTERRUPTED, Library
from assistant.retrieval.limits import Limits
from assistant.store import DocumentRecord, Store, User

REFUNDS = b"# Refunds\n\nRefunds are paid within five days.\n\n# Delivery\n\nParcels leave on Monday.\n"
CHINESE = "我们提供七天无理由退款服务。客服电话是 12345。".encode()
NONCE = "k7q9zx2v5w8j3h6t1y4"


class Home:
    """A data folder with a library that can be opened again, as after a restart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = WordEmbedder()
        self.open()

    def open(self) -> None:
        self.store = Store(f"sqlite:///{self.folder / 'youju.db'}")
        self.store.migrate()
        self.user = self.store.users.local()
        self.library = Library(
            self.store,
            self.folder / "index",
            self.folder / "files",
            self.folder / "staging",
            lambda: self.model,
            Limits(file_bytes=100_000),
        )
        self.library.recover()

    def restart(self) -> None:
        self.library.close()
        self.store.close()
        self.open()

    def add(self, name: str, data: bytes, user: User | None = None) -> list[DocumentRecord]:
        user = user or self.user
        return self.library.ingest(user, self.store.collections.default(user).id, name, data)

    def found(self, query: str, **where: Any) -> list[str]:
        return [hit.title for hit in self.library.search(self.user, query, **where).hits]

    def check(self) -> None:
        """Rows, files and chunks tell one story."""
        records = self.store.documents.list(self.user)
        ready = {record.id for record in records if record.state == "ready"}
        assert self.library._index.document_ids() == ready
        files = self.folder / "files"
        texts = {path.parent.name for path in files.glob("*/text.json")} if files.is_dir() else set()
        assert ready <= texts <= {record.id for record in records}
        for record in records:
            if record.state == "ready":
                document = self.library.document(self.user, record.id)
                chunks = self.library.chunks(self.user, record.id)
                assert len(chunks) == record.chunks > 0
                assert all(document.text[chunk.start : chunk.end] == chunk.text for chunk in chunks)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    yield made
    made.library.close()
    made.store.close()


def test_a_file_becomes_searchable_and_says_so(home: Home) -> None:
    seen: list[tuple[str, float]] = []
    collection = home.store.collections.default(home.user).id
    (record,) = home.library.ingest(
        home.user,
        collection,
        "Terms.md",
        REFUNDS,
        lambda record: seen.append((record.state, record.progress)),
    )
    assert [state for state, _ in seen] == ["parsing", "embedding", "ready"]
    assert (record.state, record.progress, record.language, record.media_type) == (
        "ready",
        1.0,
        "en",
        "text/markdown",
    )
    result = home.library.search(home.user, "when are refunds paid")
    assert (result.searched, result.hits[0].chunk.document_id) == (1, record.id)
    assert home.library.original(home.user, record.id).read_bytes() == REFUNDS
    home.check()


def test_every_stage_can_be_inspected(home: Home) -> None:
    home.add("a.md", REFUNDS)
    home.add("b.txt", CHINESE)
    result = home.library.search(home.user, "退款")
    hit = result.fused[0]
    assert (hit.dense_rank, hit.lexical_rank) == (1, 1)
    assert hit.lexical is not None
    assert hit.dense is not None
    assert result.dense[0] == result.lexical[0] == hit
    assert [h.score for h in result.fused] == sorted((h.score for h in result.fused), reverse=True)
    assert result.hits[0].context.startswith("我们提供")


@pytest.mark.parametrize("query", ["", "  \n", "of the"])
def test_an_empty_question_is_no_fault(home: Home, query: str) -> None:
    home.add("a.md", REFUNDS)
    home.library.search(home.user, query)


def test_nothing_is_found_in_an_empty_library(home: Home) -> None:
    result = home.library.search(home.user, "refund")
    assert (result.hits, result.searched) == ((), 0)


def test_the_same_file_twice_is_one_document(home: Home) -> None:
    (first,), (second,) = home.add("a.md", REFUNDS), home.add("renamed.md", REFUNDS)
    assert first.id == second.id
    other = home.store.collections.create(home.user, "other")
    (third,) = home.library.ingest(home.user, other.id, "a.md", REFUNDS)
    assert third.id != first.id
    home.check()


def test_the_same_file_at_once_is_one_document(home: Home) -> None:
    home.model.delay_s = 0.05
    ids: list[str] = []
    threads = [threading.Thread(target=lambda: ids.append(home.add("a.md", REFUNDS)[0].id)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 1
    home.check()


def test_rows_are_documents_and_come_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingesting, "_GROUP", 4)
    rows = [{"title": f"Row {n}", "text": f"Item {n} costs {n} pounds."} for n in range(10)]
    lines = "\n".join(json.dumps(row) for row in rows).encode()
    records = home.add("rows.jsonl", lines)
    assert [record.title for record in records] == [row["title"] for row in rows]
    assert {record.state for record in records} == {"ready"}
    again = home.add("rows.jsonl", lines + b'\n{"title": "New", "text": "A new one."}')
    assert [record.id for record in again[:10]] == [record.id for record in records]
    assert len(home.store.documents.list(home.user)) == 11
    assert home.found("Item 7 costs")[0] == "Row 7"
    home.check()


def test_a_folder_is_imported_without_what_is_hidden_or_unknown(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    for name in ("b.md", "sub/a.txt", ".git/config.txt", "sub/.hidden.md", "program.exe"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"About {name}")
    collection = home.store.collections.default(home.user).id
    records = home.library.ingest_folder(home.user, collection, folder)
    assert sorted(record.filename for record in records) == ["a.txt", "b.md"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptyInputError, match="empty"):
        home.library.ingest_folder(home.user, collection, tmp_path / "empty")


def test_a_file_that_cannot_be_read_stays_listed_and_can_be_tried_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bad,) = home.add("bad.pdf", b"%PDF-1.4 nothing")
    assert bad.state == "failed"
    assert "bad.pdf" in bad.error
    assert home.library.original(home.user, bad.id).read_bytes() == b"%PDF-1.4 nothing"
    assert home.library.retry(home.user, bad.id)[0].state == "failed"
    (good,) = home.add("a.md", REFUNDS)
    with pytest.raises(ConflictError, match="ready"):
        home.library.retry(home.user, good.id)
    home.check()


def test_a_missing_model_fails_the_document_and_a_retry_mends_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> WordEmbedder:
        raise ModelNotFoundError(value="x", reason="it is not here", remedy="run: youju models pull x")

    monkeypatch.setattr(home.library, "_embedder", missing)
    (record,) = home.add("a.md", REFUNDS)
    assert (record.state, "youju models pull x" in record.error) == ("failed", True)
    monkeypatch.undo()
    assert [record.state for record in home.library.retry(home.user, record.id)] == ["ready"]
    home.check()


def test_a_failed_file_makes_room_for_the_next_try(home: Home) -> None:
    (first,), (second,) = home.add("bad.pdf", b"%PDF-1.4 nothing"), home.add("bad.pdf", b"%PDF-1.4 nothing")
    assert first.id != second.id
    assert [record.id for record in home.store.documents.list(home.user)] == [second.id]


def test_a_file_over_the_limit_leaves_nothing(home: Home) -> None:
    with pytest.raises(TooLargeError, match="100,000"):
        home.add("big.txt", b"x" * 100_001)
    assert home.store.documents.list(home.user) == []
    assert list((home.folder / "staging").iterdir()) == []


def test_deleted_is_deleted_from_everything(home: Home) -> None:
    (kept,) = home.add("a.md", REFUNDS)
    (gone,) = home.add("b.txt", f"The code is {NONCE}.".encode())
    home.library.search(home.user, "code")
    assert grep(home.folder)
    home.library.delete(home.user, gone.id)
    assert gone.id not in {hit.chunk.document_id for hit in home.library.search(home.user, NONCE).fused}
    for read in (home.library.document, home.library.original, home.library.chunks):
        with pytest.raises(NotFoundError):
            read(home.user, gone.id)
    home.library.purge()
    assert not grep(home.folder)
    assert home.library.document(home.user, kept.id)
    home.check()


def grep(folder: Path) -> list[str]:
    found = subprocess.run(["grep", "-rlaF", NONCE, folder], capture_output=True, text=True, check=False)
    return found.stdout.split()


def test_a_deleted_collection_takes_its_documents(home: Home) -> None:
    other = home.store.collections.create(home.user, "other")
    home.library.ingest(home.user, other.id, "b.txt", CHINESE)
    home.add("a.md", REFUNDS)
    home.library.delete_collection(home.user, other.id)
    assert home.library.search(home.user, "退款").searched == 1
    assert len(list((home.folder / "files").iterdir())) == 1
    home.check()


def test_a_document_that_is_deleted_while_it_comes_in_does_not_come_back(home: Home) -> None:
    def delete(record: DocumentRecord) -> None:
        if record.state == "embedding":
            home.library.delete(home.user, record.id)

    collection = home.store.collections.default(home.user).id
    assert home.library.ingest(home.user, collection, "a.md", REFUNDS, delete) == []
    assert home.store.documents.list(home.user) == []
    assert list((home.folder / "files").iterdir()) == []
    home.check()


# --- whose ------------------------------------------------------------------------------------------------


@pytest.fixture
def other(home: Home) -> User:
    return home.store.users.create("other", "a long password")


def test_nobody_finds_another_users_words(home: Home, other: User) -> None:
    home.add("a.md", REFUNDS)
    home.add("b.txt", f"The code is {NONCE}.".encode(), other)
    result = home.library.search(home.user, NONCE)
    texts = [hit.chunk.text for hit in (*result.hits, *result.dense, *result.lexical, *result.fused)]
    assert texts
    assert not any(NONCE in text for text in texts)


HOSTILE = ["' OR '1'='1", "%", "*", "", "x' OR user_id <> '", "\x00", "../../x"]


@pytest.mark.parametrize("value", [*HOSTILE, "theirs"])
@pytest.mark.parametrize("field", ["collection_ids", "document_ids"])
def test_ids_that_are_not_ones_own_are_not_found(home: Home, other: User, field: str, value: str) -> None:
    home.add("a.md", REFUNDS)
    (secret,) = home.add("b.txt", f"The code is {NONCE}.".encode(), other)
    if value == "theirs":
        value = secret.collection_id if field == "collection_ids" else secret.id
    with pytest.raises(NotFoundError):
        home.library.search(home.user, NONCE, **{field: [value]})
    for read in (home.library.document, home.library.original, home.library.chunks, home.library.delete):
        with pytest.raises(NotFoundError):
            read(home.user, secret.id)
    assert home.library.document(other, secret.id).text


def test_a_filter_that_lets_everything_through_is_caught_on_the_way_out(
    home: Home, other: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.add("a.md", REFUNDS)
    home.add("b.txt", f"The code is {NONCE}.".encode(), other)
    monkeypatch.setattr(Scope, "sql", lambda self: "true")
    result = home.library.search(home.user, NONCE)
    assert result.hits
    assert not any(
        NONCE in hit.chunk.text for hit in (*result.hits, *result.dense, *result.lexical, *result.fused)
    )


def test_a_document_that_goes_during_a_search_is_just_not_found(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    (gone,) = home.add("a.md", REFUNDS)
    (kept,) = home.add("b.md", b"Refunds of another shop are paid within nine days.")
    stages, calls = searching.stages, []

    def slow(*given: Any) -> Any:
        found = stages(*given)
        if not calls:
            home.library.delete(home.user, gone.id)
        calls.append(found)
        return found

    monkeypatch.setattr(searching, "stages", slow)
    hits = home.library.search(home.user, "refunds paid within days").hits
    assert gone.id in {hit.chunk.document_id for hit in calls[0].fused}
    assert {hit.chunk.document_id for hit in hits} == {kept.id}


def test_files_of_one_conversation_are_found_only_there(home: Home) -> None:
    conversation = home.store.conversations.create(home.user)
    own = home.store.collections.for_chat(home.user, conversation.id)
    home.library.ingest(home.user, own.id, "b.txt", f"The code is {NONCE}.".encode())
    home.add("a.md", REFUNDS)
    assert NONCE not in "".join(hit.chunk.text for hit in home.library.search(home.user, NONCE).hits)
    assert NONCE in home.library.search(home.user, NONCE, collection_ids=[own.id]).hits[0].chunk.text


# --- faults -----------------------------------------------------------------------------------------------

FAULTS: list[tuple[type, str]] = [
    (Files, "keep"),
    (Files, "write"),
    (Index, "prepare"),
    (Index, "add"),
]


@pytest.mark.parametrize(("owner", "method"), FAULTS, ids=[f"{o.__name__}.{m}" for o, m in FAULTS])
def test_a_full_disk_changes_nothing_and_the_next_try_works(
    home: Home, monkeypatch: pytest.MonkeyPatch, owner: type, method: str
) -> None:
    home.add("a.md", REFUNDS)
    before = home.store.documents.list(home.user)

    def full(*_: object, **__: object) -> None:
        raise StorageError(what="it", reason="No space left on device", remedy="free some")

    monkeypatch.setattr(owner, method, full)
    with pytest.raises(StorageError, match="No space left"):
        home.add("b.txt", CHINESE)
    assert home.store.documents.list(home.user) == before
    assert list((home.folder / "staging").iterdir()) == []
    monkeypatch.undo()
    home.check()
    assert home.add("b.txt", CHINESE)[0].state == "ready"
    home.check()


def test_a_disk_that_fills_while_the_file_is_copied_is_told(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("assistant.retrieval.files.os.fsync", full)
    with pytest.raises(StorageError, match="No space left on device; nothing was changed"):
        home.add("b.txt", CHINESE)
    assert home.store.documents.list(home.user) == []
    assert list((home.folder / "staging").iterdir()) == []


class Killed(BaseException):
    """Stands for a kill: nothing catches it on the way."""


STEPS: list[tuple[type, str, bool]] = [
    (owner, method, after)
    for (owner, method), after in itertools.product(
        [(Files, "keep"), (Files, "write"), (Index, "add")], [False, True]
    )
]


@pytest.mark.parametrize(
    ("owner", "method", "after"), STEPS, ids=[f"{o.__name__}.{m} {a}" for o, m, a in STEPS]
)
def test_a_kill_at_any_step_leaves_the_index_as_it_was(
    home: Home, monkeypatch: pytest.MonkeyPatch, owner: type, method: str, after: bool
) -> None:
    home.add("a.md", REFUNDS)
    original: Callable[..., object] = getattr(owner, method)

    def killed(*arguments: object, **options: object) -> None:
        if after:
            original(*arguments, **options)
        raise Killed

    monkeypatch.setattr(owner, method, killed)
    with pytest.raises(Killed):
        home.add("b.txt", CHINESE)
    monkeypatch.undo()
    assert home.library.search(home.user, "退款").searched == 1  # already invisible, before any sweep
    home.restart()
    home.check()
    states = {
        record.filename: (record.state, record.error) for record in home.store.documents.list(home.user)
    }
    assert states == {"a.md": ("ready", ""), "b.txt": ("failed", INTERRUPTED)}
    assert not (home.folder / "staging").exists()
    assert home.add("b.txt", CHINESE)[0].state == "ready"
    home.check()


def test_an_interrupted_import_is_tried_again_from_its_own_copy(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(Index, "add", killed)
    with pytest.raises(Killed):
        home.add("b.txt", CHINESE)
    monkeypatch.undo()
    home.restart()
    (record,) = home.store.documents.list(home.user)
    assert home.library.retry(home.user, record.id)[0].state == "ready"
    home.check()


# --- another embedder -------------------------------------------------------------------------------------


def test_after_a_change_of_embedder_words_serve_until_the_index_is_made_anew(home: Home) -> None:
    home.add("a.md", REFUNDS)
    home.add("b.txt", CHINESE)
    home.model = WordEmbedder("other", dim=16)
    home.restart()
    assert home.library.state().stale
    result = home.library.search(home.user, "退款")
    assert (result.dense, [hit.title for hit in result.hits]) == ((), ["b"])
    assert home.add("c.txt", b"New words.")[0].state == "failed"
    shares: list[float] = []
    home.library.reindex(shares.append)
    assert shares == [0.5, 1.0]
    assert not home.library.state().stale
    assert home.library.search(home.user, "退款").dense
    assert home.add("c.txt", b"New words.")[0].state == "ready"
    home.check()


def test_the_old_index_serves_while_the_new_one_is_made(home: Home) -> None:
    home.add("a.md", REFUNDS)
    home.add("b.txt", CHINESE)
    other = WordEmbedder("other", dim=16)
    during: list[bool] = []

    def look(_: float) -> None:
        during.append(bool(home.library.search(home.user, "退款").dense))
        if len(during) == 1:
            home.add("c.txt", b"Added meanwhile.")

    home.library.reindex(look, lambda: other)
    assert during == [True, True, True]
    assert home.library.state().embedder == "other-rows"
    assert home.found("added meanwhile")[0] == "c"
    home.check()


def test_a_rebuild_that_fails_leaves_the_old_index(home: Home) -> None:
    home.add("a.md", REFUNDS)

    def fail(_: float) -> None:
        raise Killed

    with pytest.raises(Killed):
        home.library.reindex(fail, lambda: WordEmbedder("other", dim=16))
    assert home.library.state().embedder == "words-rows"
    assert home.found("refunds")
    home.check()
