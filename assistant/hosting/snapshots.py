"""Copies of all state on a mounted folder, for machines whose disk does not last.

SQLite never runs on such a mount: its locks do not hold there. The live database is on the local disk; a copy
of it, of index, files and adapters is one tar file, beside it a marker with its size and hash. The marker is
written last, so a snapshot is complete or it is not there. A data folder without a database starts from the
newest one. Guests and the key that signs sessions are in none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.errors import ConfigError, DatabaseFileError, StorageError, YoujuError

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.config import Settings

log = logging.getLogger(__name__)
EVERY_S = 600.0
"""Seconds between two looks whether something changed."""
KEPT = 2
DATABASE = "youju.db"
FOLDERS = ("index", "files", "adapters")
_PREFIX = "youju-"


def restore(settings: Settings) -> str:
    """Fill a data folder that has no database from the newest snapshot; returns its name, or empty.

    Call it before anything opens the data folder. A restore that was broken off begins anew.

    Raises:
        ConfigError: The folder for snapshots is not there.
        DatabaseFileError: There are snapshots and none is whole: a server that started empty would replace
            them, so it does not start.
        StorageError: No room.
    """
    home = settings.home
    if not settings.snapshots or (home / DATABASE).exists():
        return ""
    folder = _folder(settings)
    markers = _markers(folder)
    for marker in markers:
        if _is_whole(marker):
            with _storage(f"the snapshot into {home}"):
                _unpack(_tar(marker), home)
            return marker.stem
        log.error("the snapshot %s is damaged; the one before is tried", marker.stem)
    if markers:
        remedy = "move them away to start empty, or put a sound copy there"
        raise DatabaseFileError(path=folder, reason="none of its snapshots is whole", remedy=remedy)
    return ""


def take(runtime: Assistant) -> Path:
    """Write a snapshot; the last ``KEPT`` stay. Returns its tar file.

    Raises:
        StorageError: The disk or the mount did not take it; those before are untouched.
    """
    settings = runtime.settings
    folder = _folder(settings)
    library = runtime.workspace.library  # opening it empties the staging folder
    name = f"{_PREFIX}{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    with _storage(f"a snapshot to {folder}"), _staged(settings.home / "staging" / name) as stage:
        with library.still():
            for part in FOLDERS:
                _link(settings.home / part, stage / part)
            runtime.workspace.store.copy(stage / DATABASE)
        tar = _pack(stage, folder / f"{name}.tar")
        _mark(tar)
        _drop_old(folder)
    return tar


class Keeper:
    """Takes snapshots while the server runs, and one when it ends; only where something changed.

    Args:
        runtime: Exclusive.
        every_s: Seconds between two looks.
    """

    def __init__(self, runtime: Assistant, every_s: float = EVERY_S) -> None:
        self._runtime = runtime
        self._every_s = every_s
        self._seen = _state(runtime.settings.home)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Take the last one."""
        self._end.set()
        self._thread.join()
        self.look()

    def look(self) -> bool:
        """Take one if something changed since the last; a fault is logged, and the next look tries again."""
        now = _state(self._runtime.settings.home)
        if now == self._seen:
            return False
        try:
            take(self._runtime)
        except YoujuError as fault:
            log.error("no snapshot was taken: %s", fault)  # noqa: TRY400 - the fault says all, its trace nothing
            return False
        self._seen = now
        return True

    def _run(self) -> None:
        while not self._end.wait(self._every_s):
            self.look()


def _state(home: Path) -> tuple[tuple[int, int], ...]:
    """Size and time of what changes with every change: the database, its log, and the list of promotions."""
    found = []
    for path in (home / DATABASE, home / f"{DATABASE}-wal", home / "adapters" / "live.json"):
        with contextlib.suppress(FileNotFoundError):
            stat = path.stat()
            found.append((stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def _folder(settings: Settings) -> Path:
    folder = Path(settings.snapshots).expanduser()
    if not folder.is_dir():
        remedy = "mount a bucket there, or make the folder"
        raise ConfigError(field="snapshots", value=settings.snapshots, remedy=remedy)
    return folder


def _markers(folder: Path) -> list[Path]:
    """Newest first."""
    return sorted(folder.glob(f"{_PREFIX}*.json"), reverse=True)


def _tar(marker: Path) -> Path:
    return marker.with_suffix(".tar")


def _is_whole(marker: Path) -> bool:
    try:
        known = json.loads(marker.read_text(encoding="utf-8"))
        with _tar(marker).open("rb") as file:
            return bool(hashlib.file_digest(file, "sha256").hexdigest() == known["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _unpack(tar: Path, home: Path) -> None:
    """Everything beside its place first; the database comes last, for where it is nothing is restored."""
    stage = home / "staging" / "restoring"
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir(parents=True)
    with tarfile.open(tar) as archive:
        archive.extractall(stage, filter="data")
    for part in FOLDERS:
        shutil.rmtree(home / part, ignore_errors=True)
        if (stage / part).is_dir():
            (stage / part).replace(home / part)
    (stage / DATABASE).replace(home / DATABASE)
    shutil.rmtree(stage)


@contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    """The folder as it is now, in no time: what lies in these folders is written once and never changed."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):  # deleted just now
                _share(path, place)


def _share(path: Path, place: Path) -> None:
    try:
        place.hardlink_to(path)
    except FileNotFoundError:
        raise
    except OSError:  # a file system without hard links
        shutil.copy2(path, place)


def _pack(stage: Path, tar: Path) -> Path:
    """Write beside and rename: a name that ends in ``.tar`` is never half a file."""
    part = tar.with_suffix(".part")
    with part.open("wb") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            archive.add(stage, arcname=".")
        file.flush()
        os.fsync(file.fileno())
    part.replace(tar)
    return tar


def _mark(tar: Path) -> None:
    """Last of all: a tar file without it does not count."""
    with tar.open("rb") as file:
        record = {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "size": tar.stat().st_size}
    part = tar.with_suffix(".json.part")
    part.write_text(json.dumps(record), encoding="utf-8")
    part.replace(tar.with_suffix(".json"))


def _drop_old(folder: Path) -> None:
    """The marker goes first, and what a kill left without one goes too."""
    for marker in _markers(folder)[KEPT:]:
        marker.unlink()
    kept = {marker.stem for marker in _markers(folder)}
    for path in folder.glob(f"{_PREFIX}*"):
        if path.name.removesuffix(".part").removesuffix(".json").removesuffix(".tar") not in kept:
            path.unlink(missing_ok=True)


@contextmanager
def _storage(what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, tarfile.TarError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise StorageError(what=what, reason=reason, remedy="free some space, or mend the mount") from fault
