"""A run's folder: everything about it is a file here, whole or absent, and one process at a time writes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from assistant.errors import TrainingError
from finetune import ranks

State = Literal["checking", "planning", "training", "evaluating", "stopped", "done", "failed"]
COMPLETE = "COMPLETE"
"""Stands in a checkpoint whose every file is whole; it is the last one written."""


@dataclass(slots=True)
class Folder:
    """Paths and writes of one run.

    Attributes:
        path: The folder.
        writes: Of several processes that train together only the first one does.
    """

    path: Path
    writes: bool = field(default_factory=ranks.first)
    _said: dict[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        """The TOML that it began with."""
        return self.path / "config.toml"

    @property
    def adapter(self) -> Path:
        """The result."""
        return self.path / "adapter"

    @property
    def checkpoints(self) -> Path:
        """One folder a checkpoint."""
        return self.path / "checkpoints"

    @property
    def stop_asked(self) -> bool:
        """Somebody asked it to stop and keep what it has learnt."""
        return (self.path / "STOP").exists()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder alone.

        Raises:
            TrainingError: Another process trains in it, or it cannot be written.
        """
        if not self.writes:
            yield
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / "LOCK", timeout=0)
            lock.acquire()
        except Timeout:
            raise TrainingError(
                reason=f"{self.path} is in use by another run",
                remedy="wait for it, stop it with `youju finetune stop`, or name another output.folder",
            ) from None
        except OSError as fault:
            raise no_room(self.path, fault) from None
        try:
            yield
        finally:
            lock.release()

    def say(self, state: State, **more: Any) -> None:
        """Write ``status.json``; what is not named stays as it was."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        blank = {"started": now, "step": 0, "steps": 0, "message": "", "seconds_left": None, "adapter": ""}
        self._said = blank | self._said | more | {"state": state, "pid": os.getpid(), "updated": now}
        self.write("status.json", self._said)

    def write(self, name: str, value: Any) -> None:
        """Write a JSON file, whole or not at all."""
        self.write_text(name, json.dumps(value, ensure_ascii=False, indent=1))

    def write_text(self, name: str, text: str) -> None:
        """Write a file, whole or not at all."""
        if not self.writes:
            return
        part = self.path / f".{name}.part"
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(self.path / name)
        except OSError as fault:
            raise no_room(self.path, fault) from None

    def read(self, name: str) -> Any:
        """What was written, or ``None``."""
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def add(self, event: dict[str, Any]) -> None:
        """Add a line to ``progress.jsonl``."""
        if not self.writes:
            return
        line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **event})
        try:
            with (self.path / "progress.jsonl").open("a", encoding="utf-8") as lines:
                lines.write(line + "\n")
        except OSError as fault:
            raise no_room(self.path, fault) from None

    def complete(self) -> list[Path]:
        """The checkpoints that can be resumed, oldest first; what a kill left half is not among them."""
        if not self.checkpoints.is_dir():
            return []
        return sorted(path for path in self.checkpoints.glob("step-*") if (path / COMPLETE).is_file())

    def sweep(self) -> None:
        """Remove what a kill left half."""
        if not self.writes:
            return
        whole = set(self.complete())
        for path in self.checkpoints.glob("*") if self.checkpoints.is_dir() else ():
            if path not in whole:
                shutil.rmtree(path, ignore_errors=True)
        (self.path / "STOP").unlink(missing_ok=True)


def finish(part: Path, target: Path, keep: int) -> None:
    """Make a written checkpoint a complete one: marker last, then its name; older ones go.

    Args:
        part: Holds all files.
        target: Its name among the others.
        keep: How many stay.
    """
    for file in part.rglob("*"):
        if file.is_file():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
    (part / COMPLETE).touch()
    if target.exists():
        shutil.rmtree(target)
    part.rename(target)
    for old in sorted(path for path in target.parent.glob("step-*") if (path / COMPLETE).is_file())[:-keep]:
        shutil.rmtree(old, ignore_errors=True)


def no_room(path: Path, fault: OSError) -> TrainingError:
    """The error of a write that failed."""
    return TrainingError(
        reason=f"{path} cannot be written ({fault.strerror or fault})",
        remedy="make room or name another output.folder; `--resume` goes on from the last checkpoint",
    )
