"""Are plain questions met: answered, corrected, declined or greeted, each as its kind asks?"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Literal

from eval.metrics.metric import Metric, Row, mean, of_cases, ratio
from eval.metrics.normal_form import occurs
from eval.schema import PlainCase, Prediction, Suite

Outcome = Literal["right", "wrong", "declined", "missing"]

TO_DECLINE = ("nearmiss", "other")
"""Kinds of questions that the documents do not answer."""
FREE = ("smalltalk", "task")
"""Kinds that any answer meets; a title is asked of some."""
_ROW = re.compile(r"[^,]+(?:,\S[^,]*){2,}")
"""A line of a CSV file: at least two commas, and no blank behind any. Documents show its cells, not it."""


def metrics() -> list[Metric]:
    """In report order.

    ``handled`` is the share of all questions that were met as their kind asks, so that its slices by kind are
    the score of each; ``right_answers`` and ``declined_answerable`` are shares of the questions that the
    documents answer, ``wrong_answers`` of the answers given (small talk and tasks apart).
    ``evidence_shown`` is the share of answerable questions whose evidence stands in one of the passages shown
    with the answer. A failed case is met by nothing and is no answer.
    """
    right, declined = partial(_answerable, "right"), partial(_answerable, "declined")
    none = "no question has an answer in the documents"
    return [
        _metric("handled", _handled, "no question"),
        _metric("right_answers", right, none),
        _metric("declined_answerable", declined, none, "lower"),
        Metric(
            "wrong_answers", "plain", of_cases(PlainCase, _wrong), ratio, "lower", "no question was answered"
        ),
        _metric("evidence_shown", _evidence, "no question names its evidence"),
    ]


def outcome(case: PlainCase, found: Prediction) -> Outcome:
    """What became of a question.

    An answerable one is right where a string of ``must`` occurs in the answer, one of each group of ``all``,
    and none of ``must_not``. One that the documents do not answer is right where it is declined. A false
    premise may be declined or corrected in the words of ``must``. Small talk and tasks want some answer, with
    a string of ``must`` where there are any.
    """
    if found.error:
        return "missing"
    if case.kind in TO_DECLINE:
        return "right" if found.declined else "wrong"
    if case.kind == "premise":
        return "right" if found.declined or meets(case, found.output) else "wrong"
    if found.declined:
        return "declined"
    if case.kind in FREE:
        named = case.kind == "task" or not case.must or _names(case, found.output)
        return "right" if found.output.strip() and named else "wrong"
    return "right" if meets(case, found.output) else "wrong"


def _names(case: PlainCase, answer: str) -> bool:
    groups = (case.must, *case.all)
    return all(any(occurs(wanted, answer) for wanted in group) for group in groups)


def meets(case: PlainCase, answer: str) -> bool:
    """Whether an answer that was given is right: it holds what it must, and nothing that it must not."""
    return _names(case, answer) and not any(occurs(wrong, answer) for wrong in case.must_not)


_Score = Callable[[PlainCase, Prediction, Suite], Row | None]


def _metric(name: str, row: _Score, undefined: str, better: Literal["higher", "lower"] = "higher") -> Metric:
    return Metric(name, "plain", of_cases(PlainCase, row), mean, better, undefined, binary=True)


def _handled(case: PlainCase, found: Prediction, suite: Suite) -> Row:
    return (float(outcome(case, found) == "right"),)


def _answerable(wanted: Outcome, case: PlainCase, found: Prediction, suite: Suite) -> Row | None:
    return (float(outcome(case, found) == wanted),) if case.answerable else None


def _wrong(case: PlainCase, found: Prediction, suite: Suite) -> Row:
    answered = case.kind not in FREE and not found.error and not found.declined
    return (float(answered and outcome(case, found) == "wrong"), float(answered))


def _evidence(case: PlainCase, found: Prediction, suite: Suite) -> Row | None:
    if not case.answerable or not case.evidence:
        return None
    parts = case.evidence.split(",") if _ROW.fullmatch(case.evidence) else [case.evidence]
    return (float(any(all(occurs(part, text) for part in parts) for text in found.passages)),)
