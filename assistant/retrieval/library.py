"""The documents of all users, behind one object: what tools, pages and commands call.

What a search may return is decided by the store: the row of a document turns ``ready`` when its files and
its chunks are in place, and is the first thing to go when it is deleted. Everything else follows the row.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.errors import ConflictError, EmptyInputError, NotFoundError, YoujuError
from assistant.retrieval import passages, spelling
from assistant.retrieval import search as searching
from assistant.retrieval.files import Files
from assistant.retrieval.limits import Limits
from assistant.retrieval.search import SearchResult
from assistant.schema import Chunk, Document
from assistant.store import DocumentRecord, Store, User

if TYPE_CHECKING:
    from assistant.retrieval.embedder import Embedder
    from assistant.retrieval.index import Index
    from assistant.retrieval.ingest import Ingest, Progress

SETTLE_S = 5.0
"""Quiet after the last change, before the index is tidied and deleted text leaves the disk."""
_TRIES = 3
"""Times that a search starts anew because a document it had found was deleted under it."""
INTERRUPTED = "the import was interrupted; try again"


@dataclass(frozen=True, slots=True)
class LibraryState:
    """What the index holds, for the doctor and the settings page."""

    embedder: str
    """That of the index; empty while it holds nothing."""
    chunks: int
    bytes: int
    stale: bool
    """The embedder was changed: until ``reindex``, search goes by words alone and nothing is added."""


def _quiet(record: DocumentRecord) -> None:
    """Progress that nobody asked for."""


class Library:
    """Documents in, passages out. Safe to share between threads; one process at a time may write.

    Args:
        store: Holds the rows, and says who may see what.
        index_folder: Of the index.
        files_folder: Of originals and texts.
        staging_folder: Emptied by ``recover``; on the same disk as ``files_folder``.
        embedder: Gives the embedding model; called when it is first needed.
        limits: On one file.
    """

    def __init__(
        self,
        store: Store,
        index_folder: Path,
        files_folder: Path,
        staging_folder: Path,
        embedder: Callable[[], Embedder],
        limits: Limits | None = None,
    ) -> None:
        self._store = store
        self._index_folder = index_folder
        self._files = Files(files_folder, staging_folder)
        self.staging = staging_folder
        self._embedder = embedder
        self._limits = limits or Limits()
        self._guard = threading.RLock()
        self._timer: threading.Timer | None = None
        self._text = lru_cache(maxsize=8)(self._read_text)

    def ingest(
        self,
        user: User,
        collection_id: str,
        name: str,
        source: Path | bytes,
        progress: Progress = _quiet,
    ) -> list[DocumentRecord]:
        """Add a file: parsed, cut, embedded, and visible in one step at the end.

        Args:
            user: Whose.
            collection_id: Where to.
            name: The user's name for the file; its suffix says the type.
            source: The bytes, or where they are; left as they are.
            progress: Told of each change of each document.

        Returns:
            One record; many where a JSON file has a document in each row. The same bytes again give the
            document that is there. A file that cannot be read stays listed as ``failed``, with the reason.

        Raises:
            NotFoundError: The collection is not the user's.
            TooLargeError: More bytes than the limit. Nothing was added.
            StorageError: No room. The file was not added; documents of it that were ready stay.
        """
        try:
            return self._ingest.add(user, collection_id, name, source, self._limits, progress)
        finally:
            self._settle_later()

    def ingest_folder(
        self, user: User, collection_id: str, folder: Path, progress: Progress = _quiet
    ) -> list[DocumentRecord]:
        """Add every file below a folder whose type is read, in order of name; hidden ones are left out.

        Raises:
            EmptyInputError: There is none.
        """
        from assistant.retrieval.documents import supported_suffixes

        suffixes = supported_suffixes()
        below = (
            path for path in sorted(folder.rglob("*")) if path.suffix.lower() in suffixes and path.is_file()
        )
        paths = [path for path in below if not any(part[0] == "." for part in path.relative_to(folder).parts)]
        if not paths:
            remedy = f"put files of these types into it: {' '.join(suffixes)}"
            raise EmptyInputError(field=f"folder {folder}", remedy=remedy)
        return [
            record for path in paths for record in self.ingest(user, collection_id, path.name, path, progress)
        ]

    def retry(self, user: User, document_id: str, progress: Progress = _quiet) -> list[DocumentRecord]:
        """Try a failed document again, from the original that was kept.

        Raises:
            NotFoundError: No such document, or its original never arrived: it has to be added again.
            ConflictError: It did not fail.
        """
        record = self._store.documents.get(user, document_id)
        if record.state != "failed":
            raise ConflictError(kind="document", value=record.title, detail=f"is {record.state}, not failed")
        self._files.original(record.id)
        return self._ingest.run(user, record, self._limits, progress)

    def search(
        self,
        user: User,
        query: str,
        *,
        rephrased: Sequence[str] = (),
        collection_ids: Sequence[str] | None = None,
        document_ids: Sequence[str] | None = None,
        k: int = 6,
    ) -> SearchResult:
        """Find passages by meaning, by words and by identifiers.

        Args:
            user: Only this user's documents and the common ones are searched, whatever the ids say.
            query: A question or words; blank finds nothing.
            rephrased: The same in other words, such as its translation into the other language.
            collection_ids: Only these collections; ``None`` is all but the files of single conversations.
            document_ids: Only these documents.
            k: Passages to return at most.

        Raises:
            NotFoundError: A collection or document is not the user's.
        """
        for _ in range(_TRIES):
            with contextlib.suppress(NotFoundError):
                return self._search(user, (query, *rephrased), collection_ids, document_ids, k)
        return self._search(user, (query, *rephrased), collection_ids, document_ids, k)

    def _search(
        self,
        user: User,
        queries: Sequence[str],
        collection_ids: Sequence[str] | None,
        document_ids: Sequence[str] | None,
        k: int,
    ) -> SearchResult:
        from assistant.retrieval.index import Scope

        elapsed = searching.started()
        query, ready = queries[0], self._ready(user, collection_ids, document_ids)
        if not query.strip() or not ready:
            return SearchResult(query, (), len(ready))
        if collection_ids is None and document_ids is None:
            collection_ids = [collection.id for collection in self._store.collections.list(user)]
        scope = Scope(
            user.id,
            tuple(collection_ids) if collection_ids is not None else None,
            tuple(document_ids) if document_ids is not None else None,
        )
        mended = spelling.mended(self._index, query, scope)
        asked = (mended, *queries[1:])
        found = searching.stages(self._index, self._matching_embedder(), asked, scope, ready.__contains__)
        chosen = searching.choose(found.fused, k)
        hits = searching.join(chosen, k, partial(self._neighbours, user), self._embedder().count)
        lists = found.dense, found.lexical, found.fused
        return SearchResult(query, tuple(hits), len(ready), *lists, seconds=elapsed(), mended=mended)

    def document(self, user: User, document_id: str) -> Document:
        """The whole text with its marks."""
        record = self._store.documents.get(user, document_id)
        return replace(self._files.read(document_id), title=record.title)

    def original(self, user: User, document_id: str) -> Path:
        """The bytes as they were added; for reading only."""
        return self._files.original(self._store.documents.get(user, document_id).id)

    def chunks(self, user: User, document_id: str) -> list[Chunk]:
        """The document's chunks, in order."""
        from assistant.retrieval.index import Scope

        record = self._store.documents.get(user, document_id)
        if record.state != "ready":
            return []
        return self._index.chunks(Scope(record.user_id, document_ids=(record.id,)))

    def delete(self, user: User, document_id: str) -> None:
        """Delete a document: row, chunks, vectors, text and file."""
        self._store.documents.delete(user, document_id)
        self._forget([document_id])

    def delete_collection(self, user: User, collection_id: str) -> None:
        """Delete a collection with all its documents."""
        ids = [record.id for record in self._store.documents.list(user, collection_id)]
        self._store.collections.delete(user, collection_id)
        self._forget(ids)

    def delete_user_data(self, user: User) -> None:
        """Delete everything the user has, conversations too; the account stays."""
        ids = [record.id for record in self._store.documents.list(user) if record.user_id == user.id]
        self._store.delete_user_data(user)
        self._forget(ids)

    def recover(self) -> None:
        """Sweep what a kill left behind. Call it once at start, before anything else, as the only process.

        Imports that did not end turn ``failed`` and can be tried again; files and chunks without a row go.
        """
        unfinished = self._store.documents.unfinished()
        for owner, record in unfinished:
            self._store.documents.set_state(owner, record.id, "failed", error=INTERRUPTED)
        known = self._store.documents.ids()
        self._files.sweep(known)
        if not self._index_folder.is_dir():
            return
        self._index.sweep()
        half_done = {record.id for _, record in unfinished}
        self._index.delete((self._index.document_ids() - known) | half_done)
        self._index.tidy()
        self.purge()

    def purge(self) -> None:
        """Take the text of deleted documents off the disk now, instead of after ``SETTLE_S``."""
        if self._index.purge_due:
            self._index.purge()

    def reindex(
        self,
        progress: Callable[[float], None] = lambda share: None,
        embedder: Callable[[], Embedder] | None = None,
    ) -> None:
        """Embed every document anew, beside the index in force, which serves until the new one replaces it.

        Args:
            progress: Told the share that is done.
            embedder: The model to change to; the library's own without it, as after a change of settings.

        Raises:
            StorageError: No room. The old index stays in force.
        """
        from assistant.retrieval.reindex import rebuild

        chosen = embedder or self._embedder
        rebuild(self._index, self._files, chosen(), progress)
        with self._guard:
            self._embedder = chosen

    def state(self) -> LibraryState:
        """What the index holds. Loads no model unless one is needed to tell."""
        named = self._index.embedder
        stale = named is not None and self._matching_embedder() is None
        return LibraryState(named or "", self._index.count(), self._index.bytes(), stale)

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        """Keep index and files as they are for a block, so that they can be copied together.

        Imports wait before they commit; what is deleted meanwhile is swept by the next ``recover``.
        """
        with self._index.writing():
            yield

    def close(self) -> None:
        """Finish what is due. The library is not used after it."""
        with self._guard:
            if self._timer is not None:
                self._timer.cancel()
        if self._index_folder.is_dir():
            self.purge()

    @cached_property
    def _index(self) -> Index:
        from assistant.retrieval.index import Index

        with self._guard:
            return Index(self._index_folder)

    @cached_property
    def _ingest(self) -> Ingest:
        from assistant.retrieval.ingest import Ingest

        return Ingest(self._store, self._index, self._files, lambda: self._embedder())

    def _matching_embedder(self) -> Embedder | None:
        embedder = self._embedder()
        return embedder if passages.way(embedder) == self._index.embedder else None

    def _ready(
        self, user: User, collection_ids: Sequence[str] | None, document_ids: Sequence[str] | None
    ) -> set[str]:
        """Documents that a hit may come from, as the store says it."""
        if document_ids is None:
            return set(self._store.documents.ready_ids(user, collection_ids))
        records = [self._store.documents.get(user, document_id) for document_id in document_ids]
        if collection_ids is not None:
            for collection_id in collection_ids:
                self._store.collections.get(user, collection_id)
        return {
            record.id
            for record in records
            if record.state == "ready" and (collection_ids is None or record.collection_id in collection_ids)
        }

    def _neighbours(self, user: User, chunk: Chunk, reach: int) -> tuple[str, Sequence[Chunk]]:
        """The document's text, and its chunks that begin so many characters before or after this one."""
        from assistant.retrieval.index import Scope

        record = self._store.documents.get(user, chunk.document_id)
        scope = Scope(record.user_id, document_ids=(record.id,))
        near = self._index.chunks(scope, max(0, chunk.start - reach), chunk.end + reach)
        return self._text(record.id), near

    def _read_text(self, document_id: str) -> str:
        return self._files.read(document_id).text

    def _forget(self, document_ids: Collection[str]) -> None:
        """The rows are gone: so nothing of these is found. Take the rest away, and soon the bytes."""
        self._text.cache_clear()
        self._files.delete(document_ids)
        if not self._index_folder.is_dir():
            return
        self._index.delete(document_ids)
        self._settle_later()

    def _settle_later(self, again: bool = True) -> None:
        with self._guard:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(SETTLE_S, self._settle, [again])
            self._timer.daemon = True
            self._timer.start()

    def _settle(self, again: bool) -> None:
        """Tidy, and once more later: by then no search reads from the version before."""
        with contextlib.suppress(YoujuError):  # no room just now: the next change or start tries again
            self.purge()
            self._index.tidy()
        if again:
            self._settle_later(again=False)
