"""The cases that went worst: where reading begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.schema import LABELS
from eval.schema import (
    Case,
    ChatCase,
    DialogueCase,
    GroundedCase,
    Passage,
    PlainCase,
    Prediction,
    RetrievalCase,
    RewriteCase,
    SentimentCase,
    Suite,
    SummarizeCase,
    VerdictCase,
)

MOST = 50
RETRIEVED = 5
"""Passages shown of a case."""
SCORES = (
    "accuracy",
    "handled",
    "f1",
    "refusal_right",
    "answer_f1",
    "rewrite_chrf",
    "verdict_right",
    "rougeL",
    "check_strict",
    "check_loose",
    "reference_f1",
    "hybrid.ndcg@10",
    "hybrid.recall@5",
)
"""The score that a case is ranked by: the first of these that it has."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A case, what came of it, and what it could be answered from."""

    case: Case
    found: Prediction
    score: float | None
    """``None`` of a failed one, or where its task has no score of a single case."""
    retrieved: tuple[Passage, ...]
    cited: tuple[tuple[int, str, str], ...]
    """Number, id of the passage, and the cited text."""


def of(suite: Suite, pairs: Sequence[tuple[Case, Prediction]]) -> tuple[Bad, ...]:
    """The worst ``MOST``: failures, then the lowest scores, of those the surest first; none is perfect."""
    passages = {passage.id: passage for passage in suite.passages}
    ranked = sorted(pairs, key=lambda pair: _rank(*pair))
    chosen = [(case, found) for case, found in ranked if found.error or (score(found) or 0.0) < 1][:MOST]
    return tuple(_read(case, found, passages) for case, found in chosen)


def _read(case: Case, found: Prediction, passages: Mapping[str, Passage]) -> Bad:
    def text(name: str) -> str:
        return passages[name].text if name in passages else question(case)  # a summary cites its own text

    cited = tuple(
        (each.n, each.passage, text(each.passage)[each.start : each.end]) for each in found.citations
    )
    retrieved = tuple(passages[name] for name in found.retrieved[:RETRIEVED] if name in passages)
    return Bad(case, found, score(found), retrieved, cited)


def score(found: Prediction) -> float | None:
    """The score that a case is ranked by."""
    return next((found.scores[name] for name in SCORES if name in found.scores), None)


def question(case: Case) -> str:
    """What was asked."""
    match case:
        case GroundedCase():
            return case.question
        case PlainCase() | DialogueCase():
            return "\n\n".join([*(message.text for message in case.history), case.question])
        case RewriteCase():
            return "\n\n".join([*case.earlier, case.question])
        case VerdictCase():
            return f"{case.claim}\n\n{case.evidence}"
        case RetrievalCase():
            return case.query
        case ChatCase():
            return "\n\n".join(message.text for message in case.messages)
        case SentimentCase() | SummarizeCase():
            return case.text


def references(case: Case) -> tuple[str, ...]:
    """What would have been right."""
    match case:
        case GroundedCase() | PlainCase():
            return case.answers
        case DialogueCase():
            return (case.answer,)
        case RewriteCase():
            return (case.standalone,)
        case VerdictCase():
            return (case.label,)
        case RetrievalCase():
            return case.relevant
        case SentimentCase():
            return (case.label,)
        case ChatCase() | SummarizeCase():
            return case.references


def _rank(case: Case, found: Prediction) -> tuple[bool, float, float, str]:
    value = score(found)
    return not found.error, 2.0 if value is None else value, -_sureness(case, found), case.id


def _sureness(case: Case, found: Prediction) -> float:
    """How sure it was of what is wrong: of an answer that there is none for, of a label that is not it."""
    if isinstance(case, SentimentCase) and found.probabilities:
        return max(found.probabilities) - found.probabilities[LABELS.index(case.label)]
    if isinstance(case, VerdictCase) and case.label == "supported":
        return 1 - (found.confidence or 0.0)
    return found.confidence or 0.0
