"""A metric with its 95 % interval.

Shares (means of zeros and ones) have Wilson's interval, with the number of cases that is left after cases of
one document are seen to agree. All else has the bootstrap's: bias-corrected and accelerated (Efron 1987), at
levels widened for few units (Hesterberg 2015, section 4.1). How often each covers the truth is measured by
``python -m eval.bench.statistics``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from assistant.schema import Estimate
from eval.schema import Undefined
from eval.statistics.sampling import (
    Aggregate,
    Rows,
    Units,
    count,
    left_out,
    mean,
    resampled,
    totals,
    units_of,
)

NORMAL = NormalDist()
LEVEL = 0.975
RESAMPLES = 2_000


def estimate(
    rows: Rows,
    aggregate: Aggregate,
    clusters: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Estimate | Undefined:
    """A metric of these cases with its 95 % interval.

    Args:
        rows: (n, k), a row a case.
        aggregate: The metric; ``mean`` is recognised and fast.
        clusters: The document of each case, where cases share one; they are then drawn by document. Below
            about ten documents the interval is too narrow all the same.
        seed: The same one gives the same interval.
        resamples: Draws.
    """
    if not len(rows):
        return Undefined("no case takes part in it")
    value = aggregate(rows)
    if math.isnan(value):
        return Undefined("it is not defined on these cases", len(rows))
    units = units_of(len(rows), clusters)
    if aggregate is mean and is_binary(rows):
        return Estimate(value, *_share(rows, units), len(rows))
    found = bootstrap(rows, aggregate, units, seed, resamples)
    if isinstance(found, Undefined):
        return found
    if found.low == found.high and value in (0, 1):
        # All draws agree at the end of a scale: the next case need not.
        return Estimate(value, *wilson(value, count(units)), len(rows))
    return found


def bootstrap(
    rows: Rows, aggregate: Aggregate, units: Units, seed: int, resamples: int
) -> Estimate | Undefined:
    """A metric with its bootstrap interval, of whatever width that has."""
    if count(units) < 2:
        return Undefined("one case alone has no interval", len(rows))
    without = left_out(rows, aggregate, units)
    if not np.isfinite(without).all():
        return Undefined("it hangs on one case, without which it is not defined", len(rows))
    draws = resampled(rows, aggregate, units, seed, resamples)
    draws = draws[np.isfinite(draws)]
    value = aggregate(rows)
    low, high = np.quantile(draws, _levels(draws, value, without))
    # A skewed draw can leave the value itself outside.
    return Estimate(value, min(float(low), value), max(float(high), value), len(rows))


def wilson(share: float, n: float, quantile: float = NORMAL.inv_cdf(LEVEL)) -> tuple[float, float]:
    """Wilson's score interval of a share of ``n`` cases."""
    square = quantile**2 / n
    middle = (share + square / 2) / (1 + square)
    half = math.sqrt(square * (share * (1 - share) + square / 4)) / (1 + square)
    # The exact ends, where rounding would miss them.
    return (0.0 if share == 0 else middle - half), (1.0 if share == 1 else middle + half)


def is_binary(rows: Rows) -> bool:
    """All zeros and ones."""
    return bool(np.isin(rows, (0, 1)).all())


def student(groups: int) -> float:
    """The quantile of Student's t that so many units allow."""
    from scipy.special import stdtrit

    return float(stdtrit(groups - 1, LEVEL))


def _share(rows: Rows, units: Units) -> tuple[float, float]:
    n, groups, value = len(rows), count(units), mean(rows)
    if groups == n:
        return wilson(value, n)
    if value in (0, 1):
        return wilson(value, groups)  # nothing tells how alike the cases of a document are: wholly, then
    sums, cases = totals(rows, units)
    variance = groups / (groups - 1) * float(((sums - value * cases) ** 2).sum()) / n**2
    worth = min(n, value * (1 - value) / variance) if variance else n
    return wilson(value, worth, student(groups))


def _levels(draws: Rows, value: float, without: Rows) -> tuple[float, float]:
    """The two shares of the draws between which the interval lies."""
    groups = len(without)
    wide = math.sqrt(groups / (groups - 1)) * student(groups)
    below = float((np.mean(draws < value) + np.mean(draws <= value)) / 2)
    rare = 1 / (len(draws) + 1)
    bias, skew = NORMAL.inv_cdf(min(max(below, rare), 1 - rare)), _acceleration(without)

    def level(quantile: float) -> float:
        moved = bias + quantile
        return NORMAL.cdf(bias + moved / max(1 - skew * moved, 0.001))

    return level(-wide), level(wide)


def _acceleration(without: Rows) -> float:
    off = without.mean() - without
    squares = float((off**2).sum())
    return float((off**3).sum()) / (6 * squares**1.5) if squares else 0.0
