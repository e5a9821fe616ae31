"""What a user has to choose from: suites, and the runs of this server, all below the user's own folder."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.errors import BadRequestError, NotFoundError
from eval import loading, runs
from eval.errors import RunError, SuiteError
from eval.runs import Manifest
from eval.schema import Suite

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.store import User

OWN = "own:"
_FOLDER = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True)
class Kept:
    """A run of the list."""

    name: str
    """Of its folder."""
    manifest: Manifest
    done: int
    metrics: dict[str, Any]
    """Of its report.json; empty while there is none."""

    @property
    def complete(self) -> bool:
        """Nothing is left to do."""
        return self.done >= len(self.manifest.cases)

    @property
    def adapter(self) -> str:
        """Its name, or empty."""
        adapter = self.manifest.subject.get("adapter")
        return str(adapter["name"]) if isinstance(adapter, dict) else str(adapter or "")


def suites(runtime: Assistant, user: User) -> list[str]:
    """Built-in ones by name, the user's own as ``own:<file>``."""
    own = sorted(path.name for path in _suites(runtime, user).glob("*.jsonl"))
    return [*loading.built_in(), *(OWN + name for name in own)]


def suite(runtime: Assistant, user: User, name: str) -> Suite:
    """The suite of a name that ``suites`` gave.

    Raises:
        BadRequestError: There is none.
        SuiteError: Its file was changed and is faulty now.
    """
    if name not in suites(runtime, user):
        raise BadRequestError(field="suite", value=repr(name), remedy="choose one of the list")
    own = name.startswith(OWN)
    return loading.load(_suites(runtime, user) / name.removeprefix(OWN) if own else name)


def take(runtime: Assistant, user: User, path: Path) -> str:
    """Keep an uploaded suite, once it is seen to be whole; the upload is gone afterwards.

    Raises:
        SuiteError: It is faulty; nothing is kept.
    """
    name = re.sub(r"[^\w.-]+", "-", path.stem)[:60].strip(".-") + ".jsonl"
    folder = _suites(runtime, user)
    new = folder / "new" / name
    try:
        new.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(path, new)
        loading.load(new)
        new.replace(folder / name)
    except SuiteError as fault:
        raise SuiteError(**{**fault.fields, "file": path.name}) from None
    finally:
        path.unlink(missing_ok=True)
        shutil.rmtree(folder / "new", ignore_errors=True)
    return OWN + name


def new_folder(runtime: Assistant, user: User, suite_name: str) -> Path:
    """Where a run that begins now is kept."""
    name = re.sub(r"[^\w.-]+", "-", suite_name)[:60]
    return _home(runtime, user) / f"{datetime.now().astimezone():%Y-%m-%dT%H-%M-%S}-{name}"


def folder(runtime: Assistant, user: User, name: str) -> Path:
    """The folder of a run of this user.

    Raises:
        NotFoundError: There is none of that name.
    """
    path = _home(runtime, user) / name
    if not _FOLDER.fullmatch(name) or not (path / runs.MANIFEST).is_file():
        raise NotFoundError(kind="run", value=name)
    return path


def kept(runtime: Assistant, user: User) -> list[Kept]:
    """The user's runs, newest first; a damaged one is left out."""
    found = []
    for path in sorted(_home(runtime, user).glob("*/manifest.json"), reverse=True):
        try:
            found.append(_kept(path.parent))
        except RunError:
            continue
    return found


def remove(runtime: Assistant, user: User, name: str) -> None:
    """Delete a run with everything in it."""
    shutil.rmtree(folder(runtime, user, name))


def _kept(path: Path) -> Kept:
    manifest = runs.manifest(path)
    lines = path / "predictions.jsonl"
    done = lines.read_bytes().count(b"\n") if lines.exists() else 0
    try:
        metrics = json.loads((path / "report.json").read_bytes())["metrics"]
    except (OSError, ValueError, KeyError):
        metrics = {}
    return Kept(path.name, manifest, done, metrics)


def _home(runtime: Assistant, user: User) -> Path:
    return runtime.settings.home / "runs" / user.id


def _suites(runtime: Assistant, user: User) -> Path:
    return _home(runtime, user) / "suites"
