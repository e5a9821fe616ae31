"""Verdicts on claims: scikit-learn's figures, and the words' own beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score, roc_curve

from eval.metrics import evaluating
from eval.metrics.overlap import share
from eval.metrics.verdicts import best_balanced
from eval.schema import Prediction, Suite, Undefined, VerdictCase

ROWS: list[tuple[str, str, str, str, float]] = [
    ("The tower is 330 m high.", "The tower is 330 m high.", "supported", "supported", 1.0),
    ("The tower was opened in 1889.", "It opened in 1889, the tower.", "supported", "partly", 0.6),
    ("Rome has seven hills.", "Seven hills has Rome.", "supported", "supported", 0.9),
    ("The tower is 300 m high.", "The tower is 330 m high.", "unsupported", "contradicted", 0.4),
    ("Rome is old.", "The tower is 330 m high.", "unsupported", "no_source", 0.05),
    ("Rome has seven old hills.", "Rome has seven hills.", "partly", "supported", 0.8),
]


def case(n: int, claim: str, evidence: str, label: Any) -> VerdictCase:
    return VerdictCase(f"v{n}", "en", claim, evidence, label)


def measured(rows: list[tuple[str, str, str, str, float]], error: str = "") -> dict[str, Any]:
    cases = tuple(case(n, *row[:3]) for n, row in enumerate(rows))
    found = [
        Prediction(each.id, "verdict", row[3], confidence=row[4], error=error)
        for each, row in zip(cases, rows, strict=True)
    ]
    return evaluating.measure(Suite("s", 1, "", cases, (), ""), cases, found).metrics


def test_figures_are_scikit_learns() -> None:
    found = measured(ROWS)
    truth = [row[2] == "supported" for row in ROWS]
    assert found["verdict_balanced"].mean == pytest.approx(
        balanced_accuracy_score(truth, [row[3] == "supported" for row in ROWS])
    )
    assert found["verdict_right"].mean == pytest.approx(4 / 6)
    assert found["verdict_auroc"].mean == pytest.approx(roc_auc_score(truth, [row[4] for row in ROWS]))
    shares = [share(row[0], row[1]) for row in ROWS]
    assert found["overlap.verdict_auroc"].mean == pytest.approx(roc_auc_score(truth, shares))
    false, hits, _ = roc_curve(truth, shares)
    assert found["overlap.verdict_balanced"].mean == pytest.approx(((1 + hits - false) / 2).max())


@pytest.mark.parametrize("seed", range(5))
def test_the_best_threshold_does_not_part_equal_scores(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = np.column_stack([rng.integers(0, 4, 40) / 4, rng.integers(0, 2, 40)]).astype(float)
    false, hits, _ = roc_curve(rows[:, 1], rows[:, 0])
    assert best_balanced(rows) == pytest.approx(((1 + hits - false) / 2).max())


def test_a_failure_calls_nothing_supported() -> None:
    found = measured(ROWS, error="gone")
    assert (found["verdict_balanced"].mean, found["verdict_right"].mean) == (0.5, 0.0)


def test_one_kind_alone_has_no_figure() -> None:
    found = measured(ROWS[:3])
    assert isinstance(found["verdict_balanced"], Undefined)
    assert isinstance(found["verdict_auroc"], Undefined)


def test_claims_about_one_passage_are_drawn_together() -> None:
    cases = [case(n, *row[:3]) for n, row in enumerate(ROWS)]
    assert len(set(evaluating.clusters_of(cases))) == 4
