"""Units drawn again and again: what a metric would be on other cases like these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]
"""(n, k): what the n cases that take part contribute, k numbers each."""
Units = NDArray[np.intp]
"""(n,): the unit of each case, counted from 0."""
Aggregate = Callable[[Rows], float]
"""The metric of these rows; nan where it is not defined."""
_AT_ONCE = 2_000_000
"""Drawn numbers held in memory at a time."""


def mean(rows: Rows) -> float:
    """The mean of the first column. Given as the aggregate, it is resampled hundreds of times faster."""
    return float(rows[:, 0].mean()) if len(rows) else float("nan")


def units_of(n: int, clusters: Sequence[str] | None) -> Units:
    """Which cases are drawn together.

    Where all share one cluster, each is its own unit: nothing can then be said about other documents, and
    the interval is one about other questions to this one.
    """
    if clusters is None or len(set(clusters)) < 2:
        return np.arange(n)
    return np.unique(np.asarray(clusters), return_inverse=True)[1]


def count(units: Units) -> int:
    """How many units there are."""
    return int(units.max()) + 1


def totals(rows: Rows, units: Units) -> tuple[Rows, Rows]:
    """Sum of the first column, and cases, of each unit."""
    return np.bincount(units, rows[:, 0]).astype(np.float64), np.bincount(units).astype(np.float64)


def resampled(rows: Rows, aggregate: Aggregate, units: Units, seed: int, resamples: int) -> Rows:
    """The metric of ``resamples`` draws of as many units as there are, with replacement. Some may be nan."""
    rng, groups = np.random.default_rng(seed), count(units)
    if aggregate is mean:
        sums, cases = totals(rows, units)
        drawn = _chunks(resamples, groups, lambda size: rng.integers(groups, size=size))
        return np.concatenate([sums[each].sum(axis=1) / cases[each].sum(axis=1) for each in drawn])
    draws: Iterator[Units] = (rng.integers(groups, size=groups) for _ in range(resamples))
    if groups < len(units):
        members = _members(units)
        draws = (np.concatenate([members[i] for i in draw]) for draw in draws)
    return np.array([aggregate(rows[draw]) for draw in draws])


def left_out(rows: Rows, aggregate: Aggregate, units: Units) -> Rows:
    """The metric without each unit in turn. Some may be nan."""
    if aggregate is mean:
        sums, cases = totals(rows, units)
        return np.asarray((sums.sum() - sums) / (cases.sum() - cases))
    return np.array([aggregate(rows[units != unit]) for unit in range(count(units))])


def exchanged(a: Rows, b: Rows, aggregate: Aggregate, units: Units, seed: int, resamples: int) -> Rows:
    """The metric of b less that of a when, in a random half of the units, the two are exchanged."""
    rng, groups = np.random.default_rng(seed), count(units)
    if aggregate is mean:
        sums = totals(b - a, units)[0]
        flips = _chunks(resamples, groups, lambda size: rng.choice([-1.0, 1.0], size=size))
        return np.concatenate([each @ sums for each in flips]) / len(a)
    found = []
    for _ in range(resamples):
        swapped = rng.integers(2, size=groups).astype(bool)[units, None]
        found.append(aggregate(np.where(swapped, a, b)) - aggregate(np.where(swapped, b, a)))
    return np.array(found)


def _chunks(
    resamples: int, groups: int, draw: Callable[[tuple[int, int]], NDArray[Any]]
) -> Iterator[NDArray[Any]]:
    step = max(1, _AT_ONCE // groups)
    for start in range(0, resamples, step):
        yield draw((min(step, resamples - start), groups))


def _members(units: Units) -> list[Units]:
    """The cases of each unit."""
    return np.split(np.argsort(units, kind="stable"), np.cumsum(np.bincount(units))[:-1])
