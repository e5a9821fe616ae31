"""Is the feeling in a text recognised, and is the probability worth its name?"""

from __future__ import annotations

import numpy as np

from assistant.schema import LABELS
from eval.metrics.metric import Metric, Row, mean, of_cases
from eval.schema import Prediction, SentimentCase, Suite
from eval.statistics import Rows

BINS = 10
"""Of equal width, for the calibration error."""
_NO_PROBABILITIES = "no text has probabilities"


def metrics() -> list[Metric]:
    """In report order.

    ``macro_f1`` is the plain mean of the F1 of each label that occurs among the truths. ``brier`` is the sum
    over the labels of squared differences, 0..2. ``ece`` weighs, in ten equal ranges of the highest
    probability, how far its mean is from the share that was right. A failed case is a wrong label; it has no
    probabilities and takes no part in the last two.
    """
    return [
        Metric(
            "accuracy", "sentiment", of_cases(SentimentCase, _right), mean, "higher", "no text", binary=True
        ),
        Metric("macro_f1", "sentiment", of_cases(SentimentCase, _labels), macro_f1, "higher", "no text"),
        Metric("brier", "sentiment", of_cases(SentimentCase, _brier), mean, "lower", _NO_PROBABILITIES),
        Metric("ece", "sentiment", of_cases(SentimentCase, _confident), ece, "lower", _NO_PROBABILITIES),
    ]


def macro_f1(rows: Rows) -> float:
    """Mean F1 of the labels among the truths. Rows are (truth, answer) as places in ``LABELS``."""
    truth, answer = rows[:, 0].astype(int), rows[:, 1].astype(int)
    size = len(LABELS) + 1  # the last: no label at all
    counts = np.bincount(truth * size + answer, minlength=size * size).reshape(size, size)
    right, wanted, said = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    there = wanted > 0
    return float((2 * right[there] / (wanted + said)[there]).mean()) if there.any() else float("nan")


def ece(rows: Rows) -> float:
    """Expected calibration error. Rows are (confidence, right)."""
    if not len(rows):
        return float("nan")
    place = np.minimum((rows[:, 0] * BINS).astype(int), BINS - 1)
    gaps = np.bincount(place, rows[:, 0] - rows[:, 1], minlength=BINS)
    return float(np.abs(gaps).sum() / len(rows))


def _right(case: SentimentCase, found: Prediction, suite: Suite) -> Row:
    return (float(not found.error and found.output == case.label),)


def _labels(case: SentimentCase, found: Prediction, suite: Suite) -> Row:
    known = not found.error and found.output in LABELS
    answer = [*LABELS].index(found.output) if known else len(LABELS)  # type: ignore[arg-type]
    return (LABELS.index(case.label), answer)


def _brier(case: SentimentCase, found: Prediction, suite: Suite) -> Row | None:
    if not found.probabilities:
        return None
    pairs = zip(LABELS, found.probabilities, strict=True)
    return (sum((share - (label == case.label)) ** 2 for label, share in pairs),)


def _confident(case: SentimentCase, found: Prediction, suite: Suite) -> Row | None:
    if not found.probabilities:
        return None
    best = int(np.argmax(found.probabilities))
    return (found.probabilities[best], float(LABELS[best] == case.label))
