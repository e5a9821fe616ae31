"""Sentiment figures: by hand, and as scikit-learn has them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, brier_score_loss, f1_score

from assistant.schema import LABELS, Estimate, Label
from eval.metrics import evaluating, scores
from eval.metrics.sentiment import ece, macro_f1
from eval.schema import Prediction, SentimentCase, Suite

LABEL = st.sampled_from(LABELS)
SHARES = st.lists(st.floats(0.01, 1), min_size=3, max_size=3).map(
    lambda each: tuple(x / sum(each) for x in each)
)


def suite(truths: list[Label]) -> Suite:
    cases = tuple(
        SentimentCase(str(i), "zh" if i % 2 else "en", "不错 fine", label) for i, label in enumerate(truths)
    )
    return Suite("s", 1, "", cases, (), "")


def values(truths: list[Label], found: list[Prediction]) -> dict[str, float]:
    made = suite(truths)
    measured = evaluating.measure(made, made.cases, found).metrics
    return {name: value.mean for name, value in measured.items() if isinstance(value, Estimate)}


def test_four_texts_by_hand() -> None:
    found = [
        Prediction("0", "sentiment", "positive", probabilities=(0.1, 0.1, 0.8)),
        Prediction("1", "sentiment", "positive", probabilities=(0.2, 0.2, 0.6)),
        Prediction("2", "sentiment", "neutral", probabilities=(0.0, 1.0, 0.0)),
        Prediction("3", "sentiment", "", error="out of memory"),
    ]
    got = values(["positive", "negative", "neutral", "negative"], found)
    assert got["accuracy"] == 0.5
    # positive 2·1/(1+2), neutral 1, negative 0: the failed one has no label.
    assert got["macro_f1"] == pytest.approx((2 / 3 + 1 + 0) / 3, abs=1e-12)
    assert got["brier"] == pytest.approx((0.06 + (0.64 + 0.04 + 0.36) + 0) / 3, abs=1e-12)
    assert got["ece"] == pytest.approx((0.2 + 0.6 + 0) / 3, abs=1e-12)
    assert got["accuracy[lang=zh]"] == 0.0


@given(st.lists(st.tuples(LABEL, SHARES), min_size=2, max_size=40))
def test_as_scikit_learn_has_them(drawn: list[tuple[Label, tuple[float, ...]]]) -> None:
    truths = [truth for truth, _ in drawn]
    said = [LABELS[int(np.argmax(shares))] for _, shares in drawn]
    found = [
        Prediction(str(i), "sentiment", said[i], probabilities=shares) for i, (_, shares) in enumerate(drawn)
    ]
    made = suite(truths)
    each = [scores(case, one, made) for case, one in zip(made.cases, found, strict=True)]
    assert np.mean([one["accuracy"] for one in each]) == pytest.approx(accuracy_score(truths, said), abs=1e-9)
    brier = brier_score_loss(truths, [shares for _, shares in drawn], labels=[*LABELS])
    assert np.mean([one["brier"] for one in each]) == pytest.approx(brier, abs=1e-9)
    rows = np.array([[LABELS.index(a), LABELS.index(b)] for a, b in zip(truths, said, strict=True)], float)
    there = sorted(set(truths))
    expected = f1_score(truths, said, labels=there, average="macro", zero_division=0)
    assert macro_f1(rows) == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_calibration_error_by_its_published_formula(drawn: list[tuple[float, bool]]) -> None:
    rows = np.array(drawn, dtype=float)
    expected = 0.0
    for number in range(10):
        inside = [row for row in drawn if min(int(row[0] * 10), 9) == number]
        if inside:
            gap = np.mean([right for _, right in inside]) - np.mean([sure for sure, _ in inside])
            expected += len(inside) / len(drawn) * abs(gap)
    assert ece(rows) == pytest.approx(expected, abs=1e-9)
