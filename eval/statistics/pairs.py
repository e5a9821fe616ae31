"""Two subjects on the same cases: how far apart, and could that be chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from assistant.schema import Estimate
from eval.schema import Undefined
from eval.statistics.intervals import LEVEL, NORMAL, RESAMPLES, bootstrap, is_binary, wilson
from eval.statistics.sampling import Aggregate, Rows, Units, count, exchanged, mean, units_of

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Paired:
    """Two subjects compared by one metric."""

    a: float
    b: float
    difference: Estimate
    """Of b less a."""
    p: float
    """Chance of a difference this large between equals."""
    test: Literal["mcnemar", "permutation"]
    disagreement: float
    """Share of the cases whose rows differ; without any, there is nothing to test."""

    @property
    def variance(self) -> float:
        """Of a case's difference, by the width of the interval: cases of one document count for less."""
        half = (self.difference.high - self.difference.low) / 2
        return self.difference.n * (half / NORMAL.inv_cdf(LEVEL)) ** 2


def paired(
    a: Rows,
    b: Rows,
    aggregate: Aggregate,
    clusters: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Paired | Undefined:
    """The difference of a metric between two subjects.

    Zeros and ones without shared documents: exact McNemar, and the interval of Agresti and Min (2005).
    All else: a and b exchanged unit by unit, and the bootstrap of the differences.

    Args:
        a: (n, k), of one subject, a row a case.
        b: (n, k), of the other, the same cases in the same order.
        aggregate: The metric; ``mean`` is recognised and fast.
        clusters: The document of each case, where cases share one.
        seed: The same one gives the same result.
        resamples: Draws, and exchanges.
    """
    if not len(a):
        return Undefined("no case takes part in it")
    values = aggregate(a), aggregate(b)
    if math.isnan(sum(values)):
        return Undefined("it is not defined on these cases", len(a))
    units, disagreement = units_of(len(a), clusters), float((a != b).any(axis=1).mean())
    if aggregate is mean and count(units) == len(a) and is_binary(a) and is_binary(b):
        return Paired(*values, _matched(a, b), _mcnemar(a, b), "mcnemar", disagreement)
    difference = _difference(a, b, aggregate, units, seed, resamples)
    if isinstance(difference, Undefined):
        return difference
    p = _permutation(a, b, aggregate, units, seed, resamples) if disagreement else 1.0
    return Paired(*values, difference, p, "permutation", disagreement)


def holm(ps: Sequence[float]) -> list[float]:
    """P-values of several metrics, adjusted so that a false alarm among them all is rare (Holm 1979)."""
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, i in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[i]))
        adjusted[i] = highest
    return adjusted


def _difference(
    a: Rows, b: Rows, aggregate: Aggregate, units: Units, seed: int, resamples: int
) -> Estimate | Undefined:
    if np.array_equal(a, b):
        return _no_difference(a, aggregate, units)
    if aggregate is mean:
        return bootstrap(b - a, mean, units, seed, resamples)
    half = a.shape[1]
    both = np.hstack([a, b])
    return bootstrap(
        both, lambda rows: aggregate(rows[:, half:]) - aggregate(rows[:, :half]), units, seed, resamples
    )


def _no_difference(rows: Rows, aggregate: Aggregate, units: Units) -> Estimate:
    """Not one case differs: what share of others still may, and by the whole scale."""
    scale = max(1.0, float(np.ptp(rows))) if aggregate is mean else 1.0
    reach = scale * wilson(0.0, count(units))[1]
    return Estimate(0.0, -reach, reach, len(rows))


def _matched(a: Rows, b: Rows) -> Estimate:
    """Wald's interval after half a case is added to each of the four kinds of pairs."""
    won, lost, n = float((b > a).sum()), float((b < a).sum()), len(a)
    middle = (won - lost) / (n + 2)
    half = NORMAL.inv_cdf(LEVEL) * math.sqrt((won + lost + 1) / (n + 2) - middle**2) / math.sqrt(n + 2)
    return Estimate((won - lost) / n, max(middle - half, -1.0), min(middle + half, 1.0), n)


def _mcnemar(a: Rows, b: Rows) -> float:
    from scipy.stats import binomtest

    won, lost = int((b > a).sum()), int((b < a).sum())
    return float(binomtest(won, won + lost).pvalue) if won + lost else 1.0


def _permutation(a: Rows, b: Rows, aggregate: Aggregate, units: Units, seed: int, resamples: int) -> float:
    """An exchange that leaves the metric undefined counts against a difference."""
    observed = abs(aggregate(b) - aggregate(a))
    found = np.abs(exchanged(a, b, aggregate, units, seed, resamples))
    smaller = int((found < observed - _ROUNDING).sum())
    return (1 + resamples - smaller) / (1 + resamples)
