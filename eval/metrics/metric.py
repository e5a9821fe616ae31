"""What a metric is: numbers of each case, and how those become one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from eval.schema import Case, Prediction, Suite, Task
from eval.statistics import Aggregate, Rows, mean

Row = tuple[float, ...]
Scored = TypeVar("Scored")


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric under its fixed name.

    Attributes:
        row: What a case contributes; None where it takes no part.
        aggregate: The metric of the rows of all cases that take part; nan where it is not defined.
        undefined: Why there is no value where no case takes part or the aggregate is nan.
        binary: Each case is right or wrong.
        baseline: What a simple rule reaches, whatever the assistant made of the case.
    """

    name: str
    task: Task
    row: Callable[[Case, Prediction, Suite], Row | None]
    aggregate: Aggregate
    better: Literal["higher", "lower", "neither"]
    undefined: str
    binary: bool = False
    baseline: bool = False


def of_cases(
    kind: type[Scored], row: Callable[[Scored, Prediction, Suite], Row | None]
) -> Callable[[Case, Prediction, Suite], Row | None]:
    """A row of cases of one kind; cases of other tasks take no part."""

    def checked(case: Case, found: Prediction, suite: Suite) -> Row | None:
        return row(case, found, suite) if isinstance(case, kind) else None

    return checked


def ratio(rows: Rows) -> float:
    """The first column's sum over the second's. A case with (0, 0) has no weight in it."""
    whole = rows[:, 1].sum() if len(rows) else 0.0
    return float(rows[:, 0].sum() / whole) if whole else float("nan")


__all__ = ["Metric", "Row", "mean", "of_cases", "ratio"]
