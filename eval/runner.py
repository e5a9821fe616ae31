"""Runs a suite through an assistant into a folder. Stops at any moment, goes on by case id."""

from __future__ import annotations

import random
import shutil
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from queue import Empty, Queue

from assistant.errors import EngineError, YoujuError
from eval import metrics, predictions, runs
from eval.runs import Manifest, Run, Session
from eval.schema import Case, Prediction, Suite, task_of
from eval.subjects.protocol import Progress, StoppedError, Subject

WORK = "work"
"""What the subject keeps between stretches of work."""
LEAVE_S = 20.0
"""Seconds that running answers have to end in, once the run is stopped."""


def run(
    suite: Suite,
    subject: Subject,
    folder: Path,
    *,
    limit: int | None = None,
    seed: int = 0,
    progress: Progress = lambda stage, done, of: None,
) -> Run:
    """Answer every drawn case that has no answer yet.

    Args:
        suite: What is asked.
        subject: Who is asked; the caller closes it where the run does not end.
        folder: Where it is written; one that holds this very run is gone on with.
        limit: Draw so many cases, by ``seed``; all of them without it.
        seed: Also the order of work; the results do not depend on that.
        progress: Told of each document and case done.

    Raises:
        RunError: The folder is in use, or holds something else.
        YoujuError: The subject cannot be measured on this suite, or died on the way; what was done is kept.
        KeyboardInterrupt: Passed on once running answers have ended; what was done is kept.
    """
    drawn = draw(suite, limit, seed)
    metrics.verify(drawn)
    with runs.held(folder):
        runs.begin(folder, manifest(drawn, subject, limit, seed), drawn)
        done = {each.id for each in predictions.read(folder)}
        todo = [case for case in drawn.cases if case.id not in done]
        if todo:
            _Session(drawn, subject, folder, progress).work(todo, seed)
        subject.close()
        shutil.rmtree(folder / WORK, ignore_errors=True)
        return runs.read(folder)


def draw(suite: Suite, limit: int | None, seed: int) -> Suite:
    """The suite with at most ``limit`` cases, drawn by ``seed``, in its own order; all passages stay."""
    if limit is None or limit >= len(suite.cases):
        return suite
    chosen = sorted(random.Random(seed).sample(range(len(suite.cases)), limit))
    return replace(suite, cases=tuple(suite.cases[n] for n in chosen))


def manifest(drawn: Suite, subject: Subject, limit: int | None, seed: int) -> Manifest:
    """What a run of these cases is."""
    return Manifest(
        suite=drawn.name,
        version=drawn.version,
        sha256=drawn.sha256,
        licence=drawn.licence,
        limit=limit,
        seed=seed,
        cases=tuple(case.id for case in drawn.cases),
        subject=subject.describe(),
        date=datetime.now().astimezone().isoformat(timespec="seconds"),
    )


@dataclass(slots=True)
class _Session:
    """One stretch of work: from its start to its end or interruption."""

    suite: Suite
    subject: Subject
    folder: Path
    progress: Progress
    date: str = field(default_factory=lambda: datetime.now().astimezone().isoformat(timespec="seconds"))
    seconds: dict[str, float] = field(default_factory=lambda: {"prepare": 0.0, "predict": 0.0, "own": 0.0})
    cases: int = 0
    tokens: int = 0

    def work(self, todo: Sequence[Case], seed: int) -> None:
        """Do these cases."""
        try:
            with _timed(self.seconds, "prepare"):
                self.subject.prepare(self.suite, self.folder / WORK, self.progress)
            with _timed(self.seconds, "predict"), predictions.Predictions(self.folder) as file:
                self._predict(todo, seed, file)
        finally:
            memory, gpu = _peak_memory()
            taken = {stage: round(seconds, 4) for stage, seconds in self.seconds.items()}
            session = Session(self.date, self.cases, self.tokens, taken, memory, gpu)
            runs.add_session(self.folder, session)

    def _predict(self, todo: Sequence[Case], seed: int, file: predictions.Predictions) -> None:
        by_id = {case.id: case for case in todo}
        before = len(self.suite.cases) - len(todo)
        self.progress("predict", before, len(self.suite.cases))
        order = random.Random(seed).sample(todo, len(todo))  # mixed, so that the time left can be told
        with closing(_answered(order, self.subject)) as answered:
            for found in answered:
                with _timed(self.seconds, "own"):
                    file.add(_scored(found, by_id[found.id], self.suite))
                    self.cases += 1
                    self.tokens += found.tokens
                    self.progress("predict", before + self.cases, len(self.suite.cases))


def _answered(cases: Sequence[Case], subject: Subject) -> Generator[Prediction, None, None]:
    """The prediction of each case, as they come.

    Raises:
        YoujuError: The subject is gone.
    """
    waiting: Queue[Case] = Queue()
    for case in cases:
        waiting.put(case)
    ended: Queue[Prediction | BaseException] = Queue()
    readers = [
        threading.Thread(target=_read, args=(waiting, ended, subject), name="reader", daemon=True)
        for _ in range(min(subject.readers, len(cases)))
    ]
    for reader in readers:
        reader.start()
    try:
        for _ in cases:
            found = _next(ended)
            if isinstance(found, BaseException):
                raise found
            yield found
    except BaseException:  # a failure, Ctrl-C, or whoever reads this went away
        with waiting.mutex:
            waiting.queue.clear()
        _leave(readers, subject)
        raise


def _next(ended: Queue[Prediction | BaseException]) -> Prediction | BaseException:
    while True:
        try:
            return ended.get(timeout=0.5)  # an endless wait would not hear Ctrl-C everywhere
        except Empty:
            continue


def _leave(readers: Sequence[threading.Thread], subject: Subject) -> None:
    subject.stop()
    end = time.monotonic() + LEAVE_S
    for reader in readers:
        reader.join(max(0.0, end - time.monotonic()))


def _read(waiting: Queue[Case], ended: Queue[Prediction | BaseException], subject: Subject) -> None:
    """The work of one reader: cases, until there are no more."""
    while True:
        try:
            case = waiting.get_nowait()
        except Empty:
            return
        try:
            ended.put(_prediction(case, subject))
        except BaseException as fault:  # noqa: BLE001  # raised again by whoever waits for it
            ended.put(fault)
            return


def _prediction(case: Case, subject: Subject) -> Prediction:
    """Of a case; of a failing one its error, unless all others would fail too."""
    started = time.monotonic()
    try:
        return subject.predict(case)
    except StoppedError:
        raise
    except Exception as fault:
        if not subject.alive():
            raise _gone(fault) from fault
        said = str(fault) if isinstance(fault, YoujuError) else f"{type(fault).__name__}: {fault}"
        return Prediction(case.id, task_of(case), "", seconds=time.monotonic() - started, error=said)


def _gone(fault: Exception) -> YoujuError:
    if isinstance(fault, YoujuError):
        return fault
    return EngineError(reason=str(fault), remedy="start the run again: it goes on where it stopped")


def _scored(prediction: Prediction, case: Case, suite: Suite) -> Prediction:
    return replace(prediction, scores={} if prediction.error else metrics.scores(case, prediction, suite))


class _timed:  # noqa: N801  # reads as a statement
    """Add the seconds of a block to a stage."""

    def __init__(self, seconds: dict[str, float], stage: str) -> None:
        self._seconds, self._stage = seconds, stage

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *fault: object) -> None:
        self._seconds[self._stage] += time.perf_counter() - self._started


def _peak_memory() -> tuple[float, float]:
    """MB that this process, and its models on a GPU, held at most."""
    torch = sys.modules.get("torch")
    gpu = torch.cuda.max_memory_allocated() / 1e6 if torch and torch.cuda.is_available() else 0.0
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e6, gpu
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, gpu
