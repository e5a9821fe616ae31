"""One query through both stages, the fusion, and out as passages to show. Knows the index, not the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assistant.retrieval import fusion, identifiers, language
from assistant.schema import Chunk, Hit

if TYPE_CHECKING:
    from assistant.retrieval.embedder import Embedder
    from assistant.retrieval.index import Index, Scope, Scored

CANDIDATES = 50
"""Chunks taken from each stage."""
CONTEXT_TOKENS = 192
"""Of a hit with its neighbours, by the embedder's tokens: the reader takes ten milliseconds for each."""
_CHARACTERS_A_TOKEN = 8
"""More than any prose has: neighbours are looked for no further than a context could reach."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What was found, and why."""

    query: str
    """The reader's own."""
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
    mended: str = ""
    """The query as it was searched for, mistyped words as the documents write them; empty where it was blank
    or nothing is ready."""


@dataclass(frozen=True, slots=True)
class Stages:
    """The lists of one search; every hit carries the scores of both kinds of stages."""

    dense: tuple[Hit, ...]
    lexical: tuple[Hit, ...]
    fused: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class _Lists:
    """What each signal found for one phrasing, best first."""

    own: Sequence[Scored] = ()
    """By meaning, passages in the question's language."""
    across: Sequence[Scored] = ()
    """By meaning, passages in the other, for the question freed of its language."""
    words: Sequence[Scored] = ()
    exact: Sequence[Scored] = ()
    """Passages in which the question's codes and numbers stand whole."""

    def ranked(self) -> tuple[Sequence[Scored], ...]:
        """In the order of ``fusion.WEIGHTS``."""
        return self.own, self.across, self.words, self.exact


def stages(
    index: Index,
    embedder: Embedder | None,
    queries: Sequence[str],
    scope: Scope,
    allowed: Callable[[str], bool],
) -> Stages:
    """Search by meaning, by words and by identifiers, each by itself, and fuse.

    Args:
        index: Where to look.
        embedder: That of the index; ``None`` searches by words alone.
        queries: The question in one or more phrasings, the reader's own first; a translation finds what is
            written in the other language by its words, too.
        scope: The filter.
        allowed: Asked about each document again on the way out: the filter is never trusted alone.
    """
    lists = [_lists(index, embedder, query, scope, allowed) for query in queries if query.strip()]
    ranked = [found for each in lists for found in each.ranked()]
    weights = [weight for number in range(len(lists)) for weight in _weights(number, len(lists))]
    scores = fusion.reciprocal_rank([[found.chunk.id for found in each] for each in ranked], weights)
    dense = [found for each in lists for found in (each.own, each.across)]
    hits = _hits(dense, [each.words for each in lists], ranked, scores)
    return Stages(
        tuple(sorted((hit for hit in hits.values() if hit.dense_rank), key=_dense_rank)),
        tuple(sorted((hit for hit in hits.values() if hit.lexical_rank), key=_lexical_rank)),
        tuple(hits[key] for key in scores),
    )


def choose(ranked: Sequence[Hit], k: int) -> Iterator[Hit]:
    """All but near-copies of one passage beyond a third of k; lazily, for comparing takes time."""
    kept = fusion.without_copies((hit.chunk.text for hit in ranked), max(1, k // 3))
    return (ranked[position] for position in kept)


def join(
    ranked: Iterable[Hit],
    k: int,
    neighbours: Callable[[Chunk, int], tuple[str, Sequence[Chunk]]],
    count: Callable[[str], int],
    budget: int = CONTEXT_TOKENS,
) -> list[Hit]:
    """Widen hits by the chunks before and after them. A hit that an earlier one's context holds is left out.

    Args:
        ranked: Best first.
        k: Hits to return at most.
        neighbours: Chunk and a number of characters to the document's text and the chunks so near, in order.
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
        text, chunks = neighbours(chunk, budget * _CHARACTERS_A_TOKEN)
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


def _lists(
    index: Index, embedder: Embedder | None, query: str, scope: Scope, allowed: Callable[[str], bool]
) -> _Lists:
    def those(found: Sequence[Scored]) -> list[Scored]:
        return [each for each in found if allowed(each.chunk.document_id)]

    words = those(index.lexical(query, scope, CANDIDATES))
    exact = _exact(index, query, scope, those)
    if embedder is None:
        return _Lists(words=words, exact=exact)
    question = embedder.embed_query(query)
    freed = language.removed(question, language.axis(embedder))
    chinese = language.is_chinese(query)
    own, other = replace(scope, chinese=chinese), replace(scope, chinese=not chinese)
    return _Lists(
        those(index.dense(question, own, CANDIDATES)),
        those(index.dense(freed, other, CANDIDATES, question)),
        words,
        exact,
    )


def _exact(
    index: Index, query: str, scope: Scope, those: Callable[[Sequence[Scored]], list[Scored]]
) -> list[Scored]:
    """Passages by the identifiers of the question, the rare ones first; what stands in many says nothing."""
    asked = identifiers.find(query)
    found = those(index.lexical(" ".join(asked), scope, CANDIDATES))
    scores = dict.fromkeys(range(len(found)), 0.0)
    for identifier in asked:
        holding = [at for at, each in enumerate(found) if identifiers.stands(identifier, each.words)]
        if len(holding) <= identifiers.COMMON:
            scores |= {at: scores[at] + 1 / len(holding) for at in holding}
    ranked = sorted(scores, key=lambda at: -scores[at])
    return [found[at] for at in ranked if scores[at]]


def _weights(number: int, phrasings: int) -> tuple[float, ...]:
    """Of the lists of one phrasing, in the order of ``_Lists.ranked``."""
    own, across, words, exact = fusion.WEIGHTS
    if number:  # what a translation finds in its own other language is the reader's own: that was searched
        return fusion.REPHRASED * own, 0.0, fusion.REPHRASED * words, 0.0
    return own, across * (fusion.ACROSS_TRANSLATED if phrasings > 1 else 1.0), words, exact


def _dense_rank(hit: Hit) -> tuple[int, float]:
    return hit.dense_rank or 0, -(hit.dense or 0.0)


def _lexical_rank(hit: Hit) -> tuple[int, float]:
    return hit.lexical_rank or 0, -(hit.lexical or 0.0)


def _holds(hit: Hit, chunk: Chunk) -> bool:
    return hit.context_start <= chunk.start and chunk.end <= hit.context_start + len(hit.context)


def _hits(
    dense: Sequence[Sequence[Scored]],
    lexical: Sequence[Sequence[Scored]],
    ranked: Sequence[Sequence[Scored]],
    scores: dict[str, float],
) -> dict[str, Hit]:
    """A hit for each chunk, with its best score and rank of each kind."""
    hits = {
        found.chunk.id: Hit(found.chunk, found.title, scores[found.chunk.id])
        for each in ranked
        for found in each
    }
    for each in dense:
        for rank, found in enumerate(each, start=1):
            hit = hits[found.chunk.id]
            best = max(found.score, -1.0 if hit.dense is None else hit.dense)
            hits[found.chunk.id] = replace(hit, dense=best, dense_rank=min(rank, hit.dense_rank or rank))
    for each in lexical:
        for rank, found in enumerate(each, start=1):
            hit = hits[found.chunk.id]
            best = max(found.score, hit.lexical or 0.0)
            hits[found.chunk.id] = replace(
                hit, lexical=best, lexical_rank=min(rank, hit.lexical_rank or rank)
            )
    return hits
