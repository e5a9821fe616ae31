"""An assistant that answers by a script, for the runner's tests; run as a program, it can be interrupted."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from assistant.errors import EngineError
from eval.schema import Case, ChatCase, Message, Prediction, Suite, task_of
from eval.subjects.protocol import Progress, StoppedError


def suite(count: int = 12, sha256: str = "a" * 64) -> Suite:
    """So many questions."""
    cases = tuple(ChatCase(f"c{n}", "en", (Message("user", f"question {n}"),)) for n in range(count))
    return Suite("scripted", 1, "", cases, (), sha256)


class Scripted:
    """Repeats the question.

    Args:
        failing: Ids of cases that fail.
        dies_at: Case at which the engine is gone.
        pause: Seconds that an answer takes.
        version: What ``describe`` tells.
        told: Called with each case before it is answered.
    """

    readers = 4

    def __init__(
        self,
        failing: Collection[str] = (),
        dies_at: str = "",
        pause: float = 0.0,
        version: str = "1",
        told: Callable[[Case], None] = lambda case: None,
    ) -> None:
        self.failing, self.dies_at, self.pause, self.version, self.told = (
            failing,
            dies_at,
            pause,
            version,
            told,
        )
        self.asked: list[str] = []
        self.prepared = 0
        self.closed = False
        self.stopped = threading.Event()
        self._alive = True

    def describe(self) -> dict[str, Any]:
        return {"base": "scripted", "version": self.version, "options": {"oracle": False}}

    def prepare(self, suite: Suite, work: Path, progress: Progress) -> None:
        self.prepared += 1
        work.mkdir(exist_ok=True)

    def predict(self, case: Case) -> Prediction:
        self.asked.append(case.id)
        self.told(case)
        if self.stopped.wait(self.pause):
            raise StoppedError
        if case.id == self.dies_at:
            self._alive = False
            raise EngineError(reason="it is gone", remedy="restart it")
        if case.id in self.failing:
            raise ValueError("no answer to this")
        assert isinstance(case, ChatCase)
        return Prediction(case.id, task_of(case), case.messages[-1].text, tokens=2, seconds=self.pause)

    def alive(self) -> bool:
        return self._alive

    def stop(self) -> None:
        self.stopped.set()

    def close(self) -> None:
        self.closed = True


def main(folder: str, pause: str) -> None:
    """Run in a process that a test can interrupt or kill."""
    from eval import runner

    began = time.monotonic()
    try:
        runner.run(suite(), Scripted(pause=float(pause)), Path(folder), progress=_say)
    except KeyboardInterrupt:
        print(f"interrupted after {time.monotonic() - began:.1f} s", flush=True)
        sys.exit(130)


def _say(stage: str, done: int, of: int) -> None:
    print(stage, done, of, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    main(*sys.argv[1:])
