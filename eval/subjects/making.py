"""Predictions from what the assistant gives back."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from assistant.schema import LABELS, Answer, Delta, Finish, Message, Sentiment, Summary
from eval.schema import (
    Case,
    ChatCase,
    Cited,
    DialogueCase,
    GroundedCase,
    PlainCase,
    Prediction,
    task_of,
)
from eval.subjects import shelf

E = TypeVar("E")
Turn = GroundedCase | PlainCase | DialogueCase | ChatCase
"""Cases that are the next message of a conversation."""


def conversation(case: Turn) -> list[Message]:
    """What was said, the new message last."""
    match case:
        case ChatCase():
            return list(case.messages)
        case GroundedCase():
            return [Message("user", case.question)]
        case _:
            return [*case.history, Message("user", case.question)]


def shelved(case: Case, answer: Answer, there: shelf.Shelf) -> Prediction:
    """The prediction of a turn over the suite's passages."""
    return replace(
        answered(case, answer), retrieved=there.ranked(case, answer.hits), citations=there.cited(case, answer)
    )


def given(case: DialogueCase, answer: Answer) -> Prediction:
    """The prediction of a turn over the documents that came with it."""
    by_id = {each.id: each for each in case.documents}
    return replace(
        answered(case, answer),
        retrieved=tuple(dict.fromkeys(hit.chunk.document_id for hit in answer.hits)),
        citations=tuple(shelf.cited(by_id[each.document_id], each) for each in answer.citations),
    )


def in_use(case: Case, answer: Answer) -> Prediction:
    """The prediction of a turn over the documents in use: their titles, and the words that were read."""
    return replace(
        answered(case, answer),
        retrieved=tuple(dict.fromkeys(hit.title for hit in answer.hits)),
        passages=tuple(hit.context or hit.chunk.text for hit in answer.hits),
    )


def answered(case: Case, answer: Answer) -> Prediction:
    """The prediction of a turn, but for what was found and cited."""
    return Prediction(
        case.id,
        task_of(case),
        answer.text,
        verdicts=tuple(sentence.verdict.value for sentence in answer.sentences),
        declined=answer.declined,
        quoted=answer.quoted,
        confidence=answer.confidence,
        tokens=answer.tokens,
        error=f"the answer ended with {answer.finish.value}" if _broken(answer.finish) else "",
    )


def summarized(name: str, summary: Summary) -> Prediction:
    """The prediction of a summary; each sentence cites the spans of the text that it came from."""
    sources = [
        Cited(n, name, source.start, source.end)
        for n, sentence in enumerate(summary.sentences, 1)
        for source in sentence.sources
    ]
    return Prediction(
        name,
        "summarize",
        summary.text,
        citations=tuple(sources),
        verdicts=tuple(sentence.verdict.value for sentence in summary.sentences),
        quoted=bool(summary.sentences) and all(sentence.quoted for sentence in summary.sentences),
    )


def judged(name: str, sentiment: Sentiment) -> Prediction:
    """The prediction of a sentiment."""
    shares = tuple(float(getattr(sentiment, label)) for label in LABELS)
    return Prediction(name, "sentiment", sentiment.label, probabilities=shares)


def _broken(finish: Finish) -> bool:
    return finish in (Finish.CANCELLED, Finish.TIMEOUT, Finish.ERROR)


def followed(events: Iterable[object], end: type[E]) -> tuple[E, float | None]:
    """The last event, and the seconds to the first word."""
    started, first, last = time.monotonic(), None, None
    for event in events:
        if isinstance(event, Delta) and event.text and first is None:
            first = time.monotonic() - started
        last = event
    assert isinstance(last, end), f"it ends with {end.__name__}"
    return last, first
