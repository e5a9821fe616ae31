"""What the runner needs of an assistant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from eval.schema import Case, Prediction, Suite

Progress = Callable[[str, int, int], None]
"""``(stage, done, of)``: ``prepare`` counts documents, ``predict`` cases."""


class StoppedError(Exception):
    """A case was given up because the run stops; nothing is recorded of it."""


class Subject(Protocol):
    """An assistant. ``predict`` is called from ``readers`` threads at once."""

    readers: int

    def describe(self) -> dict[str, Any]:
        """What it is, for the manifest: plain JSON, the same each time. Loads no model."""
        ...

    def prepare(self, suite: Suite, work: Path, progress: Progress) -> None:
        """Load the models and take in the suite's passages; what was done before is not done again.

        Args:
            suite: What will be asked.
            work: A folder to keep things in; removed once the run is complete.
            progress: Told of each passage.

        Raises:
            YoujuError: It cannot be measured on this suite at all.
        """
        ...

    def predict(self, case: Case) -> Prediction:
        """Answer a case.

        Raises:
            YoujuError: It could not be answered.
            StoppedError: After ``stop``.
        """
        ...

    def alive(self) -> bool:
        """Whether there is any point in going on after a failure."""
        ...

    def stop(self) -> None:
        """End running answers soon; they raise ``StoppedError``."""
        ...

    def close(self) -> None:
        """Let go of models and files; ``stop`` came before it or everything is done."""
        ...
