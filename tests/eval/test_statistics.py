"""Intervals cover, tests keep their level, power says what it can; each against another source where there is one."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats

from assistant.schema import Estimate
from eval.bench import worlds
from eval.bench.statistics import coverage, differences, verdicts
from eval.schema import Undefined
from eval.statistics import Paired, Rows, detectable, estimate, holm, mean, needed, paired


def column(*values: float) -> Rows:
    return np.array(values, dtype=np.float64)[:, None]


def shares(ones: int, n: int) -> Rows:
    return column(*[1] * ones, *[0] * (n - ones))


def middle(rows: Rows) -> float:
    """A metric that has no fast way."""
    return float(rows.mean()) if len(rows) else math.nan


@pytest.mark.parametrize(("ones", "n"), [(6, 60), (30, 60), (60, 60), (0, 60), (1, 1), (180, 200)])
def test_a_share_has_scipys_wilson_interval(ones: int, n: int) -> None:
    expected = stats.binomtest(ones, n).proportion_ci(method="wilson")
    found = estimate(shares(ones, n), mean)
    assert isinstance(found, Estimate)
    assert (found.mean, found.n) == (ones / n, n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_cases_of_one_document_that_agree_are_worth_one() -> None:
    documents = [str(i // 5) for i in range(60)]
    alike = column(*[float(i // 5 % 2) for i in range(60)])
    together, apart = estimate(alike, mean, documents), estimate(alike, mean)
    twelve = estimate(alike[::5], mean)
    assert isinstance(together, Estimate)
    assert isinstance(apart, Estimate)
    assert isinstance(twelve, Estimate)
    assert together.high - together.low > twelve.high - twelve.low > 1.9 * (apart.high - apart.low)


def test_documents_all_right_are_worth_their_number() -> None:
    found = estimate(shares(60, 60), mean, [str(i // 5) for i in range(60)])
    assert isinstance(found, Estimate)
    assert found.low == pytest.approx(stats.binomtest(12, 12).proportion_ci(method="wilson").low)
    assert found.high == 1.0


def test_one_document_for_all_is_drawn_by_case() -> None:
    rows = worlds.f1(np.random.default_rng(0).random((40, 1)))
    assert estimate(rows, mean, ["d"] * 40) == estimate(rows, mean)


def test_the_bootstrap_is_scipys_bca_but_wider_for_few_cases() -> None:
    rows = np.random.default_rng(3).exponential(size=(200, 1))
    found = estimate(rows, mean, resamples=20_000)
    theirs = stats.bootstrap(
        (rows[:, 0],), np.mean, n_resamples=20_000, method="BCa", rng=0
    ).confidence_interval
    assert isinstance(found, Estimate)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=0.02)
    few = rows[:8]
    found = estimate(few, mean)
    theirs = stats.bootstrap(
        (few[:, 0],), np.mean, n_resamples=9_999, method="BCa", rng=0
    ).confidence_interval
    assert isinstance(found, Estimate)
    assert found.high - found.low > 1.15 * (theirs.high - theirs.low)


@pytest.mark.parametrize("clusters", [None, [str(i // 4) for i in range(60)]])
def test_the_fast_way_of_means_is_the_slow_one(clusters: list[str] | None) -> None:
    rows = worlds.f1(np.random.default_rng(1).random((60, 1)))
    other = worlds.f1(np.random.default_rng(2).random((60, 1)))
    fast, slow = estimate(rows, mean, clusters), estimate(rows, middle, clusters)
    assert isinstance(fast, Estimate)
    assert isinstance(slow, Estimate)
    assert (fast.low, fast.high) == pytest.approx((slow.low, slow.high), abs=0.015)
    quick, long = paired(rows, other, mean, clusters), paired(rows, other, middle, clusters)
    assert isinstance(quick, Paired)
    assert isinstance(long, Paired)
    assert quick.p == pytest.approx(long.p, abs=0.05)
    assert (quick.difference.low, quick.difference.high) == pytest.approx(
        (long.difference.low, long.difference.high), abs=0.02
    )


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    rows = worlds.f1(np.random.default_rng(1).random((60, 1)))
    assert estimate(rows, mean, seed=5) == estimate(rows, mean, seed=5) != estimate(rows, mean, seed=6)
    assert paired(rows, rows[::-1], mean, seed=5) == paired(rows, rows[::-1], mean, seed=5)


@pytest.mark.parametrize(
    ("rows", "reason", "n"),
    [
        (np.zeros((0, 1)), "no case", 0),
        (column(0.4), "one case", 1),
        (np.array([[1.0, 0.3], [1.0, 0.4]]), "not defined", 2),
        (np.array([[1.0, 0.5], *[[0.0, i / 9] for i in range(9)]]), "hangs on one case", 10),
    ],
)
def test_what_has_no_value_says_why(rows: Rows, reason: str, n: int) -> None:
    found = estimate(rows, worlds.auroc if rows.shape[1] == 2 else mean)
    assert isinstance(found, Undefined)
    assert reason in found.reason
    assert found.n == n


def test_a_perfect_score_of_any_metric_leaves_room() -> None:
    rows = np.array([[i % 3, i % 3] for i in range(30)], dtype=np.float64)
    found = estimate(rows, worlds.macro_f1)
    assert isinstance(found, Estimate)
    assert (found.mean, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(stats.binomtest(30, 30).proportion_ci(method="wilson").low)


@pytest.mark.parametrize(("won", "lost"), [(9, 2), (5, 5), (0, 6), (0, 0)])
def test_zeros_and_ones_are_tested_by_exact_mcnemar(won: int, lost: int) -> None:
    a, b = shares(lost, 60), column(*[0] * lost, *[1] * won, *[0] * (60 - won - lost))
    found = paired(a, b, mean)
    assert isinstance(found, Paired)
    assert found.test == "mcnemar"
    assert found.p == (stats.binomtest(won, won + lost).pvalue if won + lost else 1.0)
    assert found.difference.mean == pytest.approx((won - lost) / 60)
    assert found.difference.low < found.difference.mean < found.difference.high
    assert found.disagreement == pytest.approx((won + lost) / 60)


def test_the_permutation_is_scipys() -> None:
    rng = np.random.default_rng(8)
    a = worlds.f1(rng.random((30, 1)))
    b = np.clip(a + rng.normal(0.1, 0.3, (30, 1)), 0, 1)
    found = paired(a, b, mean, resamples=20_000)
    theirs = stats.permutation_test(
        (a[:, 0], b[:, 0]), lambda x, y: np.mean(y - x), permutation_type="samples", n_resamples=20_000, rng=1
    )
    assert isinstance(found, Paired)
    assert found.test == "permutation"
    assert found.p == pytest.approx(theirs.pvalue, abs=0.01)


def test_a_difference_within_one_document_is_none() -> None:
    documents = ["easy"] * 10 + [str(i) for i in range(10)]
    a, b = shares(0, 20), column(*[1] * 10, *[0] * 10)
    by_case, by_document = paired(a, b, mean), paired(a, b, mean, documents)
    assert isinstance(by_case, Paired)
    assert isinstance(by_document, Paired)
    assert by_case.p < 0.01
    assert by_document.p == 1.0
    assert by_document.difference.low <= 0


@pytest.mark.parametrize("clusters", [None, [str(i // 4) for i in range(20)]])
@pytest.mark.parametrize("aggregate", [mean, middle])
def test_no_case_apart_is_no_proof_that_none_would_be(
    aggregate: worlds.Aggregate, clusters: list[str] | None
) -> None:
    same = worlds.f1(np.random.default_rng(4).random((20, 1)))
    found = paired(same, same, aggregate, clusters)
    assert isinstance(found, Paired)
    assert (found.p, found.disagreement) == (1.0, 0.0)
    assert found.difference.low == -found.difference.high < -0.1


def test_unlike_scales_pair_over_what_is_defined() -> None:
    found = paired(np.zeros((0, 1)), np.zeros((0, 1)), mean)
    assert isinstance(found, Undefined)
    same = np.array([[1.0, 0.1], [1.0, 0.2]])
    assert isinstance(paired(same, same, worlds.auroc), Undefined)


@pytest.mark.parametrize(
    ("ps", "adjusted"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),  # worked by hand
        ([0.6, 0.9], [1.0, 1.0]),
        ([0.04], [0.04]),
        ([], []),
    ],
)
def test_holm(ps: list[float], adjusted: list[float]) -> None:
    assert holm(ps) == pytest.approx(adjusted)


def test_sixty_cases_of_which_a_fifth_differ_show_sixteen_points() -> None:
    assert detectable(60, 0.2) == pytest.approx(0.16, abs=0.005)


def test_what_is_needed_shows_what_was_to_be_shown() -> None:
    assert detectable(needed(0.05, 0.2), 0.2) <= 0.05 < detectable(needed(0.05, 0.2) - 1, 0.2)
    assert needed(0.05, 0.2, tests=8) > needed(0.05, 0.2) == needed(-0.05, 0.2)


def test_the_power_is_four_in_five() -> None:
    n, rng = needed(0.1, 0.3**2), np.random.default_rng(0)
    found = rng.normal(0.1, 0.3, size=(20_000, n)).mean(axis=1) * math.sqrt(n) / 0.3
    assert np.mean(np.abs(found) > NormalDist().inv_cdf(0.975)) == pytest.approx(0.8, abs=0.02)


# What follows draws simulated suites; `python -m eval.bench.statistics` does the same with 1,000 of each. The bars
# leave room for the luck of few trials.

QUICK = [i for i, world in enumerate(worlds.singles()) if world.aggregate is mean]


@pytest.mark.parametrize(
    "number", QUICK, ids=lambda i: f"{worlds.singles()[i].name}, {worlds.singles()[i].n}"
)
def test_intervals_cover_the_truth(number: int) -> None:
    assert 0.91 <= coverage(number, 300)[0].value <= 0.99


QUICK_PAIRS = [i for i, world in enumerate(worlds.pairs()) if world.aggregate is mean]


@pytest.mark.parametrize(
    "number", QUICK_PAIRS, ids=lambda i: f"{worlds.pairs()[i].name}, {worlds.pairs()[i].n}"
)
def test_differences_are_covered_and_equals_are_equal(number: int) -> None:
    covered, called = differences(number, 200)
    assert 0.9 <= covered.value <= 0.99
    assert worlds.pairs()[number].truth != 0 or called.value <= 0.08


@pytest.mark.parametrize("kind", ["better", "equal", "worse"])
def test_planted_models_get_the_right_verdicts(kind: str) -> None:
    assert all(row.passed for row in verdicts(kind, 40))
