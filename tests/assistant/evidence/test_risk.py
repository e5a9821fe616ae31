"""The threshold at which wrong answers are few enough: counted, and proved."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.evidence import risk
from assistant.evidence.risk import Outcome


def answers(right: int, wrong: int, confidence: float) -> list[Outcome]:
    return [Outcome(confidence, n < right, answerable=True) for n in range(right + wrong)]


def test_the_bound_is_that_of_clopper_and_pearson() -> None:
    # Of 50 without a failure the 90 % bound is 1 - .1 ** (1 / 50); of 2 in 20 tables have .2448.
    assert risk.upper(0, 50) == pytest.approx(1 - 0.1 ** (1 / 50))
    assert risk.upper(2, 20) == pytest.approx(0.2448, abs=1e-4)
    assert risk.upper(3, 3) == 1.0


def test_the_fewest_answers_that_prove_a_rate() -> None:
    assert risk.fewest(0.1) == 22
    assert risk.upper(0, 22) <= 0.1 < risk.upper(0, 21)


def test_the_curve_counts_what_a_threshold_gives() -> None:
    outcomes = [
        Outcome(0.9, True, True), Outcome(0.8, False, False), Outcome(0.8, True, True), Outcome(0.0, False, True),
    ]  # fmt: skip
    first, second = risk.curve(outcomes)
    assert (first.threshold, first.coverage, first.wrong, first.given) == (0.9, pytest.approx(1 / 3), 0.0, 1)
    assert (second.threshold, second.coverage, second.given) == (0.8, pytest.approx(2 / 3), 3)
    assert second.wrong == pytest.approx(1 / 3)


def test_the_lowest_threshold_that_is_proved_is_taken() -> None:
    outcomes = answers(60, 0, 0.9) + answers(38, 2, 0.7) + answers(10, 30, 0.4)
    found = risk.controlled(risk.curve(outcomes), 0.1)
    assert found is not None
    assert found.threshold == 0.7


def test_one_that_fails_ends_the_walk() -> None:
    """What lies below a threshold that failed is not tried: it could only hold by luck."""
    outcomes = answers(20, 10, 0.9) + answers(500, 0, 0.5)
    assert risk.controlled(risk.curve(outcomes), 0.1) is None


def test_too_few_prove_nothing() -> None:
    assert risk.controlled(risk.curve(answers(21, 0, 0.9)), 0.1) is None
    assert risk.controlled(risk.curve(answers(22, 0, 0.9)), 0.1) is not None
    assert risk.controlled([], 0.1) is None


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.8]), st.booleans(), st.booleans()), max_size=80))
def test_a_curve_is_in_order_and_its_bounds_above_what_was_counted(
    rows: list[tuple[float, bool, bool]],
) -> None:
    points = risk.curve([Outcome(confidence, right and able, able) for confidence, right, able in rows])
    assert [point.threshold for point in points] == sorted({c for c, _, _ in rows if c}, reverse=True)
    assert all(point.wrong <= point.bound <= 1.0 for point in points)
    assert all(0.0 <= point.coverage <= 1.0 for point in points)
    assert [point.coverage for point in points] == sorted(point.coverage for point in points)


def test_realised_risk_keeps_to_alpha_nine_times_in_ten() -> None:
    """Draws from a population whose risk at each threshold is known: the one chosen is rarely worse than alpha."""
    draw, broken, tries = random.Random(1), 0, 200
    for _ in range(tries):
        outcomes = []
        for _ in range(150):
            sure = draw.random()
            outcomes.append(Outcome(max(sure, 1e-6), draw.random() < sure, answerable=True))
        found = risk.controlled(risk.curve(outcomes), 0.2)
        # Above a threshold t answers are right with probability (1 + t) / 2 in the mean.
        broken += found is not None and (1 - found.threshold) / 2 > 0.2
    assert broken <= 0.1 * tries
