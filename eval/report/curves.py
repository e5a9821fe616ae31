"""Whether confidence means what it says: the points of two diagrams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assistant.schema import LABELS
from eval.schema import Case, DialogueCase, GroundedCase, PlainCase, Prediction, SentimentCase
from eval.statistics.intervals import wilson

BINS = 10
POINTS = 200
"""Most points kept of a curve."""
Pairs = Sequence[tuple[Case, Prediction]]


@dataclass(frozen=True, slots=True)
class Point:
    """The cases of one range of confidence."""

    confidence: float
    """Their mean one."""
    share: float
    """How many of them were right, with Wilson's interval."""
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Curve:
    """The most confident first: what is answered, and what of it is wrong."""

    coverage: tuple[float, ...]
    risk: tuple[float, ...]


def reliability(pairs: Pairs) -> tuple[Point, ...]:
    """Points of equal ranges of confidence; empty without confidences."""
    confidence, right = _judged(pairs)
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    points = []
    for number in np.unique(place):
        chosen = place == number
        share, n = float(right[chosen].mean()), int(chosen.sum())
        low, high = wilson(share, n)
        points.append(Point(float(confidence[chosen].mean()), share, low, high, n))
    return tuple(points)


def risk_coverage(pairs: Pairs) -> Curve | None:
    """Share of the cases answered against the error among them, as the bar of confidence comes down.

    Every question takes part: one without an answer is answered rightly by declining only.
    """
    scored = [
        (found.confidence, 1 - _score(case, found)) for case, found in pairs if _takes_part(case, found)
    ]
    if len(scored) < 2:
        return None
    values = np.array(scored, dtype=np.float64)
    order = np.argsort(-values[:, 0], kind="stable")
    risk = np.cumsum(values[order, 1]) / np.arange(1, len(order) + 1)
    coverage = np.arange(1, len(order) + 1) / len(order)
    kept = np.unique(np.linspace(0, len(order) - 1, POINTS).astype(int))
    return Curve(tuple(map(float, coverage[kept])), tuple(map(float, risk[kept])))


def _takes_part(case: Case, found: Prediction) -> bool:
    asked = isinstance(case, GroundedCase) or (isinstance(case, PlainCase) and case.answerable is not None)
    return asked and found.confidence is not None


def _score(case: Case, found: Prediction) -> float:
    """Right is 1: token F1 of an answer; of an unanswerable question, that it was declined."""
    if isinstance(case, PlainCase):
        return found.scores.get("handled", 0.0)
    assert isinstance(case, GroundedCase)
    if not case.answerable:
        return float(found.declined)
    return found.scores.get("f1", 0.0)


def _answered_by_documents(case: Case) -> bool | None:
    """Whether the documents answer it; ``None`` where that is no question, or in part."""
    match case:
        case GroundedCase() | PlainCase():
            return case.answerable
        case DialogueCase(answerability="answerable" | "unanswerable"):
            return case.answerability == "answerable"
    return None


def _judged(pairs: Pairs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Confidence, and whether it was justified.

    Of a sentiment: the largest probability, and whether its label is right. Of a question: the confidence
    that the documents answer it, and whether they do.
    """
    found_all: list[tuple[float, float]] = []
    for case, found in pairs:
        if isinstance(case, SentimentCase) and found.probabilities:
            best = int(np.argmax(found.probabilities))
            found_all.append((found.probabilities[best], float(LABELS[best] == case.label)))
        answerable = _answered_by_documents(case)
        if answerable is not None and found.confidence is not None:
            found_all.append((found.confidence, float(answerable)))
    values = np.array(found_all, dtype=np.float64).reshape(-1, 2)
    return values[:, 0], values[:, 1]
