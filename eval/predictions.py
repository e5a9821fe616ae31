"""``predictions.jsonl``: a line a case, in the order in which they were done."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from pydantic import TypeAdapter, ValidationError

from eval.errors import RunError
from eval.schema import Prediction

NAME = "predictions.jsonl"
_PREDICTION = TypeAdapter(Prediction)


class Predictions:
    """The file of a run that goes on; each line is on its way to the disk before the next case ends.

    Args:
        folder: Of the run. A last line that a kill tore in two is taken off.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / NAME
        whole = _whole(path)
        self._file = path.open("ab")
        if self._file.tell() != whole:
            self._file.truncate(whole)

    def add(self, prediction: Prediction) -> None:
        """Append and flush."""
        self._file.write(_PREDICTION.dump_json(prediction) + b"\n")
        self._file.flush()

    def __enter__(self) -> Predictions:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.fsync(self._file.fileno())
        self._file.close()


def read(folder: Path) -> list[Prediction]:
    """The predictions of a run folder; a torn last line is none.

    Raises:
        RunError: A line is not one of ours, or a case stands there twice.
    """
    path = folder / NAME
    lines = path.read_bytes()[: _whole(path)].split(b"\n")[:-1] if path.exists() else []
    found: dict[str, Prediction] = {}
    for number, line in enumerate(lines, 1):
        try:
            prediction = _PREDICTION.validate_json(line)
        except ValidationError as fault:
            reason = f"line {number} cannot be read ({fault.errors(include_url=False)[0]['msg']})"
            remedy = "take the line out; its case is done again"
            raise RunError(folder=path, reason=reason, remedy=remedy) from None
        if prediction.id in found:
            reason = f"line {number} has case {prediction.id!r} again"
            raise RunError(folder=path, reason=reason, remedy="take one of the two lines out")
        found[prediction.id] = prediction
    return list(found.values())


def _whole(path: Path) -> int:
    """Bytes up to the end of the last whole line."""
    return path.read_bytes().rfind(b"\n") + 1 if path.exists() else 0
