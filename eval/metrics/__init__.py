"""What a prediction is worth."""

from __future__ import annotations

from eval.metrics import (
    chat,
    checks,
    dialogues,
    grounded,
    plain,
    retrieval,
    rewrites,
    sentiment,
    summarize,
    verdicts,
)
from eval.metrics.metric import Metric
from eval.schema import Case, ChatCase, Prediction, Suite, task_of
from eval.statistics import mean

__all__ = ["Metric", "of", "scores", "verify"]


def of(suite: Suite) -> list[Metric]:
    """The metrics of a suite's tasks, in report order."""
    all_of_them = [
        *sentiment.metrics(),
        *plain.metrics(),
        *grounded.metrics(),
        *dialogues.metrics(),
        *rewrites.metrics(),
        *verdicts.metrics(),
        *retrieval.metrics(),
        *summarize.metrics(),
        *chat.metrics(suite),
    ]
    tasks = {task_of(case) for case in suite.cases}
    return [metric for metric in all_of_them if metric.task in tasks]


def verify(suite: Suite) -> None:
    """Try the checks of its replies, so that a wrong one is told before the model has worked.

    Raises:
        SuiteError: A check has an unknown id, or arguments that it does not take.
    """
    for case in suite.cases:
        if isinstance(case, ChatCase) and case.checks and checks.available():
            checks.passed(case, "a reply", loose=False)


def scores(case: Case, prediction: Prediction, suite: Suite) -> dict[str, float]:
    """The scores of one case: of metrics that are means of such, without the baselines."""
    found = {
        metric.name: metric.row(case, prediction, suite)
        for metric in _of_task(case, suite)
        if metric.aggregate is mean and not metric.baseline
    }
    return {name: float(row[0]) for name, row in found.items() if row is not None}


def _of_task(case: Case, suite: Suite) -> list[Metric]:
    match task_of(case):
        case "sentiment":
            return sentiment.metrics()
        case "grounded":
            return grounded.metrics()
        case "retrieval":
            return retrieval.metrics()
        case "summarize":
            return summarize.metrics()
        case "chat":
            return chat.metrics(suite)
        case "plain":
            return plain.metrics()
        case "dialogue":
            return dialogues.metrics()
        case "rewrite":
            return rewrites.metrics()
        case "verdict":
            return verdicts.metrics()
