"""The programs that the page starts. Each is a process of its own: what it does outlives this server.

How far it is stands in the files that it writes; only what it said at its end is asked of the process here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from assistant.errors import BadRequestError, ConflictError
from finetune import reading
from finetune.browser import recipes, shelf
from finetune.browser.shelf import Kept

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.store import User

CHECK, CHECK_LOG = "check.json", "check.log"
PLAN, PLAN_LOG, PLAN_RECIPE = "plan", "plan.log", "plan.toml"
PROMOTE_LOG = "promote.txt"
TAIL = 4000
"""Bytes of a log that are looked at for what it said last."""
TOLD = "youju: "
"""How our command line begins an error."""
State = Literal["none", "working", "done", "failed"]
PROGRAM = (sys.executable, "-m", "assistant")
"""Our command line."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a program has brought."""

    state: State
    content: dict[str, Any]
    said: str = ""
    """Its last line."""


class _Server:
    """The programs that this server has started, by the file that each of them fills or tells."""

    guard = threading.Lock()
    children: dict[Path, subprocess.Popen[bytes]]


_Server.children = {}


def check(runtime: Assistant, user: User) -> None:
    """Look through the files of the next run; an earlier look is ended."""
    folder = shelf.draft(runtime, user)
    forget(runtime, user)
    if found := shelf.files(runtime, user):
        command = ["finetune", "check", *map(str, found), "--json", f"--model={runtime.settings.model}"]
        with (folder / CHECK).open("wb") as out, (folder / CHECK_LOG).open("wb") as log:
            _start(runtime, folder / CHECK, command, out, log)


def checked(runtime: Assistant, user: User) -> Found:
    """What is known of the files."""
    folder = shelf.draft(runtime, user)
    code = _ended(folder / CHECK)
    if code is None:
        return Found("working", {})
    content = reading.mapping(folder / CHECK)
    if content:
        return Found("done", content)
    if not (folder / CHECK).exists():
        return Found("none", {})
    return Found("failed", {}, last_line(folder / CHECK_LOG))


def plan(runtime: Assistant, user: User, recipe: str) -> None:
    """Measure a recipe over the files: the longest batches are run for real.

    Raises:
        ConflictError: A run goes on.
    """
    folder = shelf.draft(runtime, user)
    alone(runtime)
    end(folder / PLAN_LOG)
    shutil.rmtree(folder / PLAN, ignore_errors=True)
    text = _recipe(runtime, user, recipe, shelf.files(runtime, user), folder / PLAN, "plan")
    (folder / PLAN_RECIPE).write_text(text, encoding="utf-8")
    with (folder / PLAN_LOG).open("wb") as log:
        command = ["finetune", str(folder / PLAN_RECIPE), "--plan", "--yes"]
        _start(runtime, folder / PLAN_LOG, command, log, log)


def planned(runtime: Assistant, user: User, recipe: str) -> Found:
    """What was measured of this recipe over these files."""
    folder = shelf.draft(runtime, user)
    wanted = _recipe(runtime, user, recipe, shelf.files(runtime, user), folder / PLAN, "plan")
    try:
        if (folder / PLAN_RECIPE).read_text(encoding="utf-8") != wanted:
            return Found("none", {})
    except OSError:
        return Found("none", {})
    if _ended(folder / PLAN_LOG) is None:
        return Found("working", {}, last_line(folder / PLAN_LOG))
    content = reading.mapping(folder / PLAN / reading.PLAN)
    return Found("done", content) if content else Found("failed", {}, last_line(folder / PLAN_LOG))


def forget(runtime: Assistant, user: User) -> None:
    """Drop what was found of files that are no longer these."""
    folder = shelf.draft(runtime, user)
    for name in (CHECK, PLAN_LOG):
        end(folder / name)
    for name in (CHECK, CHECK_LOG, PLAN_RECIPE, PLAN_LOG):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / PLAN, ignore_errors=True)


def start(runtime: Assistant, user: User, recipe: str, name: str) -> Kept:
    """Begin a run over the files that were checked.

    Args:
        runtime: Of the server.
        user: Whose.
        recipe: One of ``recipes.RECIPES``.
        name: Of the adapter that it makes.

    Raises:
        ConflictError: A run goes on, or the name is taken.
        BadRequestError: The files are not checked, or have faults that stop.
    """
    found = checked(runtime, user)
    hard = any(fault.get("hard", True) for fault in found.content.get("faults", ()))
    if found.state != "done" or hard:
        remedy = "let them be checked, and mend what the list names"
        raise BadRequestError(field="files", value="what is there", remedy=remedy)
    with _Server.guard:
        alone(runtime)
        end(shelf.draft(runtime, user) / PLAN_LOG)
        place = shelf.new(runtime, user, name)
        text = _recipe(runtime, user, recipe, sorted((place / "data").iterdir()), place / "run", name)
        (place / "recipe.toml").write_text(text, encoding="utf-8")
        kept = shelf.find(runtime, user, place.name)
        _train(runtime, kept)
    return kept


def resume(runtime: Assistant, kept: Kept) -> None:
    """Go on from the last complete checkpoint.

    Raises:
        ConflictError: A run goes on.
    """
    with _Server.guard:
        alone(runtime)
        (kept.run / reading.STOP).unlink(missing_ok=True)
        # Without a status there is nothing to go on from: it begins again.
        _train(runtime, kept, *(("--resume", str(kept.run)) if kept.status is not None else ()))


def stop(kept: Kept) -> None:
    """Ask a run to stop and keep what it has."""
    if kept.status is not None and kept.status.alive:
        (kept.run / reading.STOP).touch()


def promote(runtime: Assistant, kept: Kept) -> None:
    """Send the adapter of a run through the gate.

    Raises:
        ConflictError: A run goes on, or the gate measures already.
    """
    with _Server.guard:
        alone(runtime)
        if not kept.adapter:
            raise ConflictError(kind="run", value=kept.name, detail="made no adapter")
        with (kept.run / PROMOTE_LOG).open("wb") as log:
            command = ["adapters", "promote", kept.adapter]
            _start(runtime, kept.run / PROMOTE_LOG, command, log, log, apart=True)


def promoted(kept: Kept) -> Found:
    """How the gate stands with a run."""
    log = kept.run / PROMOTE_LOG
    code = _ended(log)
    if code is None:
        return Found("working", {}, last_line(log))
    if not log.exists():
        return Found("none", {})
    return Found("failed" if code not in (0, 1) else "done", {}, last_line(log))


def working(kept: Kept) -> bool:
    """Its process was started here and has not ended."""
    return _ended(kept.log) is None


def busy(runtime: Assistant) -> bool:
    """A run or the gate is at work, of whichever user."""
    with_all = [path for path in _Server.children if path.name in ("log.txt", PROMOTE_LOG)]
    return any(_ended(path) is None for path in with_all) or shelf.working(runtime) is not None


def alone(runtime: Assistant) -> None:
    """One thing at a time: each takes the whole machine.

    Raises:
        ConflictError: Another one goes on.
    """
    if busy(runtime):
        detail = "trains or measures an adapter already: wait for it, or stop it"
        raise ConflictError(kind="server", value="this one", detail=detail)


def end(path: Path) -> None:
    """End the program that fills a file, and wait until it has."""
    child = _Server.children.pop(path, None)
    if child is not None and child.poll() is None:
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def last_line(log: Path) -> str:
    """What a program said last; its error, where it told one."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line.removeprefix(TOLD) for line in lines if line.startswith(TOLD)]
    return (told or lines or [""])[-1][:500]


def _train(runtime: Assistant, kept: Kept, *more: str) -> None:
    command = ["finetune", str(kept.recipe), "--yes", *more]
    with kept.log.open("ab") as log:
        _start(runtime, kept.log, command, log, log, apart=True)


def _start(
    runtime: Assistant,
    path: Path,
    command: Sequence[str],
    out: IO[bytes],
    log: IO[bytes],
    *,
    apart: bool = False,
) -> None:
    """Start one of our commands; ``apart`` from this server, so that it lives on when the server ends."""
    settings = runtime.settings
    given = {"home": settings.home, "models_dir": settings.models_dir, "model": settings.model}
    environment = {**os.environ, **{f"YOUJU_{key.upper()}": str(value) for key, value in given.items()}}
    _Server.children[path] = subprocess.Popen(
        [*PROGRAM, *command],
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=log,
        cwd=settings.home,
        env={**environment, "NO_COLOR": "1", "COLUMNS": "200"},
        start_new_session=apart,
    )


def _ended(path: Path) -> int | None:
    """The exit code of what was started here; ``None`` while it works, 0 where nothing was."""
    child = _Server.children.get(path)
    return 0 if child is None else child.poll()


def _recipe(runtime: Assistant, user: User, recipe: str, files: list[Path], folder: Path, name: str) -> str:
    if recipe not in recipes.RECIPES:
        raise BadRequestError(field="recipe", value=repr(recipe), remedy="choose one of the list")
    counts = checked(runtime, user).content.get("counts", {})
    method = "dpo" if counts.get("preferences") and not counts.get("examples") else "sft"
    settings = runtime.settings
    return recipes.text(
        recipe, files, model=settings.model, quantization=settings.quantization, folder=folder, name=name, method=method
    )  # fmt: skip
