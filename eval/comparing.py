"""Which of two runs is better, by how much, and how many more cases it takes to tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from assistant.schema import Estimate
from eval import metrics
from eval.comparison import Better, Compared, Comparison, Verdict
from eval.errors import RunError
from eval.metrics.evaluating import clusters_of
from eval.runs import Run
from eval.schema import Case, Undefined
from eval.statistics import Paired, Rows, detectable, holm, mean, needed, paired
from eval.statistics.power import ALPHA

if TYPE_CHECKING:
    from eval.metrics import Metric


def compare(a: Run, b: Run, *, margin: float = 0.02, seed: int = 0) -> Comparison:
    """Compare run b with run a, case by case.

    Raises:
        RunError: They are not of the same suite, or share no case.
    """
    _check(a, b)
    ids = _shared(a, b)
    pairs: dict[str, tuple[Metric, Paired]] = {}
    changed: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    undefined: dict[str, str] = {}
    for metric in (each for each in metrics.of(a.suite) if not each.baseline):
        cases, one, other = _rows(metric, a, b, ids)
        found = paired(one, other, metric.aggregate, clusters_of(cases), seed)
        if isinstance(found, Undefined):
            undefined[metric.name] = found.reason
            continue
        pairs[metric.name] = metric, found
        changed[metric.name] = _changed(metric, cases, one, other)
    return Comparison(
        suite=a.manifest.suite,
        version=a.manifest.version,
        a=str(a.folder),
        b=str(b.folder),
        differs=tuple(a.manifest.differs(b.manifest)),
        n=len(ids),
        left_out=len(_done(a) | _done(b)) - len(ids),
        margin=margin,
        metrics=tuple(_judged(pairs, changed, margin)),
        undefined=undefined,
    )


def crossed(
    *, base: Run, adapter: Run, base_alone: Run, adapter_alone: Run, margin: float = 0.02, seed: int = 0
) -> dict[str, Comparison]:
    """What adapter and retrieval each do, with and without the other.

    Args:
        base: The model without adapter, with retrieval.
        adapter: The model with adapter and retrieval.
        base_alone: Neither adapter nor retrieval.
        adapter_alone: The adapter, without retrieval.
        margin: What is lost by less is no worse.
        seed: Of the resampling.

    Raises:
        RunError: They are not of the same suite.
    """
    effects = {
        "adapter, without retrieval": (base_alone, adapter_alone),
        "adapter, with retrieval": (base, adapter),
        "retrieval, without adapter": (base_alone, base),
        "retrieval, with adapter": (adapter_alone, adapter),
    }
    return {name: compare(*runs, margin=margin, seed=seed) for name, runs in effects.items()}


def verdict(better: Better, difference: Estimate, adjusted_p: float, margin: float) -> Verdict:
    """What a difference means. Interval and test must agree before one is called better or worse."""
    low, high = difference.low, difference.high
    if better == "lower":
        low, high = -high, -low
    if adjusted_p <= ALPHA and (low > 0 or high < 0):
        if better == "neither":
            return "different"
        return "better" if low > 0 else "worse"
    return "no_worse" if better != "neither" and low > -margin else "unclear"


def _check(a: Run, b: Run) -> None:
    for field, what in (("suite", "suite"), ("version", "version of the suite"), ("sha256", "suite file")):
        mine, theirs = getattr(a.manifest, field), getattr(b.manifest, field)
        if mine != theirs:
            reason = f"it measured another {what} ({str(theirs)[:40]}) than {a.folder} ({str(mine)[:40]})"
            remedy = "run both on the same suite, then compare those"
            raise RunError(folder=b.folder, reason=reason, remedy=remedy)


def _done(run: Run) -> set[str]:
    return {each.id for each in run.predictions}


def _shared(a: Run, b: Run) -> list[str]:
    both = _done(a) & _done(b)
    if not both:
        reason = f"it shares no case with {a.folder}"
        remedy = "run both with the same --limit and --seed"
        raise RunError(folder=b.folder, reason=reason, remedy=remedy)
    return [case.id for case in a.suite.cases if case.id in both]


def _rows(metric: Metric, a: Run, b: Run, ids: Sequence[str]) -> tuple[list[Case], Rows, Rows]:
    """Of the cases that take part in both runs."""
    cases = {case.id: case for case in a.suite.cases}
    one, other = ({each.id: each for each in run.predictions} for run in (a, b))
    kept, mine, theirs = [], [], []
    for name in ids:
        case = cases[name]
        left, right = metric.row(case, one[name], a.suite), metric.row(case, other[name], b.suite)
        if left is not None and right is not None:
            kept.append(case)
            mine.append(left)
            theirs.append(right)
    return kept, np.array(mine, dtype=np.float64), np.array(theirs, dtype=np.float64)


def _changed(
    metric: Metric, cases: Sequence[Case], a: Rows, b: Rows
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Ids of the cases that b has better, and worse; none where a metric is not a mean of cases' scores."""
    if metric.aggregate is not mean:
        return (), ()
    gain = (a - b if metric.better == "lower" else b - a)[:, 0]
    won = tuple(case.id for case, more in zip(cases, gain, strict=True) if more > 0)
    lost = tuple(case.id for case, more in zip(cases, gain, strict=True) if more < 0)
    return won, lost


def _judged(
    pairs: Mapping[str, tuple[Metric, Paired]],
    changed: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]],
    margin: float,
) -> Iterator[Compared]:
    # Where no case differs no test can ever tell: such metrics take nothing from the others (Tarone 1990).
    tested = [name for name, (_, found) in pairs.items() if found.disagreement]
    adjusted = dict(zip(tested, holm([pairs[name][1].p for name in tested]), strict=True))
    for name, (metric, found) in pairs.items():
        p = adjusted.get(name, 1.0)
        result = verdict(metric.better, found.difference, p, margin)
        yield Compared(
            metric=name,
            better=metric.better,
            a=found.a,
            b=found.b,
            difference=found.difference,
            p=found.p,
            adjusted_p=p,
            test=found.test,
            verdict=result,
            disagreement=found.disagreement,
            detectable=detectable(found.difference.n, found.variance),
            more=_more(metric.better, found, margin, max(1, len(tested))) if result == "unclear" else None,
            won=changed[name][0],
            lost=changed[name][1],
        )


def _more(better: Better, found: Paired, margin: float, tests: int) -> int | None:
    """Cases still needed for the nearer verdict, if what was seen is what is: a difference, or no loss."""
    n, gap = found.difference.n, found.difference.mean
    ways = [needed(gap, found.variance, tests)] if gap else []
    room = margin + (-gap if better == "lower" else gap)
    if better != "neither" and room > 0:
        ways.append(needed(room, found.variance))
    return max(1, min(ways) - n) if ways else None
