"""All metrics of a run, over all cases and over slices of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from assistant.schema import Estimate
from eval import metrics
from eval.metrics.metric import Metric, ratio
from eval.metrics.words import units
from eval.schema import (
    Case,
    ChatCase,
    DialogueCase,
    GroundedCase,
    PlainCase,
    Prediction,
    RetrievalCase,
    RewriteCase,
    SentimentCase,
    Suite,
    SummarizeCase,
    Undefined,
    VerdictCase,
)
from eval.statistics import Rows, estimate, mean

QUESTION_BANDS = (8, 16)
TEXT_BANDS = (50, 200)
"""Words and Han characters up to which one is short, and medium."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run is worth."""

    metrics: dict[str, Estimate | Undefined]
    """By name, in report order; each metric's slices right after it, as ``f1[lang=zh]``."""
    failed: int
    """Cases without an output: wrong, wherever a wrong answer has a score."""


def measure(
    suite: Suite, cases: Sequence[Case], predictions: Sequence[Prediction], seed: int = 0
) -> Measured:
    """Measure predictions.

    Slices are by ``lang`` (en, zh), ``kind`` (of plain questions), ``collection`` and ``answerability`` (of
    dialogues), ``answerable`` (yes, no) and ``length``: a question, query or last message is short up to 8
    words or Han characters, medium up to 16, else long; a text up to 50 and 200; claims have none.
    Every metric is of one task. A slice that holds all cases of its metric is left out; baselines have none.

    Args:
        suite: The whole suite.
        cases: Those that were done.
        predictions: One for each, in the same order.
        seed: Of the intervals.
    """
    found: dict[str, Estimate | Undefined] = {}
    slices = [_slices(case) for case in cases]
    for metric in metrics.of(suite):
        rows = [metric.row(case, each, suite) for case, each in zip(cases, predictions, strict=True)]
        there = [place for place, row in enumerate(rows) if row is not None]
        values = np.array([row for row in rows if row is not None], dtype=np.float64)
        clusters = clusters_of([cases[place] for place in there])
        found[metric.name] = _estimate(metric, values, clusters, seed)
        if metric.baseline:
            continue
        for name, chosen in _parts([slices[place] for place in there]).items():
            part = [clusters[place] for place in chosen]
            found[f"{metric.name}[{name}]"] = _estimate(metric, values[chosen], part, seed)
    return Measured(found, sum(bool(each.error) for each in predictions))


def clusters_of(cases: Sequence[Case]) -> list[str]:
    """Cases that stand or fall together are drawn together: see `_source`."""
    return [_source(case) or f"case {case.id}" for case in cases]


def _source(case: Case) -> str:
    """The document, conversation or evidence that a case shares with others; empty where it has none."""
    match case:
        case GroundedCase() if case.documents:
            return f"document {case.documents[0].id}"
        case PlainCase() if case.document:
            return f"document {case.document}"
        case DialogueCase():
            return f"conversation {case.history[0].text if case.history else case.question}"
        case RewriteCase():
            return f"conversation {case.earlier[0] if case.earlier else case.question}"
        case VerdictCase():
            return f"evidence {case.evidence}"
    return ""


def _estimate(metric: Metric, rows: Rows, clusters: Sequence[str], seed: int) -> Estimate | Undefined:
    if not len(rows) or math.isnan(metric.aggregate(rows)):
        return Undefined(metric.undefined, len(rows))
    if metric.aggregate is not ratio:
        return estimate(rows, metric.aggregate, clusters, seed)
    # Cases without weight are no evidence: n and the interval are of the others.
    weighty = rows[:, 1] > 0
    rows, clusters = rows[weighty], [each for each, kept in zip(clusters, weighty, strict=True) if kept]
    share = bool((rows[:, 1] == 1).all())
    found = estimate(rows, mean if share else ratio, clusters, seed)
    return replace(found, n=len(rows))


def _parts(slices: Sequence[dict[str, str]]) -> dict[str, list[int]]:
    """Places of the cases of each slice that does not hold them all."""
    found: dict[str, list[int]] = {}
    for by in ("lang", "kind", "collection", "answerability", "answerable", "length"):
        values = [each.get(by, "") for each in slices]
        for value in sorted(set(values) - {""}) if len(set(values)) > 1 else ():
            found[f"{by}={value}"] = [place for place, other in enumerate(values) if other == value]
    return found


def _slices(case: Case) -> dict[str, str]:
    found = {"lang": case.lang, "length": _length(case)}
    match case:
        case GroundedCase():
            found["answerable"] = "yes" if case.answerable else "no"
        case PlainCase():
            found["kind"] = case.kind
        case DialogueCase():
            found |= {"collection": case.collection, "answerability": case.answerability}
    return found


def _length(case: Case) -> str:
    match case:
        case SentimentCase(text=text) | SummarizeCase(text=text):
            return _band(text, TEXT_BANDS)
        case RetrievalCase(query=text):
            return _band(text, QUESTION_BANDS)
        case ChatCase():
            return _band(case.messages[-1].text, QUESTION_BANDS)
        case VerdictCase():
            return ""
        case _:
            return _band(case.question, QUESTION_BANDS)


def _band(text: str, bands: tuple[int, int]) -> str:
    size = len(units(text))
    return "short" if size <= bands[0] else "medium" if size <= bands[1] else "long"
