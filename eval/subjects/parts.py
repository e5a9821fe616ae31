"""Parts of a turn that are measured by themselves, each called as the turn calls it."""

from __future__ import annotations

from assistant.assistant import Assistant
from assistant.evidence import verdicts
from assistant.schema import Message, Verdict
from assistant.tools import followup
from eval.schema import Prediction, RewriteCase, VerdictCase

_BEST = 4.0
"""The goodness of a check that is supported, in words that all stand in the passage."""


def rewritten(case: RewriteCase, runtime: Assistant, adapter: str | None) -> Prediction:
    """The question that is searched for in place of a follow-up."""
    earlier = [Message("user", question) for question in case.earlier]
    reader = runtime.models.reader(adapter or "none")
    return Prediction(case.id, "rewrite", followup.standalone(reader, earlier, case.question))


def checked(case: VerdictCase, runtime: Assistant, adapter: str | None) -> Prediction:
    """The verdict on a claim, and how well it is supported: as a reader judges it that learnt to judge.

    Else by the verdict, then by shared words, and no model is loaded.
    """
    check = verdicts.examine(case.claim, [case.evidence])
    weights = runtime.models.calibration(adapter or "none").verdict
    if weights is None:
        return _checked(case, check.verdict, check.reason, sum(check.goodness) / _BEST)
    (judged,) = runtime.models.reader(adapter or "none").judge([case.claim], [case.evidence])
    return _checked(case, *weights.verdict(judged, check), weights.probability(judged, check))


def _checked(case: VerdictCase, verdict: Verdict, reason: str, support: float) -> Prediction:
    reasons = (reason,) if reason else ()
    return Prediction(case.id, "verdict", verdict.value, verdicts=reasons, confidence=support)
