"""Texts that are no files, as documents: each a row of one JSON-lines file, by the path of every file."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from assistant.errors import EmptyInputError, StorageError
from assistant.retrieval import documents
from assistant.store import DocumentRecord, User

if TYPE_CHECKING:
    from assistant.retrieval.library import Library

_NAME = "texts.jsonl"
_AT_ONCE = 5_000
"""Rows of one file; a file has a limit on its rows and on its bytes."""


def add(
    library: Library,
    user: User,
    collection_id: str,
    texts: Sequence[tuple[str, str]],
    progress: Callable[[int], None] = lambda ready: None,
) -> list[DocumentRecord]:
    """Add texts to a collection.

    Args:
        library: Where to.
        user: Whose.
        collection_id: Of the user.
        texts: Title and text of each.
        progress: Told how many are ready.

    Returns:
        The document of each text, in order; texts that are alike, title and all, share one.

    Raises:
        EmptyInputError: A text without a word in it.
        StorageError: They could not be added.
    """
    found: list[DocumentRecord] = []
    for at in range(0, len(texts), _AT_ONCE):
        found += _add(library, user, collection_id, texts[at : at + _AT_ONCE], progress)
    return found


def _add(
    library: Library,
    user: User,
    collection_id: str,
    texts: Sequence[tuple[str, str]],
    progress: Callable[[int], None],
) -> list[DocumentRecord]:
    rows = [json.dumps({"title": title, "text": text}, ensure_ascii=False) for title, text in texts]
    data = "\n".join(rows).encode()
    read = documents.read(_NAME, data)
    if len(read) != len(texts):
        raise EmptyInputError(field="text", remedy="one of them has only characters that cannot be seen")
    ready: set[str] = set()

    def see(record: DocumentRecord) -> None:
        if record.state == "ready":
            ready.add(record.id)
            progress(len(ready))

    records = {record.sha256: record for record in library.ingest(user, collection_id, _NAME, data, see)}
    for record in records.values():
        if record.state != "ready":
            reason, remedy = record.error or f"it is {record.state}", "try again"
            raise StorageError(what=record.title, reason=reason, remedy=remedy)
    return [records[document.sha256] for document in read]
