"""Rewritten questions beside a person's, and beside two rules on the same rows."""

from __future__ import annotations

from typing import Any

import pytest
import sacrebleu

from eval.metrics import evaluating
from eval.schema import Prediction, RewriteCase, Suite

FOLLOWUP = RewriteCase(
    "r0", "en", "and for dogs?", "What is the fee for dogs?", ("What is the fee for cats?",)
)
ALONE = RewriteCase(
    "r1", "en", "Who runs the library?", "who runs the library", ("When does it open?", "And close?")
)
OPENING = RewriteCase("r2", "en", "When does it open?", "When does the library open?")


def measured(*outputs: str, error: str = "") -> dict[str, Any]:
    cases = (FOLLOWUP, ALONE, OPENING)
    found = [
        Prediction(case.id, "rewrite", output, error=error)
        for case, output in zip(cases, outputs, strict=True)
    ]
    return evaluating.measure(Suite("s", 1, "", cases, (), ""), cases, found).metrics


def chrf(text: str, reference: str) -> float:
    return float(sacrebleu.sentence_chrf(text, [reference]).score / 100)


def test_the_rewriting_stands_beside_the_rules() -> None:
    found = measured(FOLLOWUP.standalone, ALONE.question, OPENING.question)
    alone = [chrf(each.question, each.standalone) for each in (FOLLOWUP, ALONE, OPENING)]
    strung = [
        chrf("What is the fee for cats? and for dogs?", FOLLOWUP.standalone),
        chrf("And close? Who runs the library?", ALONE.standalone),
        alone[2],
    ]
    own = [1.0, *alone[1:]]
    assert found["rewrite_chrf"].mean == pytest.approx(sum(own) / 3)
    assert found["last1.rewrite_chrf"].mean == pytest.approx(sum(alone) / 3)
    assert found["last2.rewrite_chrf"].mean == pytest.approx(sum(strung) / 3)
    assert found["gain_last1"].mean == pytest.approx((1 - alone[0]) / 3)
    assert found["gain_last2"].mean == pytest.approx((sum(own) - sum(strung)) / 3)


@pytest.mark.parametrize(
    ("output", "share"),
    [("Who runs the library?", 1.0), ("who runs the library", 1.0), ("Who runs the city library?", 0.0)],
)
def test_a_question_that_stands_alone_is_left_alone(output: str, share: float) -> None:
    found = measured("x", output, "x")["unchanged_share"]
    assert (found.mean, found.n) == (share, 1)


def test_a_failure_agrees_with_nothing() -> None:
    found = measured(FOLLOWUP.standalone, ALONE.question, OPENING.standalone, error="gone")
    assert (found["rewrite_chrf"].mean, found["unchanged_share"].mean) == (0.0, 0.0)
    assert found["last1.rewrite_chrf"].mean > 0


def test_questions_of_one_conversation_are_drawn_together() -> None:
    assert len(set(evaluating.clusters_of([ALONE, OPENING, FOLLOWUP]))) == 2
