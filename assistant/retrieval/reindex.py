"""Embed all documents anew, for another embedder."""

from __future__ import annotations

from collections.abc import Callable

from assistant.errors import NotFoundError
from assistant.retrieval import chunking, passages
from assistant.retrieval.embedder import Embedder
from assistant.retrieval.files import Files
from assistant.retrieval.index import Entry, Index, Replacement
from assistant.retrieval.ingest import CHUNK_TOKENS, OVERLAP_TOKENS


def rebuild(index: Index, files: Files, embedder: Embedder, progress: Callable[[float], None]) -> None:
    """Fill a generation beside the one in force, document by document, and swap them.

    Documents may come and go meanwhile: those that came are embedded in another round, the last one with
    other writers held back.
    """
    new = index.replace(passages.way(embedder), embedder.dim)
    try:
        _round(new, index, files, embedder, progress)
        with index.writing():
            _round(new, index, files, embedder, progress)
            new.commit()
    except BaseException:
        new.discard()
        raise


def _round(
    new: Replacement, index: Index, files: Files, embedder: Embedder, progress: Callable[[float], None]
) -> None:
    owners = index.owners()
    missing = new.missing()
    for number, document_id in enumerate(missing, start=1):
        user_id, collection_id = owners[document_id]
        try:
            document = files.read(document_id)
        except NotFoundError:
            continue  # deleted meanwhile
        size = min(CHUNK_TOKENS, embedder.window)
        chunks = chunking.split(document, embedder.count, size, OVERLAP_TOKENS)
        titles = [document.title] * len(chunks)
        vectors = passages.vectors(embedder, titles, [passages.words(chunk) for chunk in chunks])
        new.add(
            document_id, [Entry(user_id, collection_id, document.title, chunk) for chunk in chunks], vectors
        )
        progress(number / len(missing))
