"""Originals and texts of documents on disk: ``files/<document id>/original`` and ``text.json``."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from assistant.errors import NotFoundError, StorageError, TooLargeError
from assistant.schema import Document, Mark

ORIGINAL = "original"
TEXT = "text.json"
_BLOCK = 1 << 20


class Files:
    """One folder a document, named by its id. What is unfinished stands in ``staging``, on the same disk."""

    def __init__(self, folder: Path, staging: Path) -> None:
        self._folder, self._staging = folder, staging

    @contextmanager
    def staged(self, source: Path | bytes, limit: int) -> Iterator[tuple[Path, str]]:
        """A copy of the bytes that is ours alone, and its sha256; gone when the block ends unless kept.

        Raises:
            TooLargeError: More than ``limit`` bytes; what was copied is removed.
            StorageError: No room, no right, or the source went away.
        """
        path = self._staging / uuid.uuid4().hex
        try:
            with _storage("the file"):
                self._staging.mkdir(parents=True, exist_ok=True)
                digest = _copy(source, path, limit)
            yield path, digest
        finally:
            path.unlink(missing_ok=True)

    def keep(self, document_id: str, staged: Path) -> None:
        """Make a staged file the document's original."""
        with _storage("the file"):
            folder = self._folder / document_id
            folder.mkdir(parents=True, exist_ok=True)
            staged.replace(folder / ORIGINAL)

    def write(self, document: Document) -> None:
        """Keep the text, and as the original too where the document has no file of its own (a row of one)."""
        folder = self._folder / document.id
        draft = self._staging / f"{document.id}.{TEXT}"
        with _storage("the text"):
            folder.mkdir(parents=True, exist_ok=True)
            self._staging.mkdir(parents=True, exist_ok=True)
            if not (folder / ORIGINAL).exists():
                (folder / ORIGINAL).write_text(document.text, encoding="utf-8")
            with draft.open("w", encoding="utf-8") as file:
                json.dump(asdict(document), file, ensure_ascii=False)
            draft.replace(folder / TEXT)

    def read(self, document_id: str) -> Document:
        """The parsed document."""
        try:
            values = json.loads((self._folder / document_id / TEXT).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotFoundError(kind="document", value=document_id) from None
        marks = tuple(Mark(**mark) for mark in values.pop("marks"))
        return Document(**values, marks=marks)

    def original(self, document_id: str) -> Path:
        """The bytes as they were added."""
        path = self._folder / document_id / ORIGINAL
        if not path.is_file():
            raise NotFoundError(kind="file of document", value=document_id)
        return path

    def delete(self, document_ids: Collection[str]) -> None:
        """Remove originals and texts; a missing one is no fault."""
        for document_id in document_ids:
            shutil.rmtree(self._folder / document_id, ignore_errors=True)

    def sweep(self, known: Collection[str]) -> None:
        """Empty the staging folder and remove what belongs to no known document. Only at start."""
        shutil.rmtree(self._staging, ignore_errors=True)
        if self._folder.is_dir():
            self.delete({path.name for path in self._folder.iterdir()} - set(known))


def _copy(source: Path | bytes, target: Path, limit: int) -> str:
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as out:
        for block in _blocks(source):
            size += len(block)
            if size > limit:
                remedy = "split the file, or raise max_upload_mb"
                raise TooLargeError(
                    field="file", value=f"over {limit:,} bytes", limit=f"{limit:,}", remedy=remedy
                )
            digest.update(block)
            out.write(block)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def _blocks(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


@contextmanager
def _storage(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        reason = fault.strerror or str(fault)
        raise StorageError(what=what, reason=reason, remedy="free some space and try again") from fault
