"""Vectors and words of all chunks, in a LanceDB folder.

``current.json`` names the generation in force, a folder beside it. A generation belongs to one embedder.
Another embedder, or the wish that deleted text leaves the disk, makes the next generation beside the
current one; replacing the pointer is the one visible step. A kill leaves a folder that nothing names.
This file is imported lazily: it brings LanceDB and Arrow.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import lancedb  # noqa: TID253 - this file is imported by nothing that starts
import pyarrow as pa
from lancedb.index import FTS, Bitmap, BTree, IvfFlat  # noqa: TID253
from lancedb.query import MatchQuery  # noqa: TID253
from numpy.typing import NDArray

from assistant.errors import StorageError
from assistant.retrieval.language import is_chinese
from assistant.retrieval.words import STOP_WORDS
from assistant.schema import Chunk
from assistant.store.access import COMMON

POINTER = "current.json"
SCHEMA = 1
TABLE = "chunks"
QUERY_CHARACTERS = 2_000
"""A longer question is a document; its first words say what it is about."""
_TIDY_AFTER_ADDS = 32
_TIDY_AFTER_GROWTH = 0.25
"""Merging small files rewrites the whole table: between two times it has to grow by a share of itself."""
_READ_S = 5
"""Longer than any search reads from one version of the table."""
PARTITION_FROM = 30_000
"""Chunks from which a scan of all vectors takes too long (eval/bench/scale.py); below, search is exact."""
_PROBED = 0.25
"""Share of the partitions that a search looks into."""
_PURGE_DUE = "purge-due"
_SHOWN = ["document_id", "start", "end", "page", "heading", "header", "title", "words", "lead"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A chunk as it is indexed."""

    user_id: str
    collection_id: str
    title: str
    """Of the document; its words are searched with the chunk's."""
    chunk: Chunk


@dataclass(frozen=True, slots=True)
class Scored:
    """A chunk that one stage found. ``score``: a cosine, or BM25."""

    chunk: Chunk
    title: str
    score: float

    @property
    def words(self) -> str:
        """All that stands in it and over it."""
        return "\n".join((self.title, self.chunk.heading, self.chunk.header, self.chunk.text))


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: one user's and the common, narrower where ids are given; an empty tuple is nowhere."""

    user_id: str
    collection_ids: tuple[str, ...] | None = None
    document_ids: tuple[str, ...] | None = None
    chinese: bool | None = None
    """Only chunks in Chinese, or only others."""

    def sql(self) -> str:
        """The filter as LanceDB reads it, every value a quoted literal."""
        parts = [_among("user_id", (self.user_id, COMMON))]
        if self.collection_ids is not None:
            parts.append(_among("collection_id", self.collection_ids))
        if self.document_ids is not None:
            parts.append(_among("document_id", self.document_ids))
        if self.chinese is not None:
            parts.append(f"chinese = {self.chinese}".lower())
        return " AND ".join(parts)


class Generation:
    """One table of chunks under one embedder. Readers keep its files alive after it is replaced."""

    def __init__(self, folder: Path, embedder: str, dim: int) -> None:
        self.folder, self.embedder, self.dim = folder, embedder, dim
        self._readers = 0
        self._retired = False
        self._guard = threading.Lock()
        database = lancedb.connect(str(folder))
        if TABLE in database.table_names():
            self.table = database.open_table(TABLE)
            if (
                "header" not in self.table.schema.names
            ):  # of an earlier version: it serves until it is made anew
                self.table.add_columns({"header": "''", "chinese": "false"})
        else:
            self.table = database.create_table(TABLE, schema=_schema(dim))
        if not self.table.list_indices():
            self.table.create_index("words", config=_words())
            self.table.create_index("user_id", config=Bitmap())
            self.table.create_index("chinese", config=Bitmap())
            self.table.create_index("document_id", config=BTree())
        self.partitions = self._partitions()

    def partition(self) -> None:
        """Group the vectors, once there are many."""
        rows = self.table.count_rows()
        if not self.partitions and rows >= PARTITION_FROM:
            config = IvfFlat(distance_type="dot", num_partitions=math.isqrt(rows))
            self.table.create_index("vector", config=config)
            self.partitions = self._partitions()

    def _partitions(self) -> int:
        if not any(index.columns == ["vector"] for index in self.table.list_indices()):
            return 0
        return max(1, math.isqrt(self.table.count_rows()))

    def acquire(self) -> bool:
        """Hold the files for one read; False when they are being removed already."""
        with self._guard:
            self._readers += not self._retired
            return not self._retired

    def release(self) -> None:
        """End one read. The last one out of a retired generation removes it."""
        with self._guard:
            self._readers -= 1
            last = self._retired and not self._readers
        if last:
            shutil.rmtree(self.folder, ignore_errors=True)

    def retire(self) -> None:
        """Remove the folder once nobody reads from it."""
        with self._guard:
            self._retired = True
            idle = not self._readers
        if idle:
            shutil.rmtree(self.folder, ignore_errors=True)


class Index:
    """The chunks of all users. One process writes; threads may share it.

    Args:
        folder: Made when the first chunk is added.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._write = threading.RLock()
        self._current: Generation | None = None
        self._adds = self._rows = 0
        self._open()

    @property
    def embedder(self) -> str | None:
        """Id of the embedder whose vectors are in force; ``None`` while there are none."""
        return self._current.embedder if self._current else None

    def prepare(self, embedder: str, dim: int) -> None:
        """Make the first generation, where there is none."""
        with self._write, _storage("the index"):
            if self._current is None:
                self._point(Generation(self._next(embedder), embedder, dim))

    def add(self, entries: Sequence[Entry], vectors: NDArray[Any]) -> None:
        """Add chunks in one commit: all of them are found from now on, or none.

        Args:
            entries: n chunks.
            vectors: (n, d) float32 of norm 1, from the embedder in force.

        Raises:
            StorageError: Nothing was added.
        """
        with self._write, _storage("the index"):
            assert self._current is not None, "prepare() comes first"
            self._current.table.add(_table(entries, vectors))
            self._adds, self._rows = self._adds + 1, self._rows + len(entries)
            growth = self._rows / self._current.table.count_rows()
            if self._adds >= _TIDY_AFTER_ADDS and growth >= _TIDY_AFTER_GROWTH:
                self.tidy()

    def delete(self, document_ids: Collection[str]) -> None:
        """Take documents out of every later search. ``purge`` takes them off the disk.

        Raises:
            StorageError: Nothing was deleted.
        """
        with self._write, _storage("the index"):
            if self._current is not None and document_ids:
                (self._current.folder / _PURGE_DUE).touch()
                self._current.table.delete(_among("document_id", tuple(document_ids)))

    def dense(
        self, vector: NDArray[Any], scope: Scope, k: int, question: NDArray[Any] | None = None
    ) -> list[Scored]:
        """The k chunks nearest to a query vector, best first.

        Args:
            vector: (d,), what is ranked by.
            scope: The filter.
            k: Chunks to return at most.
            question: (d,), whose cosine is the ``score``; ``vector`` where not given.
        """
        with self._reading() as current:
            if current is None:
                return []
            query = current.table.search(vector, query_type="vector", vector_column_name="vector")
            query = query.distance_type("dot").where(scope.sql(), prefilter=True)
            if current.partitions:
                query = query.nprobes(math.ceil(current.partitions * _PROBED))
            found = query.select([*_SHOWN, "vector", "_distance"]).limit(k).to_arrow()
        read = found.column("vector").combine_chunks().flatten().to_numpy().reshape(-1, len(vector))
        cosines = read @ (vector if question is None else question)
        return [
            _scored(row, score) for row, score in zip(found.select(_SHOWN).to_pylist(), cosines, strict=True)
        ]

    def lexical(self, text: str, scope: Scope, k: int, *, mistyped: bool = False) -> list[Scored]:
        """The k chunks with the best BM25 for the words of ``text``, best first.

        With ``mistyped`` for words that differ from them by up to two letters.
        """
        with self._reading() as current:
            if current is None or not text.strip():
                return []
            words = MatchQuery(text[:QUERY_CHARACTERS], "words", fuzziness=2 if mistyped else 0)
            query = current.table.search(words, query_type="fts")
            query = query.where(scope.sql(), prefilter=True)
            rows = query.select([*_SHOWN, "_score"]).limit(k).to_arrow().to_pylist()
        return [_scored(row, row["_score"]) for row in rows]

    def chunks(self, scope: Scope, start: int = 0, end: int | None = None) -> list[Chunk]:
        """Chunks in the scope that begin in [start, end), by document and place."""
        where = f"{scope.sql()} AND start >= {start}" + ("" if end is None else f" AND start < {end}")
        with self._reading() as current:
            if current is None:
                return []
            rows = current.table.search().where(where).select(_SHOWN).to_arrow().to_pylist()
        return sorted((_chunk(row) for row in rows), key=lambda chunk: (chunk.document_id, chunk.start))

    def document_ids(self) -> set[str]:
        """Every document that has chunks, of all users."""
        return set(self.owners())

    def owners(self) -> dict[str, tuple[str, str]]:
        """User and collection of every document that has chunks."""
        with self._reading() as current:
            if current is None:
                return {}
            rows = current.table.search().select(["document_id", "user_id", "collection_id"]).to_arrow()
        groups = rows.group_by(["document_id", "user_id", "collection_id"]).aggregate([]).to_pylist()
        return {row["document_id"]: (row["user_id"], row["collection_id"]) for row in groups}

    def count(self) -> int:
        """Chunks of all users."""
        with self._reading() as current:
            if current is None:
                return 0
            return int(current.table.count_rows())

    def tidy(self) -> None:
        """Merge small files, take new words into the word index, drop versions that no search still reads."""
        with self._write, _storage("the index"):
            if self._current is not None:
                self._current.table.optimize(cleanup_older_than=timedelta(seconds=_READ_S))
                self._current.partition()
            self._adds = self._rows = 0

    @property
    def purge_due(self) -> bool:
        """Whether text of deleted chunks is still on the disk."""
        return self._current is not None and (self._current.folder / _PURGE_DUE).exists()

    def purge(self) -> None:
        """Write the chunks that are left to a new generation, so that nothing of the deleted ones remains.

        Raises:
            StorageError: The current generation stays in force.
        """
        with self._write, _storage("the index"):
            if (old := self._current) is None:
                return
            new = Generation(self._next(old.embedder), old.embedder, old.dim)
            try:
                if old.table.count_rows():
                    new.table.add(old.table.search().to_batches())
                    new.table.optimize()
                    new.partition()
            except BaseException:
                new.retire()
                raise
            self._point(new)

    def replace(self, embedder: str, dim: int) -> Replacement:
        """Begin a generation under another embedder, beside the current one, which serves on."""
        with self._write, _storage("the index"):
            return Replacement(self, Generation(self._next(embedder), embedder, dim))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other writers out for a block."""
        with self._write:
            yield

    def bytes(self) -> int:
        """Size on disk."""
        return sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())

    def _open(self) -> None:
        try:
            pointer = json.loads((self._folder / POINTER).read_text(encoding="utf-8"))
            folder = self._folder / Path(pointer["folder"]).name
            schema, embedder, dim = int(pointer["schema"]), str(pointer["embedder"]), int(pointer["dim"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise _unusable(f"{self._folder / POINTER} cannot be read ({fault})") from None
        if schema != SCHEMA or not folder.is_dir():
            raise _unusable(f"{folder} is missing, or of another version of Youju")
        with _storage("the index"):
            self._current = Generation(folder, embedder, dim)

    def sweep(self) -> None:
        """Remove generations that a kill left behind. Only at start, before anyone reads or writes."""
        if not self._folder.is_dir():
            return
        named = self._current.folder.name if self._current else ""
        for path in self._folder.iterdir():
            if path.is_dir() and path.name != named:
                shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def _reading(self) -> Iterator[Generation | None]:
        """The generation in force, its files safe until the block ends."""
        while (current := self._current) is not None and not current.acquire():
            pass  # replaced between the two looks: take the new one
        try:
            yield current
        finally:
            if current is not None:
                current.release()

    def _next(self, embedder: str) -> Path:
        return self._folder / f"{embedder}-{time.time_ns():x}"

    def _point(self, new: Generation) -> None:
        pointer = {"schema": SCHEMA, "embedder": new.embedder, "dim": new.dim, "folder": new.folder.name}
        draft = self._folder / f"{POINTER}.new"
        with draft.open("w", encoding="utf-8") as file:
            json.dump(pointer, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._folder / POINTER)
        old, self._current = self._current, new
        if old is not None:
            old.retire()


class Replacement:
    """A generation in the making. ``add`` until ``missing`` is empty, then ``commit``; or ``discard``."""

    def __init__(self, index: Index, generation: Generation) -> None:
        self._index, self._generation = index, generation
        self._done: set[str] = set()

    def missing(self) -> list[str]:
        """Documents of the current generation that are not in this one yet."""
        return sorted(self._index.document_ids() - self._done)

    def add(self, document_id: str, entries: Sequence[Entry], vectors: NDArray[Any]) -> None:
        """Add one document's chunks; none where it was deleted meanwhile."""
        with _storage("the new index"):
            if entries:
                self._generation.table.add(_table(entries, vectors))
        self._done.add(document_id)

    def commit(self) -> None:
        """Put it in force, without what was deleted meanwhile. Call it inside ``Index.writing``."""
        with _storage("the new index"):
            table = self._generation.table
            if gone := self._done - self._index.document_ids():
                (self._generation.folder / _PURGE_DUE).touch()
                table.delete(_among("document_id", tuple(gone)))
            table.optimize()
            self._generation.partition()
            self._index._point(self._generation)

    def discard(self) -> None:
        """Drop it; the current generation stays in force."""
        self._generation.retire()


def _schema(dim: int) -> pa.Schema:
    text = ["user_id", "collection_id", "document_id", "title", "heading", "header", "words"]
    numbers = ["start", "end", "lead", "page"]
    return pa.schema(
        [
            *(pa.field(name, pa.string(), nullable=False) for name in text),
            *(pa.field(name, pa.int32(), nullable=name == "page") for name in numbers),
            pa.field("chinese", pa.bool_(), nullable=False),
            pa.field("vector", pa.list_(pa.float32(), dim), nullable=False),
        ]
    )


def _words() -> FTS:
    """The word index: ``icu`` finds Chinese words, two characters long ones too, and stems English ones."""
    return FTS(base_tokenizer="icu", stem=True, remove_stop_words=True, custom_stop_words=list(STOP_WORDS))


def _table(entries: Sequence[Entry], vectors: NDArray[Any]) -> pa.Table:
    """Rows; a chunk's text is the end of ``words``, so that it is kept once."""
    dim = vectors.shape[1]
    leads = [
        "".join(f"{part}\n" for part in (entry.title, entry.chunk.heading, entry.chunk.header) if part)
        for entry in entries
    ]
    columns = {
        "user_id": [entry.user_id for entry in entries],
        "collection_id": [entry.collection_id for entry in entries],
        "document_id": [entry.chunk.document_id for entry in entries],
        "title": [entry.title for entry in entries],
        "heading": [entry.chunk.heading for entry in entries],
        "header": [entry.chunk.header for entry in entries],
        "words": [lead + entry.chunk.text for lead, entry in zip(leads, entries, strict=True)],
        "start": [entry.chunk.start for entry in entries],
        "end": [entry.chunk.end for entry in entries],
        "lead": [len(lead) for lead in leads],
        "page": [entry.chunk.page for entry in entries],
        "chinese": [is_chinese(entry.chunk.text) for entry in entries],
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1), pa.float32()), dim),
    }
    return pa.table(columns, schema=_schema(dim))


def _scored(row: dict[str, Any], score: float) -> Scored:
    return Scored(_chunk(row), row["title"], float(score))


def _chunk(row: dict[str, Any]) -> Chunk:
    text = row["words"][row["lead"] :]
    return Chunk(
        row["document_id"], row["start"], row["end"], text, row["page"], row["heading"], row["header"]
    )


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _among(column: str, values: Iterable[str]) -> str:
    listed = ", ".join(_literal(value) for value in values)
    return f"{column} IN ({listed})" if listed else "false"


def _unusable(reason: str) -> StorageError:
    remedy = "restore the folder from a backup, or remove it and add the documents again"
    return StorageError(what="to the index", reason=reason, remedy=remedy)


@contextmanager
def _storage(what: str) -> Iterator[None]:
    """LanceDB reports a full disk as OSError, RuntimeError or ValueError, by the layer that met it."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as fault:
        reason = str(fault).splitlines()[0] if str(fault) else type(fault).__name__
        raise StorageError(what=what, reason=reason, remedy="free some space and try again") from fault
