"""What a user has: the files of the next run, and the runs, all below the user's own folder."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.errors import BadRequestError, ConflictError, NotFoundError, UnsupportedFileError
from assistant.models import adapters
from finetune import reading
from finetune.commands import RUNS
from finetune.reading import Status

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.store import User

SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
MOST_FILES = 20
STAMP = 20
"""Characters of the moment, and a dash, before an adapter's name in the name of a run."""
_NAME = re.compile(r"[\w-][\w.-]*")
_ADAPTER = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")


@dataclass(frozen=True, slots=True)
class Kept:
    """A run of the list."""

    name: str
    """Of its entry, unique for the user."""
    place: Path
    """Holds everything of it; the run folder itself where a terminal began it."""
    run: Path
    """Its run folder."""
    status: Status | None
    """``None`` where it ended before it wrote one."""

    @property
    def own(self) -> bool:
        """The page began it; it can be gone on with and deleted here."""
        return self.place != self.run

    @property
    def adapter(self) -> str:
        """Name of the adapter that it made; empty before it has made one."""
        return self.status.adapter if self.status else ""

    @property
    def title(self) -> str:
        """What it is called."""
        return self.adapter or (self.name[STAMP:] if self.own else self.name)

    @property
    def recipe(self) -> Path:
        """The file that it was started with."""
        return self.place / "recipe.toml" if self.own else self.run / "config.toml"

    @property
    def log(self) -> Path:
        """What its process said."""
        return self.place / "log.txt"


def draft(runtime: Assistant, user: User) -> Path:
    """Where the files of the next run, their check and their plan are kept."""
    return _home(runtime, user) / "draft"


def files(runtime: Assistant, user: User) -> list[Path]:
    """The data of the next run."""
    return sorted(path for path in (draft(runtime, user) / "data").glob("*") if path.is_file())


def take(runtime: Assistant, user: User, uploads: list[Path]) -> None:
    """Keep uploaded files; the uploads are gone afterwards. One of the same name takes the other's place.

    Raises:
        UnsupportedFileError: One is of no known type; none is kept.
        BadRequestError: There would be too many.
    """
    folder = draft(runtime, user) / "data"
    names = {path: re.sub(r"[^\w.-]+", "-", path.name)[-80:].lstrip(".-") for path in uploads}
    try:
        for path in uploads:
            if path.suffix.lower() not in SUFFIXES:
                raise UnsupportedFileError(name=path.name, value=path.suffix, limit=", ".join(SUFFIXES))
        count = len({*names.values(), *(path.name for path in files(runtime, user))})
        if count > MOST_FILES:
            raise BadRequestError(field="files", value=count, remedy=f"use at most {MOST_FILES}")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path, name in names.items():
            shutil.copyfile(path, folder / f".{name}.part")
            (folder / f".{name}.part").replace(folder / name)
    finally:
        for path in uploads:
            path.unlink(missing_ok=True)


def drop(runtime: Assistant, user: User, name: str) -> None:
    """Take a file out of the next run.

    Raises:
        NotFoundError: There is none of that name.
    """
    path = next((path for path in files(runtime, user) if path.name == name), None)
    if path is None:
        raise NotFoundError(kind="file", value=name)
    path.unlink()


def new(runtime: Assistant, user: User, name: str) -> Path:
    """Make the place of a run that begins now, its data in it.

    Args:
        runtime: Of the server.
        user: Whose.
        name: Of the adapter that it makes.

    Raises:
        BadRequestError: The name cannot be one of an adapter.
        ConflictError: There is an adapter of that name.
    """
    if not _ADAPTER.fullmatch(name):
        remedy = "use small letters, digits, dots and dashes, at most 60"
        raise BadRequestError(field="name", value=repr(name), remedy=remedy)
    if name in adapters.folders(runtime.settings.home):
        raise ConflictError(kind="adapter", value=name, detail="is there already: choose another name")
    place = _home(runtime, user) / f"{datetime.now().astimezone():%Y-%m-%dT%H-%M-%S}-{name}"
    (place / "data").mkdir(parents=True, mode=0o700)
    for path in files(runtime, user):
        _copy(path, place / "data" / path.name)
    return place


def free_name(runtime: Assistant, user: User) -> str:
    """A name for the next adapter, after the first of the files."""
    found = files(runtime, user)
    stem = re.sub(r"[^a-z0-9]+", "-", found[0].stem.lower()).strip("-")[:40] if found else ""
    taken = [*adapters.folders(runtime.settings.home), *(kept.name[STAMP:] for kept in runs(runtime, user))]
    stem = stem or "mine"
    return next(name for n in range(1, 10_000) if (name := stem if n == 1 else f"{stem}-{n}") not in taken)


def runs(runtime: Assistant, user: User) -> list[Kept]:
    """The user's runs, newest first. On one's own machine also those that a terminal began."""
    own = [_kept(path) for path in _home(runtime, user).glob("*/") if (path / "recipe.toml").is_file()]
    if runtime.settings.auth == "local":
        own += [
            _kept(path)
            for path in (runtime.settings.home / RUNS).glob("*/")
            if (path / reading.STATUS).is_file()
        ]
    return sorted(own, key=_began, reverse=True)


def find(runtime: Assistant, user: User, name: str) -> Kept:
    """The user's run of a name.

    Raises:
        NotFoundError: There is none.
    """
    found = next((kept for kept in runs(runtime, user) if kept.name == name), None)
    if not _NAME.fullmatch(name) or found is None:
        raise NotFoundError(kind="run", value=name)
    return found


def working(runtime: Assistant) -> Kept | None:
    """The run of any user that goes on now."""
    home = runtime.settings.home
    found = map(_kept, (*home.glob("runs/*/tune/*/"), *home.glob(f"{RUNS}/*/")))
    return next((kept for kept in found if kept.status is not None and kept.status.alive), None)


def remove(runtime: Assistant, user: User, name: str) -> None:
    """Delete a run with everything in it; the adapter that it made stays.

    Raises:
        ConflictError: It goes on, or it was begun elsewhere.
    """
    kept = find(runtime, user, name)
    if (kept.status is not None and kept.status.alive) or not kept.own:
        raise ConflictError(kind="run", value=name, detail="goes on, or a terminal began it: it stays")
    shutil.rmtree(kept.place)


def _kept(place: Path) -> Kept:
    run = place / "run" if (place / "recipe.toml").is_file() else place
    return Kept(place.name, place, run, reading.status(run))


def _began(kept: Kept) -> float:
    try:
        return kept.recipe.stat().st_mtime
    except OSError:
        return 0.0


def _copy(source: Path, target: Path) -> None:
    """The same bytes under another name, without taking the space twice where the disk can do that."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _home(runtime: Assistant, user: User) -> Path:
    return runtime.settings.home / "runs" / user.id / "tune"
