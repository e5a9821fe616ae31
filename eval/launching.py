"""From the options of a command to a run: which assistant, which folder, and what is shown meanwhile."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import typer
from pydantic import SecretStr

from assistant.commands.options import note
from assistant.config import Settings
from assistant.errors import BadRequestError, UnauthorizedError
from eval import predictions, runner, runs
from eval.errors import RunError
from eval.runs import Manifest, Run
from eval.schema import Suite
from eval.subjects.protocol import Progress, Subject

RUNS = "runs"
"""Below the data folder."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is measured, but for the adapter and retrieval."""

    settings: Settings
    suite: Suite
    limit: int | None = None
    seed: int = 0
    oracle: bool = False
    url: str = ""
    """Of a running server; empty measures in this process."""
    base: str = ""
    """Model to measure; empty takes the one in use."""

    def __post_init__(self) -> None:
        """A model of this process is a setting."""
        if self.base and not self.url:
            changed = self.settings.model_copy(update={"model": self.base})
            object.__setattr__(self, "settings", changed)


def launch(wanted: Wanted, out: Path | None, *, adapter: str | None = None, retrieval: bool = True) -> Run:
    """Run, with a bar on standard error.

    Args:
        wanted: What is measured.
        out: Folder to write to. Without it, the unfinished run of the same thing under the data folder goes
            on, or a new one is begun.
        adapter: Name of an adapter, ``"none"``, or ``None`` for the settings'.
        retrieval: False asks the model alone.

    Raises:
        KeyboardInterrupt: Stopped; the same command goes on.
    """
    subject = choose(wanted, adapter=adapter, retrieval=retrieval)
    try:
        folder = out or _default(wanted, subject)
        with bar(wanted.suite.name) as progress:
            return runner.run(
                wanted.suite, subject, folder, limit=wanted.limit, seed=wanted.seed, progress=progress
            )
    except KeyboardInterrupt:
        note(f"stopped; {_done(folder)} the same command goes on")
        raise
    finally:
        subject.close()


def choose(wanted: Wanted, *, adapter: str | None, retrieval: bool) -> Subject:
    """The assistant that the options name: in this process, or behind a URL.

    A server that is not ours has only a model: it is asked through our own search and prompts here.
    """
    from eval.subjects.local import LocalSubject
    from eval.subjects.remote import GROUNDED, RemoteSubject

    settings, url, oracle, seed = wanted.settings, wanted.url, wanted.oracle, wanted.seed
    if url:
        key, names = _entered(url, settings.api_key.get_secret_value())
        if GROUNDED in names:
            model = adapter if adapter not in (None, "none") else wanted.base
            if adapter == "none" and not model:
                model = next(name for name in names if name != GROUNDED)
            return RemoteSubject(url, key, model=model or "", retrieval=retrieval, oracle=oracle, seed=seed)
        changes = {"base_url": url, "api_key": SecretStr(key), "model": _only(names, wanted.base)}
        settings = settings.model_copy(update=changes)
    return LocalSubject(settings, adapter=adapter, retrieval=retrieval, oracle=oracle, seed=seed)


def _entered(url: str, key: str) -> tuple[str, list[str]]:
    """The key that opens the server, asked for where somebody is there to type it; and its models."""
    from eval.subjects import remote

    try:
        return key, remote.models(url, key)
    except UnauthorizedError:
        if not sys.stdin.isatty():
            remedy = "put an API key of that server into YOUJU_API_KEY"
            raise BadRequestError(field="YOUJU_API_KEY", value="what is there", remedy=remedy) from None
    key = typer.prompt(f"API key of {url}", hide_input=True, err=True)
    return key, remote.models(url, key)


def _only(names: Sequence[str], base: str) -> str:
    """The model to measure of a server that is not ours."""
    if base in names or (not base and len(names) == 1):
        return base or names[0]
    remedy = f"give --base, one of {', '.join(names[:20])}"
    raise BadRequestError(field="--base", value=repr(base), remedy=remedy)


def _default(wanted: Wanted, subject: Subject) -> Path:
    """The unfinished run of the same thing, or a new folder."""
    parent = wanted.settings.home / RUNS
    drawn = runner.draw(wanted.suite, wanted.limit, wanted.seed)
    manifest = runner.manifest(drawn, subject, wanted.limit, wanted.seed)
    for folder in sorted(parent.glob("*/"), reverse=True):
        if _goes_on(folder, manifest):
            note(f"going on with {folder}: {_done(folder)}")
            return folder
    name = re.sub(r"[^\w.-]+", "-", wanted.suite.name)[:60]
    base = parent / f"{datetime.now().astimezone():%Y-%m-%dT%H-%M-%S}-{name}"
    folder, n = base, 1
    while folder.exists():
        n += 1
        folder = base.with_name(f"{base.name}-{n}")
    return folder


def _goes_on(folder: Path, wanted: Manifest) -> bool:
    try:
        there = runs.manifest(folder)
        return not there.differs(wanted) and len(predictions.read(folder)) < len(there.cases)
    except RunError:
        return False


def _done(folder: Path) -> str:
    try:
        return f"{len(predictions.read(folder))} of {len(runs.manifest(folder).cases)} cases are done;"
    except RunError:
        return ""


@contextlib.contextmanager
def bar(label: str) -> Iterator[Progress]:
    """A bar on standard error that follows one run; silent where nobody is watching."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    console = Console(file=sys.stderr)
    left = TimeRemainingColumn(compact=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), left)
    said = {"prepare": f"{label}: reading documents", "predict": label}
    stages: dict[str, bool] = {}
    with Bar(*columns, console=console, disable=not console.is_terminal, transient=True) as shown:
        task = shown.add_task(f"{label}: loading the models", total=None)

        def progress(stage: str, done: int, of: int) -> None:
            if stage in stages:
                shown.update(task, completed=done)
                return
            stages[stage] = True  # cases done earlier are no measure of the time left
            shown.reset(task, description=said[stage], total=of, completed=done)

        yield progress
