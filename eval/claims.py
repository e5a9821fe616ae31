"""Fit how a reader's judgement of a sentence counts beside the check of words: a calibration's ``verdict``.

Each claim is judged as serving judges it. Half of the passages fit weights and threshold and the other half
measures them; then all fit those of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assistant.errors import BadRequestError
from assistant.evidence import verdicts
from assistant.evidence.judging import VerdictWeights
from assistant.evidence.verdicts import Check
from assistant.tools.reader import Reader
from eval.metrics.verdicts import balanced
from eval.schema import VerdictCase
from eval.weighing import Progress, halves

_LEAST = 20
"""Claims of each kind without which nothing is fitted."""
_SIGNS = ("judged", "overlap", "fact", "flipped")


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim with what the reader and the check say of it."""

    supported: bool
    source: str
    """What it is split by: its passage."""
    log_odds: float
    check: Check


def judge(reader: Reader, cases: Sequence[VerdictCase], progress: Progress) -> list[Judged]:
    """Judge every claim.

    Raises:
        BadRequestError: Too few supported or other claims.
    """
    for supported in (True, False):
        count = sum((case.label == "supported") is supported for case in cases)
        if count < _LEAST:
            value = f"{count} {'supported' if supported else 'other'} claims"
            raise BadRequestError(field="cases", value=value, remedy=f"give {_LEAST} of each kind or more")
    found = []
    for done, case in enumerate(cases):
        progress(f"{done} of {len(cases)}", done / len(cases))
        (log_odds,) = reader.judge([case.claim], [case.evidence])
        check = verdicts.examine(case.claim, [case.evidence])
        found.append(Judged(case.label == "supported", case.evidence, log_odds, check))
    return found


def fit(judged: Sequence[Judged], seed: int = 0) -> tuple[VerdictWeights, dict[str, float | int | str]]:
    """Fit on half of the passages, measure on the other, then fit on all.

    Returns:
        The weights, and balanced accuracy on the held-out half with how many claims that were.
    """
    fitted, held = halves(judged, seed)
    measured = _fitted(fitted)
    rows = np.array(
        [(measured.probability(j.log_odds, j.check) >= measured.threshold, j.supported) for j in held]
    )
    found: dict[str, float | int | str] = {
        "verdicts": len(judged),
        "verdict_held_out": len(held),
        "verdict_balanced": round(balanced(rows), 4),
    }
    return _fitted(judged), found


def _fitted(judged: Sequence[Judged]) -> VerdictWeights:
    """A logistic with both kinds weighing the same, and the threshold with the best balanced accuracy."""
    from sklearn.linear_model import LogisticRegression

    rows = np.array([_signs(one) for one in judged])
    wanted = np.array([one.supported for one in judged])
    scale = np.where((spread := rows.std(0)) > 0, spread, 1.0)
    model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=1000).fit(rows / scale, wanted)
    slopes = {
        name: round(float(slope), 4) for name, slope in zip(_SIGNS, model.coef_[0] / scale, strict=True)
    }
    weights = VerdictWeights(bias=round(float(model.intercept_[0]), 4), **slopes)
    sure = np.array([weights.probability(one.log_odds, one.check) for one in judged])
    best = max(
        np.linspace(0.2, 0.8, 61),
        key=lambda at: (balanced(np.column_stack([sure >= at, wanted])), -abs(at - 0.5)),
    )
    return weights.model_copy(update={"threshold": round(float(best), 4)})


def _signs(one: Judged) -> list[float]:
    """Each sign as `VerdictWeights` counts it, by its own arithmetic."""
    return [_sign(name, one) for name in _SIGNS]


def _sign(name: str, one: Judged) -> float:
    alone = VerdictWeights(**{**dict.fromkeys(_SIGNS, 0.0), name: 1.0})
    return alone.score(one.log_odds, one.check)
