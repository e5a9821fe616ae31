"""What a run found, before it is told in any form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

import numpy as np

from assistant.schema import LABELS, Estimate, Verdict
from eval.report import curves, worst
from eval.report.curves import Curve, Point
from eval.report.worst import Bad
from eval.runs import Run, Session
from eval.schema import (
    Answerability,
    Case,
    DialogueCase,
    GroundedCase,
    PlainCase,
    Prediction,
    SentimentCase,
    Support,
    Undefined,
    VerdictCase,
)

_CALLED = {Verdict.SUPPORTED.value: "supported", Verdict.PARTLY.value: "partly"}
"""What a verdict calls a claim; all others say that it is not supported."""
Measured = Mapping[str, Estimate | Undefined]


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often each truth was answered by what."""

    truths: tuple[str, ...]
    answers: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    """A row for each truth."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that the written forms are made of."""

    run: Run
    n: int
    """Cases done, the failed ones included."""
    metrics: Measured
    """By their fixed names, slices as ``name[lang=zh]``."""
    cost: Mapping[str, float | None]
    confusion: Confusion | None
    reliability: tuple[Point, ...]
    risk_coverage: Curve | None
    failed: Mapping[str, str]
    """Reason by case id."""
    worst: tuple[Bad, ...]

    def as_dict(self) -> dict[str, Any]:
        """What report.json holds."""
        manifest = self.run.manifest
        return {
            "suite": manifest.suite,
            "n": self.n,
            "metrics": {name: _number(value) for name, value in self.metrics.items()},
            "version": manifest.version,
            "sha256": manifest.sha256,
            "date": manifest.date,
            "of": len(manifest.cases),
            "subject": dict(manifest.subject),
            "seed": manifest.seed,
            "limit": manifest.limit,
            "cost": dict(self.cost),
            "confusion": asdict(self.confusion) if self.confusion else None,
            "reliability": [asdict(point) for point in self.reliability],
            "risk_coverage": asdict(self.risk_coverage) if self.risk_coverage else None,
            "failed": dict(self.failed),
            "worst": [bad.case.id for bad in self.worst],
        }


def find(run: Run) -> Report:
    """Measure a run."""
    from eval.metrics.evaluating import measure

    cases = {case.id: case for case in run.suite.cases}
    pairs = [(cases[each.id], each) for each in run.predictions]
    measured = measure(run.suite, [case for case, _ in pairs], [found for _, found in pairs])
    done = [(case, found) for case, found in pairs if not found.error]
    return Report(
        run=run,
        n=len(pairs),
        metrics=measured.metrics,
        cost=cost(run.predictions, run.sessions),
        confusion=confusion(done),
        reliability=curves.reliability(done),
        risk_coverage=curves.risk_coverage(done),
        failed={found.id: found.error for _, found in pairs if found.error},
        worst=worst.of(run.suite, pairs),
    )


def confusion(pairs: Sequence[tuple[Case, Prediction]]) -> Confusion | None:
    """Of sentiments and claims: labels. Of questions: answered or declined, with and without an answer."""
    claims = [
        (case.label, _CALLED.get(found.output, "unsupported"))
        for case, found in pairs
        if isinstance(case, VerdictCase)
    ]
    if claims:
        return _counted(claims, get_args(Support), get_args(Support))
    labels = [(case.label, found.output) for case, found in pairs if isinstance(case, SentimentCase)]
    if labels:
        return _counted(labels, LABELS, LABELS)
    asked = [
        (truth, "declined" if found.declined else "answered")
        for truth, found in ((_answerability(case), found) for case, found in pairs)
        if truth
    ]
    truths = [truth for truth in get_args(Answerability) if truth in dict(asked)]
    return _counted(asked, truths, ("answered", "declined")) if asked else None


def _answerability(case: Case) -> str:
    match case:
        case GroundedCase(answerable=answerable) | PlainCase(answerable=bool(answerable)):
            return "answerable" if answerable else "unanswerable"
        case DialogueCase():
            return case.answerability
    return ""


def cost(predictions: Sequence[Prediction], sessions: Sequence[Session]) -> dict[str, float | None]:
    """Speed and memory: seconds a case, to the first word, tokens a second over all that run at once."""
    seconds = [found.seconds for found in predictions if not found.error]
    first = [found.first_token_s for found in predictions if found.first_token_s is not None]
    working = sum(session.seconds.get("predict", 0.0) for session in sessions)
    tokens = sum(session.tokens for session in sessions)
    own = sum(session.seconds.get("own", 0.0) for session in sessions)
    return {
        "tokens": float(tokens),
        "tokens_s": tokens / working if working and tokens else None,
        "seconds_p50": _quantile(seconds, 0.5),
        "seconds_p95": _quantile(seconds, 0.95),
        "first_token_p50": _quantile(first, 0.5),
        "first_token_p95": _quantile(first, 0.95),
        "prepare_s": sum(session.seconds.get("prepare", 0.0) for session in sessions),
        "predict_s": working,
        "own_share": own / working if working else None,
        "peak_memory_mb": max((session.peak_memory_mb for session in sessions), default=None),
        "peak_gpu_mb": max((session.peak_gpu_mb for session in sessions), default=0.0) or None,
    }


def _counted(pairs: Sequence[tuple[str, str]], truths: Sequence[str], answers: Sequence[str]) -> Confusion:
    counts = tuple(tuple(pairs.count((truth, answer)) for answer in answers) for truth in truths)
    return Confusion(tuple(truths), tuple(answers), counts)


def _quantile(values: Sequence[float], share: float) -> float | None:
    return float(np.quantile(values, share)) if values else None


def _number(value: Estimate | Undefined) -> dict[str, Any]:
    if isinstance(value, Undefined):
        return {"mean": None, "reason": value.reason, "n": value.n}
    return {"mean": value.mean, "low": value.low, "high": value.high, "n": value.n}
