"""One query through both stages, the fusion, and out as passages to show. Knows the index, not the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assistant.retrieval import fusion, language
from assistant.schema import Chunk, Hit

if TYPE_CHECKING:
    from assistant.retrieval.embedder import Embedder
    from assistant.retrieval.index import Index, Scope, Scored

CANDIDATES = 50
"""Chunks taken from each stage."""
CONTEXT_TOKENS = 448
"""Of a hit with its neighbours, by the embedder's tokens."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What was found, and why."""

    query: str
    hits: tuple[Hit, ...]
    """At most k, best first, with their context: what the model is shown."""
    searched: int
    """Documents that were looked through."""
    dense: tuple[Hit, ...] = ()
    """The nearest by meaning, best first."""
    lexical: tuple[Hit, ...] = ()
    """The best by words, best first."""
    fused: tuple[Hit, ...] = ()
    """Both lists in one, before copies are thinned and neighbours joined."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Stages:
    """The lists of one search; every hit carries the scores of both stages."""

    dense: tuple[Hit, ...]
    lexical: tuple[Hit, ...]
    fused: tuple[Hit, ...]


def stages(
    index: Index, embedder: Embedder | None, query: str, scope: Scope, allowed: Callable[[str], bool]
) -> Stages:
    """Search by meaning and by words, and fuse.

    Args:
        index: Where to look.
        embedder: That of the index; ``None`` searches by words alone.
        query: The reader's words.
        scope: The filter.
        allowed: Asked about each document again on the way out: the filter is never trusted alone.
    """
    near = _near(index, embedder, query, scope) if embedder else []
    said = index.lexical(query, scope, CANDIDATES)
    near = [found for found in near if allowed(found.chunk.document_id)]
    said = [found for found in said if allowed(found.chunk.document_id)]
    ranked = [[found.chunk.id for found in near], [found.chunk.id for found in said]]
    across = bool(near) and language.is_chinese(query) != language.is_chinese(near[0].chunk.text)
    lexical_weight = fusion.ACROSS_WEIGHT if across else fusion.LEXICAL_WEIGHT
    scores = fusion.reciprocal_rank(ranked, (fusion.DENSE_WEIGHT, lexical_weight))
    hits = _hits(near, said, scores)
    return Stages(*(tuple(hits[key] for key in keys) for keys in (*ranked, list(scores))))


def choose(ranked: Sequence[Hit], k: int) -> Iterator[Hit]:
    """All but near-copies of one passage beyond a third of k; lazily, for comparing takes time."""
    kept = fusion.without_copies((hit.chunk.text for hit in ranked), max(1, k // 3))
    return (ranked[position] for position in kept)


def join(
    ranked: Iterable[Hit],
    k: int,
    neighbours: Callable[[str], tuple[str, Sequence[Chunk]]],
    count: Callable[[str], int],
    budget: int = CONTEXT_TOKENS,
) -> list[Hit]:
    """Widen hits by the chunks before and after them. A hit that an earlier one's context holds is left out.

    Args:
        ranked: Best first.
        k: Hits to return at most.
        neighbours: Document id to its text and all its chunks in order.
        count: Tokens of a text.
        budget: Tokens of one context at most; a chunk that is longer alone stays as it is.
    """
    shown: list[Hit] = []
    for hit in ranked:
        if len(shown) == k:
            break
        chunk = hit.chunk
        held = (other for other in shown if other.chunk.document_id == chunk.document_id)
        if any(_holds(other, chunk) for other in held):
            continue
        text, chunks = neighbours(chunk.document_id)
        start, end = widen(text, chunk, chunks, count, budget)
        shown.append(replace(hit, context=text[start:end], context_start=start))
    return shown


def widen(
    text: str, chunk: Chunk, chunks: Sequence[Chunk], count: Callable[[str], int], budget: int
) -> tuple[int, int]:
    """Span of the chunk with as many neighbours as the budget holds: the next, the one before, and so on."""
    start, end = chunk.start, chunk.end
    after = [other.end for other in chunks if other.end > chunk.end]
    before = [other.start for other in reversed(chunks) if other.start < chunk.start]
    while after or before:
        forward = bool(after) and (not before or end - chunk.end <= chunk.start - start)
        wider = (start, after.pop(0)) if forward else (before.pop(0), end)
        if count(text[wider[0] : wider[1]]) > budget:
            break
        start, end = wider
    return start, end


def started() -> Callable[[], float]:
    """A stopwatch."""
    begin = time.perf_counter()
    return lambda: time.perf_counter() - begin


def _near(index: Index, embedder: Embedder, query: str, scope: Scope) -> list[Scored]:
    question = embedder.embed_query(query)
    return index.dense(language.removed(question, language.axis(embedder)), scope, CANDIDATES, question)


def _holds(hit: Hit, chunk: Chunk) -> bool:
    return hit.context_start <= chunk.start and chunk.end <= hit.context_start + len(hit.context)


def _hits(near: Sequence[Scored], said: Sequence[Scored], scores: dict[str, float]) -> dict[str, Hit]:
    hits: dict[str, Hit] = {}
    for rank, found in enumerate(near, start=1):
        key = found.chunk.id
        hits[key] = Hit(found.chunk, found.title, scores[key], dense=found.score, dense_rank=rank)
    for rank, found in enumerate(said, start=1):
        key = found.chunk.id
        hit = hits.get(key) or Hit(found.chunk, found.title, scores[key])
        hits[key] = replace(hit, lexical=found.score, lexical_rank=rank)
    return hits
