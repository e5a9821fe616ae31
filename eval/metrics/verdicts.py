"""Does the check of a claim against its evidence tell what is supported from what is not?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from assistant.schema import Verdict
from eval.metrics.grounded import auroc
from eval.metrics.metric import Metric, Row, mean, of_cases
from eval.metrics.overlap import share
from eval.schema import Prediction, Suite, VerdictCase
from eval.statistics import Aggregate, Rows


def metrics() -> list[Metric]:
    """In report order; behind them what the share of the claim's words in its evidence reaches.

    A claim counts as supported where people say it wholly is: "partly" is not. ``verdict_right`` is the share
    of claims called so rightly, or rightly not; ``verdict_balanced`` is the mean of that share among the
    supported claims and among the others. ``verdict_auroc`` orders claims by how well they are supported.
    The words' own ``verdict_balanced`` is at the threshold that suits these rows best, which flatters it. A
    failed case is wrong, and called nothing.
    """
    one = "the claims are all supported, or none is"
    return [
        Metric("verdict_right", "verdict", of_cases(VerdictCase, _right), mean, "higher", "no claim", True),
        _metric("verdict_balanced", _called, balanced, one),
        _metric("verdict_auroc", _ordered, _area, one),
        _metric("overlap.verdict_balanced", _words, best_balanced, one, baseline=True),
        _metric("overlap.verdict_auroc", _words, _area, one, baseline=True),
    ]


def balanced(rows: Rows) -> float:
    """Balanced accuracy. Rows are (called supported, is supported)."""
    supported = rows[:, 1] == 1
    if supported.all() or not supported.any():
        return float("nan")
    return float((rows[supported, 0].mean() + 1 - rows[~supported, 0].mean()) / 2)


def best_balanced(rows: Rows) -> float:
    """Balanced accuracy at the best threshold. Rows are (score, is supported)."""
    supported = rows[:, 1] == 1
    if supported.all() or not supported.any():
        return float("nan")
    order = np.argsort(-rows[:, 0], kind="stable")
    score, right = rows[order, 0], supported[order]
    hits, false = np.cumsum(right) / right.sum(), np.cumsum(~right) / (~right).sum()
    ends = np.append(score[1:] != score[:-1], True)  # a threshold does not part equal scores
    return float((1 + (hits - false)[ends].max(initial=0.0)) / 2)


def _area(rows: Rows) -> float:
    """AUROC of the score. `auroc` is of declining: the unsupported are the positive class there."""
    return auroc(np.column_stack([rows[:, 0], 1 - rows[:, 1]])) if len(rows) else float("nan")


def _metric(
    name: str,
    row: Callable[[VerdictCase, Prediction, Suite], Row],
    aggregate: Aggregate,
    undefined: str,
    *,
    baseline: bool = False,
) -> Metric:
    return Metric(
        name, "verdict", of_cases(VerdictCase, row), aggregate, "higher", undefined, baseline=baseline
    )  # fmt: skip


def _truth(case: VerdictCase) -> float:
    return float(case.label == "supported")


def _called(case: VerdictCase, found: Prediction, suite: Suite) -> Row:
    return (float(not found.error and found.output == Verdict.SUPPORTED.value), _truth(case))


def _right(case: VerdictCase, found: Prediction, suite: Suite) -> Row:
    called, truth = _called(case, found, suite)
    return (float(not found.error and called == truth),)


def _ordered(case: VerdictCase, found: Prediction, suite: Suite) -> Row:
    return (found.confidence or 0.0, _truth(case))


def _words(case: VerdictCase, found: Prediction, suite: Suite) -> Row:
    return (share(case.claim, case.evidence), _truth(case))
