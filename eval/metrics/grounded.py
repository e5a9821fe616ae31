"""Are questions answered from the documents, cited where the answer stands, and else declined?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from assistant.schema import Verdict
from eval.metrics import answers
from eval.metrics.metric import Metric, Row, mean, of_cases, ratio
from eval.schema import GroundedCase, Prediction, Suite
from eval.statistics import Aggregate, Rows

_NO_ANSWERABLE = "no question has an answer"
_CONFIDENCE = "not every answer has a confidence (only answers from documents do)"


def metrics() -> list[Metric]:
    """In report order.

    ``em`` and ``f1`` follow SQuAD 2.0; a question without an answer scores 1 where it is declined. An answer
    is a sentence, so that its F1 against a short phrase is low by nature: ``contains_answer`` says how often
    the phrase is in it. Refusing is the positive class: right where the documents have no answer. A failed
    case is wrong, and neither answered nor declined; it has no confidence and is left out of
    ``refusal_auroc`` and ``aurc``.

    A citation is right where its passage is one of the case's own that holds a right answer (any of its own,
    where none holds it word for word); of an unanswerable question none is. ``citation_precision`` counts
    citations, ``citation_recall`` answered cases that have an answer. ``supported_share`` is the mean, over
    answered cases, of the share of their sentences that are supported.
    """
    return [
        _metric("em", _em, "no question", binary=True),
        _metric("f1", _f1, "no question"),
        _metric("f1_answerable", _answerable(_f1), _NO_ANSWERABLE),
        _metric("em_answerable", _answerable(_em), _NO_ANSWERABLE, binary=True),
        _metric("contains_answer", _answerable(_contains), _NO_ANSWERABLE, binary=True),
        _metric("refusal_precision", _refused_rightly, "no question was declined", ratio),
        _metric("refusal_recall", _refused, "every question has an answer", binary=True),
        _metric("refusal_f1", _refusal_f1, "no question was declined and every one has an answer", ratio),
        _metric(
            "refusal_auroc", _asked, f"{_CONFIDENCE}, or the questions all have an answer, or none has", auroc
        ),
        _metric("aurc", _risk, _CONFIDENCE, aurc, better="lower"),
        _metric("citation_precision", _citations, "nothing was cited", ratio),
        _metric("citation_recall", _cited, "no question with an answer was answered", ratio),
        _metric("supported_share", _supported, "no answer has sentences checked against documents", ratio),
    ]


def auroc(rows: Rows) -> float:
    """Area under the ROC curve of 1 - confidence for declining. Rows are (confidence, unanswerable)."""
    from scipy.stats import rankdata

    positive = rows[:, 1] == 1
    n, others = int(positive.sum()), int((~positive).sum())
    if not n or not others or np.isnan(rows).any():
        return float("nan")
    return float((rankdata(1 - rows[:, 0])[positive].sum() - n * (n + 1) / 2) / (n * others))


def aurc(rows: Rows) -> float:
    """Area under the risk-coverage curve. Rows are (confidence, risk); ties share their mean risk."""
    if not len(rows) or np.isnan(rows).any():
        return float("nan")
    _, place = np.unique(-rows[:, 0], return_inverse=True)
    mean_risk = np.bincount(place, rows[:, 1]) / np.bincount(place)
    risk = mean_risk[np.sort(place)]
    return float((np.cumsum(risk) / np.arange(1, len(risk) + 1)).mean())


_Score = Callable[[GroundedCase, Prediction, Suite], Row | None]


def _metric(
    name: str,
    row: _Score,
    undefined: str,
    aggregate: Aggregate = mean,
    *,
    better: Literal["higher", "lower"] = "higher",
    binary: bool = False,
) -> Metric:
    return Metric(
        name, "grounded", of_cases(GroundedCase, row), aggregate, better, undefined, binary
    )  # fmt: skip


def _answerable(row: _Score) -> _Score:
    return lambda case, found, suite: row(case, found, suite) if case.answerable else None


def _right(case: GroundedCase) -> tuple[str, ...]:
    return case.answers if case.answerable else ()


def _em(case: GroundedCase, found: Prediction, suite: Suite) -> Row:
    return (0.0,) if found.error else (answers.exact(answers.said(found), _right(case), case.lang),)


def _f1(case: GroundedCase, found: Prediction, suite: Suite) -> Row:
    return (0.0,) if found.error else (answers.f1(answers.said(found), _right(case), case.lang),)


def _contains(case: GroundedCase, found: Prediction, suite: Suite) -> Row:
    return (float(not found.error and answers.holds(answers.said(found), case.answers, case.lang)),)


def _declined(found: Prediction) -> bool:
    return found.declined and not found.error


def _answered(found: Prediction) -> bool:
    return not found.declined and not found.error


def _refused_rightly(case: GroundedCase, found: Prediction, suite: Suite) -> Row:
    return (float(_declined(found) and not case.answerable), float(_declined(found)))


def _refused(case: GroundedCase, found: Prediction, suite: Suite) -> Row | None:
    return None if case.answerable else (float(_declined(found)),)


def _refusal_f1(case: GroundedCase, found: Prediction, suite: Suite) -> Row:
    """2 TP of 2 TP + FP + FN."""
    right = 2.0 * (_declined(found) and not case.answerable)
    return (right, right or float(_declined(found) == case.answerable))


def _confidence(found: Prediction) -> float:
    return float("nan") if found.confidence is None else found.confidence


def _asked(case: GroundedCase, found: Prediction, suite: Suite) -> Row | None:
    return None if found.error else (_confidence(found), float(not case.answerable))


def _risk(case: GroundedCase, found: Prediction, suite: Suite) -> Row | None:
    return None if found.error else (_confidence(found), 1 - _f1(case, found, suite)[0])


def _citations(case: GroundedCase, found: Prediction, suite: Suite) -> Row:
    return (float(_hits(case, found)), 0.0 if found.error else float(len(found.citations)))


def _cited(case: GroundedCase, found: Prediction, suite: Suite) -> Row | None:
    if not case.answerable:
        return None
    return (float(_answered(found) and _hits(case, found) > 0), float(_answered(found)))


def _hits(case: GroundedCase, found: Prediction) -> int:
    if found.error or not case.answerable:
        return 0
    holding = {each.id for each in case.documents if answers.holds(each.text, case.answers, case.lang)}
    right = holding or {each.id for each in case.documents}
    return sum(each.passage in right for each in found.citations)


def _supported(case: GroundedCase, found: Prediction, suite: Suite) -> Row:
    if not _answered(found) or not found.verdicts:
        return (0.0, 0.0)
    return (found.verdicts.count(Verdict.SUPPORTED.value) / len(found.verdicts), 1.0)
