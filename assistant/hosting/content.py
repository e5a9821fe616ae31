"""What a server brings along: a collection that everybody reads, and adapters, in a folder beside the app.

``documents/`` holds the original files, ``collection.json`` their name, ``adapters/`` one folder an adapter.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from assistant import samples
from assistant.errors import AdapterError, ConfigError, YoujuError
from assistant.models import adapters

if TYPE_CHECKING:
    from assistant.retrieval.library import Library
    from assistant.store import Store, User

log = logging.getLogger(__name__)
FOLDER = "content"
DOCUMENTS, MANIFEST, ADAPTERS = "documents", "collection.json", "adapters"
_BROUGHT = "content"
"""The common account's preference that says which content was brought."""


def bring(store: Store, library: Library, folder: Path) -> None:
    """Make the collection of ``folder`` everybody's, or the samples where there is none.

    The same content again changes nothing; another takes the place of the one before. A start that was broken
    off begins anew. A file that cannot be read stays listed with its reason.

    Raises:
        ConfigError: ``collection.json`` is not what it should be.
    """
    common = store.users.common()
    own = list(_files(folder / DOCUMENTS))
    name, files = (_name(folder), own) if own else (samples.NAME, samples.files())
    mark = _fingerprint(name, files)
    if store.settings.get(common, _BROUGHT) == mark:
        return
    for collection in store.collections.list(common):
        library.delete_collection(common, collection.id)
    _import(store, library, common, name, files)
    store.settings.set(common, _BROUGHT, mark)


def bring_adapters(folder: Path, home: Path) -> None:
    """Copy the content's adapters to where adapters are looked for.

    Raises:
        AdapterError: One may not be loaded, or has the name of one that comes with Youju.
    """
    for path in adapter_folders(folder):
        _take(path, home / ADAPTERS)


def adapter_folders(folder: Path) -> list[Path]:
    """The content's adapters, by name."""
    place = folder / ADAPTERS
    return sorted(path for path in place.iterdir() if path.is_dir()) if place.is_dir() else []


def _take(path: Path, place: Path) -> None:
    ref = adapters.read(path)
    if (adapters.SHIPPED / ref.name).is_dir():
        reason = "one of this name comes with Youju"
        raise AdapterError(name=ref.name, reason=reason, remedy="give its folder another name")
    target = place / ref.name
    if target.is_dir() and adapters.read(target).sha256 == ref.sha256:
        return
    staged = place / f".{ref.name}"  # a hidden folder is no adapter yet
    shutil.rmtree(staged, ignore_errors=True)
    shutil.copytree(path, staged)
    shutil.rmtree(target, ignore_errors=True)
    staged.replace(target)


def _import(store: Store, library: Library, common: User, name: str, files: list[Path]) -> None:
    collection = store.collections.create(common, name)
    for path in files:
        try:
            for record in library.ingest(common, collection.id, path.name, path):
                if record.state == "failed":
                    log.warning("%s could not be read: %s", record.filename, record.error)
        except YoujuError as fault:  # one file must not keep the others out
            log.warning("%s was left out: %s", path.name, fault)


def _name(folder: Path) -> str:
    path = folder / MANIFEST
    try:
        name = json.loads(path.read_text(encoding="utf-8"))["name"]
        if isinstance(name, str) and name.strip():
            return name
    except FileNotFoundError:
        return "Documents 文档"
    except (ValueError, KeyError, TypeError):
        pass
    remedy = 'write {"name": "…", "documents": 3} into it'
    raise ConfigError(field=str(path), value="this file", remedy=remedy)


def _files(folder: Path) -> Iterator[Path]:
    """Every file below, in order of path; hidden ones are left out."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def _fingerprint(name: str, files: list[Path]) -> str:
    digest = hashlib.sha256(name.encode())
    for path in files:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.name}\0{content}\n".encode())
    return digest.hexdigest()
