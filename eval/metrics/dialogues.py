"""Is a conversation gone on with as a person does: from its documents, and not where they are silent?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from eval.metrics import answers
from eval.metrics.metric import Metric, Row, mean, of_cases
from eval.metrics.overlap import chrf
from eval.schema import DialogueCase, Prediction, Suite

ANSWERED = ("answerable", "partial")
"""Turns that a person answers; what is underspecified is asked back, which is neither answer nor refusal."""


def metrics() -> list[Metric]:
    """In report order.

    ``refusal_right`` is the share of answerable turns answered and unanswerable ones declined; ``declined``
    is the share declined of all, so that its slices say it by answerability. ``answer_f1`` (token F1) and
    ``answer_chrf`` hold the answer against the person's, over turns that have one or a part of one; a
    declined turn agrees with nothing. A failed turn is wrong, and neither answered nor declined.
    """
    none = "no turn has an answer"
    return [
        _metric("refusal_right", _refusal, "no turn is answerable or unanswerable", binary=True),
        Metric("declined", "dialogue", of_cases(DialogueCase, _declined), mean, "neither", "no turn", True),
        _metric("answer_f1", partial(_agrees, _f1), none),
        _metric("answer_chrf", partial(_agrees, _chrf), none),
    ]


def _metric(
    name: str,
    row: Callable[[DialogueCase, Prediction, Suite], Row | None],
    undefined: str,
    *,
    binary: bool = False,
) -> Metric:
    return Metric(name, "dialogue", of_cases(DialogueCase, row), mean, "higher", undefined, binary)


def _refusal(case: DialogueCase, found: Prediction, suite: Suite) -> Row | None:
    if case.answerability not in ("answerable", "unanswerable"):
        return None
    return (float(not found.error and found.declined == (case.answerability == "unanswerable")),)


def _declined(case: DialogueCase, found: Prediction, suite: Suite) -> Row:
    return (float(found.declined and not found.error),)


def _agrees(
    score: Callable[[DialogueCase, str], float], case: DialogueCase, found: Prediction, suite: Suite
) -> Row | None:
    if case.answerability not in ANSWERED:
        return None
    return (0.0 if found.error else score(case, answers.said(found)),)


def _f1(case: DialogueCase, answer: str) -> float:
    return answers.f1(answer, [case.answer], case.lang)


def _chrf(case: DialogueCase, answer: str) -> float:
    return chrf((case.answer,), answer)
