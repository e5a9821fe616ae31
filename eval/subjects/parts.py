"""Parts of a turn that are measured by themselves, each called as the turn calls it."""

from __future__ import annotations

from assistant.assistant import Assistant
from assistant.evidence import verdicts
from assistant.schema import Message
from assistant.tools import followup
from eval.schema import Prediction, RewriteCase, VerdictCase

_BEST = 4.0
"""The goodness of a check that is supported, in words that all stand in the passage."""


def rewritten(case: RewriteCase, runtime: Assistant, adapter: str | None) -> Prediction:
    """The question that is searched for in place of a follow-up."""
    earlier = [Message("user", question) for question in case.earlier]
    reader = runtime.models.reader(adapter or "none")
    return Prediction(case.id, "rewrite", followup.standalone(reader, earlier, case.question))


def checked(case: VerdictCase) -> Prediction:
    """The verdict on a claim, and how well it is supported: by the verdict, then by shared words."""
    check = verdicts.examine(case.claim, [case.evidence])
    support = sum(check.goodness) / _BEST
    reasons = (check.reason,) if check.reason else ()
    return Prediction(case.id, "verdict", check.verdict.value, verdicts=reasons, confidence=support)
