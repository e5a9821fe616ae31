"""From a file to searchable chunks. A document becomes visible in one step: its row turns ``ready``."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.errors import ConflictError, NotFoundError, StorageError, YoujuError
from assistant.retrieval import chunking, documents, formats, passages
from assistant.retrieval.files import Files
from assistant.retrieval.limits import Limits
from assistant.schema import Chunk, Document
from assistant.store import DocumentRecord, Store, User

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from assistant.retrieval.embedder import Embedder
    from assistant.retrieval.index import Index

Progress = Callable[[DocumentRecord], None]
CHUNK_TOKENS = 256
"""As many were found as with 400 (eval/bench/mixed.py), and what is read of them is shorter."""
OVERLAP_TOKENS = 0
"""Neighbours are joined to a hit when it is shown, so nothing is lost at a cut."""
_GROUP = 128
"""Chunks that are embedded and committed together: small documents share one commit."""
_STEP = 32
"""Chunks between two reports of progress."""


@dataclass(slots=True)
class _Work:
    """A document on its way in."""

    record: DocumentRecord
    document: Document
    chunks: list[Chunk] = field(default_factory=list)


class Ingest:
    """Adds files for users. Several may run at once; parsing and embedding queue by themselves."""

    def __init__(self, store: Store, index: Index, files: Files, embedder: Callable[[], Embedder]) -> None:
        self._store, self._index, self._files, self._embedder = store, index, files, embedder
        self._registering = threading.Lock()

    def add(
        self,
        user: User,
        collection_id: str,
        name: str,
        source: Path | bytes,
        limits: Limits,
        progress: Progress,
    ) -> list[DocumentRecord]:
        """Add one file. See ``Library.ingest``."""
        with self._files.staged(source, limits.file_bytes) as (path, digest):
            shown = documents.display_name(name)
            size = path.stat().st_size
            known, record = self._register(user, collection_id, shown, shown, digest, size)
            if known:
                return [record]
            try:
                self._files.keep(record.id, path)
            except StorageError:
                self._store.documents.delete(user, record.id)
                raise
        return self.run(user, record, limits, progress)

    def run(
        self, user: User, record: DocumentRecord, limits: Limits, progress: Progress
    ) -> list[DocumentRecord]:
        """Parse, embed and commit a registered document whose original is kept."""
        try:
            progress(self._store.documents.set_state(user, record.id, "parsing"))
            found = documents.read(record.filename, self._files.original(record.id), limits)
            if len(found) == 1 and found[0].sha256 == record.sha256:
                works = [_Work(record, replace(found[0], id=record.id))]
                done: list[DocumentRecord] = []
            else:
                works, done = self._rows(user, record, found)
            return done + self._commit_all(user, works, progress)
        except StorageError:
            self._undo(user, [record])
            raise
        except NotFoundError:
            return []  # deleted by its owner meanwhile
        except YoujuError as fault:
            return [self._fail(user, record, str(fault), progress)]

    def _register(
        self, user: User, collection_id: str, title: str, filename: str, digest: str, size: int
    ) -> tuple[bool, DocumentRecord]:
        """A new row, or the one that stands for the same bytes. A failed one makes room for the new try."""
        rows = self._store.documents
        with self._registering:
            known = rows.by_sha256(user, collection_id, digest)
            if known is not None and known.state != "failed":
                return True, known
            if known is not None:
                rows.delete(user, known.id)
                self._files.delete([known.id])
            return False, rows.add(
                user,
                collection_id,
                title=title,
                filename=filename,
                media_type=_media_type(filename),
                sha256=digest,
                size=size,
            )

    def _rows(
        self, user: User, file: DocumentRecord, found: Sequence[Document]
    ) -> tuple[list[_Work], list[DocumentRecord]]:
        """One row for each document of a file; the file's own row goes."""
        works: list[_Work] = []
        done: list[DocumentRecord] = []
        for document in found:
            size = len(document.text.encode())
            filename = f"{document.title}.txt"
            known, record = self._register(
                user, file.collection_id, document.title, filename, document.sha256, size
            )
            if known:
                done.append(record)
            else:
                works.append(_Work(record, replace(document, id=record.id)))
        self._store.documents.delete(user, file.id)
        self._files.delete([file.id])
        return works, done

    def _commit_all(self, user: User, works: Sequence[_Work], progress: Progress) -> list[DocumentRecord]:
        embedder = self._embedder()
        self._index.prepare(passages.way(embedder), embedder.dim)
        if self._index.embedder != passages.way(embedder):
            detail = f"was made another way than {passages.way(embedder)}: re-index it first"
            raise ConflictError(kind="index", value=self._index.embedder, detail=detail)
        size = min(CHUNK_TOKENS, embedder.window)
        done: list[DocumentRecord] = []
        for group in _groups(
            works, lambda work: chunking.split(work.document, embedder.count, size, OVERLAP_TOKENS)
        ):
            vectors = self._embed(user, group, embedder, progress)
            done += self._commit(user, group, vectors, progress)
        return done

    def _embed(
        self, user: User, group: Sequence[_Work], embedder: Embedder, progress: Progress
    ) -> NDArray[np.float32]:
        import numpy as np

        texts = [passages.words(chunk) for work in group for chunk in work.chunks]
        titles = [work.document.title for work in group for _ in work.chunks]
        parts = []
        for at in range(0, len(texts), _STEP):
            if at == 0 or len(group) == 1:
                share = at / len(texts)
                for work in group:
                    progress(
                        self._store.documents.set_state(user, work.record.id, "embedding", progress=share)
                    )
            step = slice(at, at + _STEP)
            parts.append(passages.vectors(embedder, titles[step], texts[step]))
        return np.concatenate(parts)

    def _commit(
        self, user: User, group: Sequence[_Work], vectors: NDArray[np.float32], progress: Progress
    ) -> list[DocumentRecord]:
        from assistant.retrieval.index import Entry

        entries = [
            Entry(user.id, work.record.collection_id, work.document.title, chunk)
            for work in group
            for chunk in work.chunks
        ]
        try:
            for work in group:
                self._files.write(work.document)
            self._index.add(entries, vectors)
        except YoujuError:
            self._undo(user, [work.record for work in group])
            raise
        return [self._ready(user, work, progress) for work in group]

    def _ready(self, user: User, work: _Work, progress: Progress) -> DocumentRecord:
        document = work.document
        try:
            record = self._store.documents.set_state(
                user,
                work.record.id,
                "ready",
                progress=1.0,
                title=document.title,
                language=_language(document.text),
                pages=sum(mark.kind == "page" for mark in document.marks),
                characters=len(document.text),
                chunks=len(work.chunks),
                removed=document.removed,
            )
        except YoujuError:
            self._undo(user, [work.record])
            raise
        progress(record)
        return record

    def _fail(self, user: User, record: DocumentRecord, reason: str, progress: Progress) -> DocumentRecord:
        failed = self._store.documents.set_state(user, record.id, "failed", error=reason)
        progress(failed)
        return failed

    def _undo(self, user: User, records: Sequence[DocumentRecord]) -> None:
        """Leave nothing of documents that could not be committed. Faults here are swept at the next start."""
        ids = [record.id for record in records]
        for record in records:
            with contextlib.suppress(YoujuError):
                self._store.documents.delete(user, record.id)
        self._files.delete(ids)
        with contextlib.suppress(StorageError):
            self._index.delete(ids)


def _groups(works: Iterable[_Work], split: Callable[[_Work], list[Chunk]]) -> Iterator[list[_Work]]:
    """Small documents together, a long one alone."""
    group: list[_Work] = []
    for work in works:
        work.chunks = split(work)
        if group and sum(len(other.chunks) for other in group) + len(work.chunks) > _GROUP:
            yield group
            group = []
        group.append(work)
    if group:
        yield group


def _media_type(filename: str) -> str:
    try:
        return formats.find(filename).media_type
    except YoujuError:
        return "application/octet-stream"


def _language(text: str) -> str:
    """``zh`` where Han characters carry the text, else ``en``: enough to say in a list."""
    sample = [character for character in text[:20_000] if character.isalpha()]
    han = sum("\u4e00" <= character <= "\u9fff" for character in sample)
    return "zh" if han * 4 > len(sample) else "en"
