from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from fakes import WordEmbedder

from assistant.errors import StorageError
from assistant.retrieval import index as indexing
from assistant.retrieval.index import Entry, Index, Scope
from assistant.schema import Chunk

MODEL = WordEmbedder()


def fill(
    index: Index, texts: Sequence[str], *, user: str = "u", document: str = "d", title: str = ""
) -> None:
    index.prepare(MODEL.id, MODEL.dim)
    chunks = [Chunk(document, n * 100, n * 100 + len(text), text) for n, text in enumerate(texts)]
    index.add([Entry(user, "c", title, chunk) for chunk in chunks], MODEL.embed_documents(texts))


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "index")


CORPUS = [
    "我们提供七天无理由退款服务",
    "模型微调需要显卡",
    "Refunds are paid within five days",
    "用 Docker 部署 Youju 服务",
    "The weather is fine",
]


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("退款", 0),
        ("微调", 1),
        ("怎么申请退款？", 0),
        ("refund", 2),
        ("REFUNDING", 2),
        ("docker", 3),
        ("如何部署 docker", 3),
        ("how is the weather", 4),
    ],
)
def test_words_are_found_in_both_languages(index: Index, query: str, best: int) -> None:
    fill(index, CORPUS)
    assert index.lexical(query, Scope("u"), 3)[0].chunk.text == CORPUS[best]
    index.tidy()
    assert index.lexical(query, Scope("u"), 3)[0].chunk.text == CORPUS[best]


@pytest.mark.parametrize(
    "query", ["", " ", "the of and", '"', "a AND (b", "x^2 ~ * : \\", "!!!", "\x00", "退" * 5_000]
)
def test_any_text_is_a_query(index: Index, query: str) -> None:
    fill(index, CORPUS)
    index.lexical(query, Scope("u"), 3)


def test_titles_are_searched_and_are_no_part_of_the_text(index: Index) -> None:
    fill(index, ["Open from nine."], title="Library handbook")
    (found,) = index.lexical("handbook", Scope("u"), 3)
    assert (found.chunk.text, found.title) == ("Open from nine.", "Library handbook")


def test_dense_scores_are_cosines_best_first(index: Index) -> None:
    fill(index, CORPUS)
    query = MODEL.embed_query("refunds are paid")
    found = index.dense(query, Scope("u"), 5)
    expected = np.sort(MODEL.embed_documents(CORPUS) @ query)[::-1]
    assert [hit.score for hit in found] == pytest.approx(list(expected), abs=1e-5)
    assert found[0].chunk.text == CORPUS[2]


HOSTILE = [
    "u' OR '1'='1",
    "u'; DROP TABLE chunks --",
    "%",
    "*",
    "",
    "u\x00",
    "user_id",
    "u\\' OR true --",
    '" OR ""="',
]


@pytest.mark.parametrize("field", ["user", "collections", "documents"])
@pytest.mark.parametrize("value", HOSTILE)
def test_metacharacters_widen_no_filter(index: Index, field: str, value: str) -> None:
    fill(index, ["the secret word"], user="u", document="d")
    scopes = {
        "user": Scope(value),
        "collections": Scope("u", collection_ids=(value,)),
        "documents": Scope("u", document_ids=(value,)),
    }
    assert index.dense(MODEL.embed_query("secret"), scopes[field], 5) == []
    assert index.lexical("secret", scopes[field], 5) == []
    assert index.chunks(scopes[field]) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_an_id_with_metacharacters_is_just_an_id(index: Index, name: str) -> None:
    fill(index, ["copper"], user=name, document=name)
    fill(index, ["silver"], user="v", document="w")
    assert [hit.chunk.text for hit in index.lexical("copper silver", Scope(name), 5)] == ["copper"]
    index.delete([name])
    assert index.document_ids() == {"w"}


def test_an_empty_selection_finds_nothing(index: Index) -> None:
    fill(index, CORPUS)
    assert index.lexical("refund", Scope("u", collection_ids=()), 5) == []
    assert index.lexical("refund", Scope("u", document_ids=()), 5) == []


def test_an_index_that_holds_nothing_answers(index: Index) -> None:
    assert index.dense(MODEL.embed_query("x"), Scope("u"), 5) == []
    assert (index.count(), index.embedder, index.document_ids(), index.bytes()) == (0, None, set(), 0)


def test_everything_is_there_after_a_restart(index: Index, tmp_path: Path) -> None:
    fill(index, CORPUS * 30)
    again = Index(tmp_path / "index")
    assert (again.embedder, again.count(), len(again.chunks(Scope("u")))) == ("words", 150, 150)
    assert [chunk.start for chunk in again.chunks(Scope("u"))] == [n * 100 for n in range(150)]


NONCE = "k7q9zx2v5w8j3h6t1y4"


def grep(folder: Path) -> list[str]:
    return subprocess.run(
        ["grep", "-rlaF", NONCE, folder], capture_output=True, text=True, check=False
    ).stdout.split()


def test_purge_leaves_no_byte_of_what_was_deleted(index: Index, tmp_path: Path) -> None:
    fill(index, [f"the code is {NONCE}"], document="gone")
    for n in range(30):
        fill(index, CORPUS, document=f"stays {n}")
    index.tidy()
    assert grep(tmp_path)
    index.delete(["gone"])
    assert index.purge_due
    assert index.lexical(NONCE, Scope("u"), 5) == []
    index.purge()
    assert not grep(tmp_path)
    assert not index.purge_due
    assert index.count() == 150
    assert index.lexical("退款", Scope("u"), 5)


def test_a_purge_that_was_killed_is_still_due(index: Index, tmp_path: Path) -> None:
    fill(index, [f"the code is {NONCE}"], document="gone")
    fill(index, CORPUS, document="stays")
    index.delete(["gone"])
    again = Index(tmp_path / "index")
    (tmp_path / "index" / "words-unfinished").mkdir()
    again.sweep()
    assert [path.name for path in (tmp_path / "index").iterdir() if path.is_dir()] == [
        again._current.folder.name
    ]  # type: ignore[union-attr]
    assert again.purge_due


def test_readers_outlive_the_generation_they_read(index: Index) -> None:
    fill(index, CORPUS)
    faults: list[Exception] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                assert index.lexical("refund", Scope("u"), 3)
                assert index.dense(MODEL.embed_query("refund"), Scope("u"), 3)
            except Exception as fault:  # noqa: BLE001 - whatever it is, it fails the test
                faults.append(fault)
                return

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(8):
        fill(index, CORPUS, document=f"e{n}")
        index.delete([f"e{n}"])
        index.purge()
        index.tidy()
    stop.set()
    for thread in threads:
        thread.join()
    assert not faults
    assert len([path for path in index._folder.iterdir() if path.is_dir()]) == 1


def test_another_embedder_takes_over_in_one_step(index: Index, tmp_path: Path) -> None:
    fill(index, CORPUS[:2], document="a")
    fill(index, CORPUS[2:4], document="b")
    other = WordEmbedder("other", dim=16)
    new = index.replace(other.id, other.dim)
    assert new.missing() == ["a", "b"]
    for name in ("a", "b"):
        chunks = index.chunks(Scope("u", document_ids=(name,)))
        vectors = other.embed_documents([chunk.text for chunk in chunks])
        new.add(name, [Entry("u", "c", "", chunk) for chunk in chunks], vectors)
        assert index.embedder == "words"  # serves until the end
        assert index.lexical("退款", Scope("u"), 5)
    index.delete(["b"])
    with index.writing():
        new.commit()
    assert (index.embedder, index.document_ids()) == ("other", {"a"})
    assert len(index.dense(other.embed_query("退款"), Scope("u"), 5)) == 2
    assert Index(tmp_path / "index").embedder == "other"


def test_many_vectors_are_partitioned_and_still_found(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "PARTITION_FROM", 500)
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((600, MODEL.dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index.prepare(MODEL.id, MODEL.dim)
    index.add([Entry("u", "c", "", Chunk(f"d{n}", 0, 1, "x")) for n in range(600)], vectors)
    index.tidy()
    assert index._current is not None
    assert index._current.partitions > 1
    found = [index.dense(vectors[n], Scope("u"), 1)[0] for n in range(50)]
    assert [hit.chunk.document_id for hit in found] == [f"d{n}" for n in range(50)]
    assert all(hit.score == pytest.approx(1, abs=1e-4) for hit in found)


@pytest.mark.parametrize(
    "pointer", ["", "{", "[]", '{"schema": 1}', '{"schema": 99, "folder": "x", "embedder": "e", "dim": 2}']
)
def test_a_broken_pointer_is_told_and_nothing_is_touched(tmp_path: Path, pointer: str) -> None:
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / "current.json").write_text(pointer)
    with pytest.raises(StorageError, match="backup"):
        Index(folder)
    assert (folder / "current.json").read_text() == pointer
