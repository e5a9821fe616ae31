"""Do 95 % intervals cover the truth, are equals called different, are the better ones found?

``python -m eval.bench.statistics`` draws 1,000 suites from each of `eval.bench.worlds`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from assistant.schema import Estimate
from eval.bench.results import Row, save
from eval.bench.worlds import PairedWorld, World, eight, pairs, singles
from eval.comparing import verdict
from eval.statistics import Paired, Rows, estimate, holm, mean, paired

TRIALS = 1_000
MARGIN = 0.05
PLANTED = {"better": 0.15, "equal": 0.0, "worse": -0.15}
"""What is added to a share of right answers of 0.6, in each of eight metrics."""


def main() -> None:
    """Measure and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=TRIALS, help="suites drawn from each world")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    options = parser.parse_args()
    jobs = [partial(coverage, i) for i in range(len(singles()))]
    jobs += [partial(differences, i) for i in range(len(pairs()))]
    jobs += [partial(verdicts, kind) for kind in PLANTED]
    with ProcessPoolExecutor(options.workers) as pool:
        found = [pool.submit(job, options.trials) for job in jobs]
        save("statistics", summed([row for each in found for row in each.result()]))


def summed(rows: list[Row]) -> list[Row]:
    """The rows, after the least and the most that any kind of interval covers."""
    covered = [row for row in rows if row.name.startswith("covered")]
    least, most = (end(covered, key=lambda row: row.value) for end in (min, max))
    return [
        Row("covered least", least.value, "", ">= 0.93", least.name, least.n),
        Row("covered most", most.value, "", "<= 0.97", most.name, most.n),
        *rows,
    ]


def coverage(number: int, trials: int) -> list[Row]:
    """How often the interval of a single metric covers the truth, and how wide it is."""
    world = singles()[number]
    rng = np.random.default_rng(number)
    found = [_estimate(world, rng, seed) for seed in range(trials)]
    return list(_covered(f"{world.name}, n = {world.n}", found, world.truth))


def differences(number: int, trials: int) -> list[Row]:
    """The same of a difference; and, between equals, how often the test finds one."""
    world = pairs()[number]
    rng = np.random.default_rng(number)
    found = [_paired(world, rng, seed) for seed in range(trials)]
    name = f"{world.name}, n = {world.n}"
    rows = list(_covered(f"difference of {name}", [each.difference for each in found], world.truth))
    called = [verdict("higher", each.difference, each.p, MARGIN) in ("better", "worse") for each in found]
    target = "<= 0.05" if world.truth == 0 else ""
    told = Row(f"called different: {name}", _share(called), target=target, beside=found[0].test, n=trials)
    return [*rows, told]


def verdicts(kind: str, trials: int, n: int = 200) -> list[Row]:
    """Verdicts on eight metrics of two subjects, with Holm over them."""
    rng = np.random.default_rng(len(kind))
    trial = [_judged(eight(rng, n, PLANTED[kind]), seed) for seed in range(trials)]
    name = f"eight metrics, {PLANTED[kind]:+g}, n = {n}"
    if kind == "equal":
        called = _share([{"better", "worse"} & set(each) for each in trial])
        return [Row(f"any called different: {name}", called, "", "<= 0.05", "Holm", trials)]
    other = "worse" if kind == "better" else "better"
    right = float(np.mean([each.count(kind) / len(each) for each in trial]))
    wrong = _share([other in each for each in trial])
    return [
        Row(f"called {kind}, share of metrics: {name}", right, "", ">= 0.8", "Holm", trials),
        Row(f"any called {other}: {name}", wrong, "", "<= 0.001", "Holm", trials),
    ]


def _judged(metrics: Sequence[tuple[Rows, Rows]], seed: int) -> list[str]:
    found = [_defined(paired(a, b, mean, seed=seed)) for a, b in metrics]
    adjusted = holm([each.p for each in found])
    return [verdict("higher", each.difference, p, MARGIN) for each, p in zip(found, adjusted, strict=True)]


def _estimate(world: World, rng: np.random.Generator, seed: int) -> Estimate:
    rows, clusters = world.draw(rng)
    found = estimate(rows, world.aggregate, clusters, seed)
    assert isinstance(found, Estimate)
    return found


def _paired(world: PairedWorld, rng: np.random.Generator, seed: int) -> Paired:
    a, b, clusters = world.draw(rng)
    return _defined(paired(a, b, world.aggregate, clusters, seed))


def _defined(found: object) -> Paired:
    assert isinstance(found, Paired)
    return found


def _covered(name: str, found: Sequence[Estimate], truth: float) -> Iterator[Row]:
    share = _share([each.low <= truth <= each.high for each in found])
    width = float(np.mean([each.high - each.low for each in found]))
    beside = f"intervals {width:.3f} wide"
    yield Row(f"covered: {name}", share, target=">= 0.93", beside=beside, n=len(found))


def _share(found: Sequence[object]) -> float:
    return float(np.mean([bool(each) for each in found]))


if __name__ == "__main__":
    main()
