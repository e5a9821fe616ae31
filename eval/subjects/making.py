"""Predictions from what the assistant gives back."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TypeVar

from assistant.schema import LABELS, Answer, Delta, Finish, Sentiment, Summary
from eval.schema import Case, Cited, Prediction, task_of
from eval.subjects.shelf import Shelf

E = TypeVar("E")


def answered(case: Case, answer: Answer, shelf: Shelf) -> Prediction:
    """The prediction of a turn."""
    return Prediction(
        case.id,
        task_of(case),
        answer.text,
        retrieved=shelf.ranked(case, answer.hits),
        citations=shelf.cited(case, answer),
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
