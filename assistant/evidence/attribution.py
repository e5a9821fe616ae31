"""Where in a passage a sentence comes from: the run of neighbouring sentences that shares most with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.evidence.sentences import split
from assistant.evidence.words import terms
from assistant.schema import Citation, Hit, Source

_NEIGHBOURS = 3
"""Longest run of source sentences that is taken as one support."""
_LONGER_COSTS = 0.04
"""A longer run must explain this much more of the sentence to be preferred."""


@dataclass(frozen=True, slots=True)
class Support:
    """A run of sentences in a passage and the share of a sentence's terms that it holds."""

    start: int
    end: int
    score: float
    """0..1, weighted by how telling each term is."""


def weights(texts: Sequence[str]) -> dict[str, float]:
    """How telling each term is among ``texts``: 1 where one text has it, less the more texts share it."""
    counts = Counter(term for text in texts for term in set(terms(text)))
    return {term: 1.0 / (1 + 0.25 * (count - 1)) for term, count in counts.items()}


def coverage(wanted: Sequence[str], present: Sequence[str] | set[str], weight: Mapping[str, float]) -> float:
    """Weighted share of the distinct ``wanted`` terms that are ``present``, 0..1; 0 where none is wanted."""
    distinct = set(wanted)
    total = sum(weight.get(term, 1.0) for term in distinct)
    found = sum(weight.get(term, 1.0) for term in distinct.intersection(present))
    return found / total if total else 0.0


def support(sentence: str, passage: str, weight: Mapping[str, float] | None = None) -> Support:
    """Find the run of at most three neighbouring sentences of ``passage`` that holds most of ``sentence``.

    Args:
        sentence: What is to be supported, without ``[n]`` marks.
        passage: Text to look in.
        weight: How telling each term is; all the same where not given.

    Returns:
        The best run as a span of ``passage``; an empty passage gives an empty span with score 0.
    """
    runs = supports(sentence, passage, weight)
    return runs[0] if runs else Support(0, 0, 0.0)


def supports(sentence: str, passage: str, weight: Mapping[str, float] | None = None) -> list[Support]:
    """Every run of at most three neighbouring sentences, best first; equal ones in the order of the text."""
    wanted = terms(sentence)
    spans = split(passage)
    present = [set(terms(passage[start:end])) for start, end in spans]
    runs: list[tuple[float, Support]] = []
    for first in range(len(spans)):
        held: set[str] = set()
        for last in range(first, min(first + _NEIGHBOURS, len(spans))):
            held |= present[last]
            score = coverage(wanted, held, weight or {})
            rank = score - _LONGER_COSTS * (last - first + 1)
            runs.append((rank, Support(spans[first][0], spans[last][1], score)))
    return [run for _, run in sorted(runs, key=lambda ranked: ranked[0], reverse=True)]


def sources(
    sentence: str, text: str, limit: int = 3, weight: Mapping[str, float] | None = None
) -> tuple[Source, ...]:
    """The spans of ``text`` that a summary sentence came from, best first and never overlapping.

    Args:
        sentence: A sentence of the summary.
        text: The whole source, or the part of it that the sentence was written from.
        limit: Most spans returned.
        weight: How telling each term is.
    """
    chosen: list[Source] = []
    for run in supports(sentence, text, weight):
        if len(chosen) == limit or run.score < max(0.2, 0.5 * chosen[0].score if chosen else 0.0):
            break
        if all(run.end <= other.start or other.end <= run.start for other in chosen):
            chosen.append(Source(run.start, run.end, round(run.score, 4)))
    return tuple(chosen)


def shown(hit: Hit) -> tuple[str, int]:
    """The text of a hit as the model saw it, and where it begins in the document."""
    return (hit.context, hit.context_start) if hit.context else (hit.chunk.text, hit.chunk.start)


def cite(n: int, hit: Hit, start: int, end: int) -> Citation:
    """A citation of ``shown(hit)[start:end]``, with offsets in the document."""
    text, offset = shown(hit)
    return Citation(
        n, hit.chunk.document_id, hit.title, offset + start, offset + end, text[start:end],
        hit.chunk.page, hit.chunk.heading,
    )  # fmt: skip
