"""The reader's judgement of a sentence beside the check of words, numbers and names, as one probability.

A model that learnt to judge tells a paraphrase from a claim that only shares words; the check sees an
exchanged number that a small model overlooks. A fitted logistic weighs both; its weights stand with the
calibration.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict, Field

from assistant.evidence.verdicts import Check
from assistant.schema import Verdict

Judge = Callable[[Sequence[str]], Sequence[float]]
"""Sentences of an answer to the reader's log-odds that what it read says all of each."""
_FACTS = ("number:", "date:", "name:")


class VerdictWeights(BaseModel):
    """A logistic over the judgement and the check, and the probability from which a sentence is supported."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bias: float = 0.0
    judged: float = 1.0
    """Of the reader's log-odds."""
    overlap: float = 0.0
    """Of the share of the sentence's words in its source."""
    fact: float = 0.0
    """Of a number, date or name that the source lacks."""
    flipped: float = 0.0
    """Of a negation on one side only."""
    threshold: float = Field(default=0.5, ge=0.0, le=1.0)

    def score(self, log_odds: float, check: Check) -> float:
        """The weighted sum."""
        score = self.bias + self.judged * log_odds + self.overlap * check.support.score
        score += self.fact * check.reason.startswith(_FACTS)
        return score + self.flipped * check.reason.startswith("negation:")

    def probability(self, log_odds: float, check: Check) -> float:
        """That the source says all of the sentence, 0..1."""
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, self.score(log_odds, check)))))

    def verdict(self, log_odds: float, check: Check) -> tuple[Verdict, str]:
        """The verdict with both in sight, and why it is not "supported"."""
        sure = self.probability(log_odds, check)
        if sure >= self.threshold:
            return Verdict.SUPPORTED, ""
        if check.verdict is Verdict.CONTRADICTED:
            return check.verdict, check.reason
        unfound = check.verdict is Verdict.NO_SOURCE
        reason = check.reason or f"judged:{sure:.2f}"
        return (check.verdict if unfound else Verdict.PARTLY), reason
