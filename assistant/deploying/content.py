"""What a Space brings along in ``content/``: the original files of one collection, and one adapter."""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Collection as Names
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from assistant.errors import EmptyInputError, TooLargeError
from assistant.models import adapters
from assistant.models.catalog import Entry
from assistant.schema import AdapterRef
from assistant.store import Collection, DocumentRecord, User

if TYPE_CHECKING:
    from assistant.assistant import Assistant

FOLDER = "content"
LIMIT_BYTES = 500_000_000
"""Of a collection: half of what the repository of a Space may hold."""
LIMIT_DOCUMENTS = 2_000
"""A Space reads them all at its first start."""
_NAME_BYTES = 200


def add_collection(runtime: Assistant, user: User, collection: Collection, folder: Path) -> list[str]:
    """Copy a collection's originals to ``content/`` below ``folder``.

    Args:
        runtime: Holds the documents; no model is loaded.
        user: Whose they are.
        collection: Which.
        folder: Of the Space.

    Returns:
        Titles of documents that stay here, for they could not be read when they were added.

    Raises:
        EmptyInputError: There is none that can be read.
        TooLargeError: More than a Space takes; nothing was copied.
    """
    records = runtime.workspace.store.documents.list(user, collection.id)
    ready = [record for record in records if record.state == "ready"]
    _measure(collection, ready)
    place = folder / FOLDER / "documents"
    place.mkdir(parents=True)
    taken: set[str] = set()
    for record in sorted(ready, key=lambda each: (each.filename, each.sha256)):
        name = _free(_plain(record.filename), taken)
        taken.add(name.casefold())
        shutil.copyfile(runtime.workspace.library.original(user, record.id), place / name)
    said = json.dumps({"name": collection.name, "documents": len(ready)}, ensure_ascii=False, indent=1)
    (folder / FOLDER / "collection.json").write_text(said + "\n", encoding="utf-8")
    return [record.title for record in records if record.state != "ready"]


def add_adapter(ref: AdapterRef, base: Entry, folder: Path) -> None:
    """Write an adapter to ``content/`` below ``folder``; one of Youju's own is in the wheel already."""
    if adapters.is_shipped(ref):
        return
    place = folder / FOLDER / "adapters" / ref.name
    place.mkdir(parents=True)
    for name, data in adapters.carried(ref, base).items():
        (place / name).write_bytes(data)


def _measure(collection: Collection, ready: list[DocumentRecord]) -> None:
    if not ready:
        remedy = "add documents to it, or leave out --collection to show the samples"
        raise EmptyInputError(field=f"collection {collection.name!r}", remedy=remedy)
    remedy = "deploy a smaller collection"
    if len(ready) > LIMIT_DOCUMENTS:
        limit = f"{LIMIT_DOCUMENTS:,} documents"
        raise TooLargeError(field=_named(collection), value=f"{len(ready):,}", limit=limit, remedy=remedy)
    size = sum(record.size for record in ready)
    if size > LIMIT_BYTES:
        limit = f"{LIMIT_BYTES / 1e6:,.0f} MB"
        raise TooLargeError(
            field=_named(collection), value=f"{size / 1e6:,.0f} MB", limit=limit, remedy=remedy
        )


def _named(collection: Collection) -> str:
    return f"collection {collection.name!r}"


def _plain(filename: str) -> str:
    """A name that is one part of a path everywhere, and keeps its suffix, which says how the file is read."""
    words = unicodedata.normalize("NFC", filename)
    words = "".join("_" if letter in '/\\:*?"<>|' or not letter.isprintable() else letter for letter in words)
    words = words.strip(" ").lstrip(".") or "document"
    path = PurePosixPath(words)
    suffix = path.suffix
    stem = words.removesuffix(suffix).encode()[: _NAME_BYTES - len(suffix.encode())].decode(errors="ignore")
    return f"{stem}{suffix}"


def _free(name: str, taken: Names[str]) -> str:
    """The name, or with a number where another file has it; capitals make no difference on some disks."""
    path, number, free = PurePosixPath(name), 1, name
    while free.casefold() in taken:
        number += 1
        free = f"{path.stem} ({number}){path.suffix}"
    return free
