"""Runs that the page begins: one at a time for the whole server, in the background."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.errors import ConflictError
from eval.schema import Suite
from eval.subjects.protocol import StoppedError, Subject

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from eval.report import Report

log = logging.getLogger(__name__)


@dataclass(eq=False)
class Work:
    """A run that goes on, or has just ended. Written by its thread, read by the pages."""

    user_id: str
    folder: Path
    suite: str
    stage: str = "load"
    """``load``, ``prepare``, ``predict``, ``measure``, ``stop``, ``done``."""
    done: int = 0
    of: int = 0
    error: Exception | None = None
    report: Report | None = None
    """Of a run that is complete."""
    _told: bool = False
    stopped: threading.Event = field(default_factory=threading.Event)
    _begun: tuple[float, int] = (0.0, 0)
    """When its stage began, and what was done of it before."""

    @property
    def busy(self) -> bool:
        """It has not ended yet."""
        return self.stage != "done"

    def finished(self, user_id: str) -> bool:
        """Once only: the user's run is complete, and its report was not shown yet."""
        with _Server.guard:
            first = self.user_id == user_id and self.report is not None and not self._told
            self._told |= first
            return first

    def left_s(self) -> float | None:
        """Seconds left of the stage at the pace so far."""
        began, before = self._begun
        if self.done <= before:
            return None
        return (time.monotonic() - began) / (self.done - before) * (self.of - self.done)

    def progress(self, stage: str, done: int, of: int) -> None:
        """What the runner tells; a stopped run ends at the next word of it."""
        if self.stopped.is_set():
            raise StoppedError
        if stage != self.stage:
            self._begun = (time.monotonic(), done)
        self.stage, self.done, self.of = stage, done, of


class _Server:
    """What runs in this process."""

    guard = threading.Lock()
    work: Work | None = None


def current() -> Work | None:
    """The run that goes on, or the last one that ended."""
    return _Server.work


def begin(
    runtime: Assistant, user_id: str, folder: Path, suite: Suite, adapter: str | None, limit: int | None
) -> Work:
    """Run a suite in the background; a folder with this very run is gone on with.

    Raises:
        ConflictError: Another run goes on.
        AdapterError: There is no such adapter.
    """
    with _Server.guard:
        if _Server.work is not None and _Server.work.busy:
            raise ConflictError(
                kind="server", value="this one", detail="runs an evaluation already: wait for it"
            )
        subject = subject_of(runtime, adapter)
        work = _Server.work = Work(user_id, folder, suite.name)
    threading.Thread(target=_run, args=(work, suite, subject, limit), name="evaluate", daemon=True).start()
    return work


def stop(user_id: str) -> None:
    """End the user's own run soon; what was done is kept."""
    work = _Server.work
    if work is not None and work.busy and work.user_id == user_id:
        work.stopped.set()
        work.stage = "stop"


def subject_of(runtime: Assistant, adapter: str | None) -> Subject:
    """Who is asked."""
    from eval.subjects.hosted import HostedSubject

    return HostedSubject(runtime, adapter=adapter)


def _run(work: Work, suite: Suite, subject: Subject, limit: int | None) -> None:
    from eval import report, runner

    threading.Thread(target=_pass_on, args=(work, subject), name="evaluate-stop", daemon=True).start()
    try:
        found = runner.run(suite, subject, work.folder, limit=limit, progress=work.progress)
        work.stage = "measure"
        work.report = report.write(found)
    except StoppedError:
        pass
    except Exception as fault:
        if not work.stopped.is_set():
            log.exception("an evaluation failed")
            work.error = fault
    finally:
        work.stopped.set()
        subject.close()
        work.stage = "done"


def _pass_on(work: Work, subject: Subject) -> None:
    """Running answers end when the run is stopped, not when they are through."""
    work.stopped.wait()
    subject.stop()
