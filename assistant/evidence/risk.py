"""How sure an answer has to be, so that a stated share of those given are wrong at most. Pure.

Answers to questions whose truth is known are ranked by how sure they are. From the surest down, the threshold
is lowered as long as the rate of wrong ones among all above it is at most ``alpha``, not only as counted but
as the exact binomial bound (Clopper and Pearson) of it says. Each step down is tested once, and the first
that fails ends it, so that the whole walk errs no more often than one test ("learn then test", Angelopoulos
and others 2021: a fixed sequence of tests).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.9
"""How often the bound holds, over draws of questions."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A question whose truth is known, and what was about to be answered."""

    confidence: float
    """How sure the answer is, 0..1; 0 where none would ever be given."""
    right: bool
    """What was written is right; never so for a question without an answer."""
    answerable: bool


@dataclass(frozen=True, slots=True)
class Point:
    """What happens at one threshold."""

    threshold: float
    coverage: float
    """Share of the answerable questions that are answered, rightly or not, 0..1."""
    wrong: float
    """Share of wrong ones among the answers given, as counted."""
    bound: float
    """What that share is at most, with `CONFIDENCE`."""
    given: int
    """Answers given."""


def curve(outcomes: Sequence[Outcome]) -> list[Point]:
    """Risk and coverage at every threshold that makes a difference, the strictest first."""
    able = sum(outcome.answerable for outcome in outcomes)
    ranked = sorted((o for o in outcomes if o.confidence > 0.0), key=lambda o: -o.confidence)
    points: list[Point] = []
    answered = wrong = 0
    for place, outcome in enumerate(ranked):
        answered += outcome.answerable
        wrong += not outcome.right
        if place + 1 < len(ranked) and ranked[place + 1].confidence == outcome.confidence:
            continue  # a threshold cannot part them
        given = place + 1
        coverage = answered / able if able else 0.0
        points.append(Point(outcome.confidence, coverage, wrong / given, upper(wrong, given), given))
    return points


def controlled(points: Sequence[Point], alpha: float) -> Point | None:
    """The lowest threshold whose bound, and that of every stricter one tested, is at most ``alpha``.

    Args:
        points: Of `curve`.
        alpha: Wrong answers among those given, at most; above 0 and below 1.

    Returns:
        ``None`` where none holds: there are too few questions, or too many wrong answers among the surest.
    """
    least = fewest(alpha)
    found: Point | None = None
    for point in points:
        if point.given < least:
            continue  # even without one wrong answer this many prove nothing
        if point.bound > alpha:
            break
        found = point
    return found


def fewest(alpha: float) -> int:
    """Answers, all of them right, from which a rate of at most ``alpha`` is proved."""
    return math.ceil(math.log(1.0 - CONFIDENCE) / math.log(1.0 - alpha))


def upper(wrong: int, given: int) -> float:
    """Upper end of the exact one-sided interval of a rate, of ``wrong`` among ``given``; 1 of none."""
    from scipy.stats import beta

    if wrong >= given:
        return 1.0
    return float(beta.ppf(CONFIDENCE, wrong + 1, given - wrong))
