"""Answer from documents: search, decide, write, check. Every sentence leaves with a verdict."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from assistant import prompts
from assistant.engine.protocol import Generator
from assistant.errors import ContextOverflowError
from assistant.evidence import abstention, answering, relevance
from assistant.evidence.abstention import Decision
from assistant.evidence.attribution import shown
from assistant.evidence.relevance import Similarity
from assistant.evidence.words import is_chinese
from assistant.models.skills import Refusal
from assistant.schema import (
    Answer,
    Citation,
    Delta,
    Finish,
    Found,
    Hit,
    Language,
    Message,
    Sampling,
    Sentence,
    Status,
    TurnEvent,
    Verdict,
)
from assistant.tools import quoting
from assistant.tools.followup import standalone
from assistant.tools.streaming import Written, relay, tidy

_NEAREST = 3
"""Passages named with a refusal."""
CONSIDERED = 2
"""Quotations that an adapter reads which learnt to refuse: it answers from the one that it refuses least."""
READ: Mapping[Language, int] = {"en": quoting.READABLE, "zh": 0}
"""Latin characters of a quotation that such an adapter reads. Of Chinese the sentence alone: beside others
the 270M model takes their numbers and names for the answer (32 of 59 right, alone 36)."""
_KEPT = {Verdict.SUPPORTED, Verdict.PARTLY}
_PASSAGE_FIRST = re.compile(r"\[\d+\]")
"""A text that opens with a mark copies the passages as it was given them: all supported, and no answer."""


class SearchResult(Protocol):
    """What a search gives back."""

    @property
    def hits(self) -> Sequence[Hit]:
        """Best first."""

    @property
    def searched(self) -> int:
        """Documents that were looked through."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """What is known before the first word is written."""

    question: str
    query: str
    language: Language
    hits: tuple[Hit, ...]
    confidence: float
    best: Citation | None
    started: float


@dataclass(frozen=True, slots=True)
class _Asking:
    """How the model is asked."""

    model: Generator
    sampling: Sampling
    form: Callable[..., list[Message]]
    most: int
    """Passages that it reads."""
    adapter: str | None
    user: str


def answer(
    history: Sequence[Message],
    question: str,
    search: Callable[[str], SearchResult],
    generator: Callable[[], Generator],
    sampling: Sampling,
    *,
    similarity: Similarity,
    system: str = "",
    adapter: str | None = None,
    user: str = "",
    languages: Collection[str] = ("en", "zh"),
    rewrites: bool = False,
    shown_most: int = 6,
    trained: bool = False,
    refusal: Refusal | None = None,
) -> Iterator[TurnEvent]:
    """Answer a question from the documents that ``search`` looks through.

    Args:
        history: Earlier turns, oldest first; they make a follow-up question stand alone.
        question: The new message.
        search: From a query to its hits.
        generator: Gives the model; never called where the answer is declined or quoted.
        sampling: How to decode.
        similarity: The embedder's, to weigh the sentences found.
        system: The user's system prompt.
        adapter: Adapter to use for this turn.
        user: Whose request this is.
        languages: Those that the model writes; a question in another is answered with a quotation, and so is
            a follow-up that is not rewritten where the adapter learnt single questions.
        rewrites: The model is able to rewrite follow-up questions.
        trained: The adapter learnt the form of `prompts.grounded_trained`.
        refusal: How far to believe a model that learnt to refuse, where the search would answer.
            ``None``: the search alone decides.
        shown_most: Passages that the model reads at most; the 135M one loses the thread past the first.

    Yields:
        ``Status`` and ``Found`` before the first word, ``Delta`` while it is written, at last the ``Answer``.
        Where the documents hold no answer the model is not called and the answer is declined. An adapter that
        learnt to refuse reads `CONSIDERED` quotations and answers from the one that it refuses least.
    """
    started = time.monotonic()
    yield Status("rewriting" if history else "searching")
    query = standalone(history, question, generator() if rewrites else None, adapter)
    result = search(query)
    yield Status("searching", result.searched)
    hits = tuple(result.hits)
    language: Language = "zh" if is_chinese(question) else "en"
    candidates = relevance.candidates(query, hits, similarity)
    decision = abstention.decide(query, hits, candidates)
    narrow = trained and shown_most == 1
    count = CONSIDERED if narrow and refusal else 1
    room = READ[language] if narrow else quoting.READABLE
    choices = quoting.ranked(query, hits, candidates, count, room=room)
    best = choices[0] if choices else None
    turn = _Turn(question, query, language, hits, decision.confidence, best, started)
    if narrow and best:
        turn = _narrowed(turn, hits, best)
    # An adapter learnt questions that stand alone; two strung together it answers by the first one.
    strung = bool(history) and trained and not rewrites
    writes = language in languages and not strung
    if turn.best is None or not decision.answer:
        yield _declined(turn)
        return
    yield Status("found", len(hits))
    if not writes:
        yield Found(turn.hits)
        yield from _quoted(turn, Written("", Finish.STOP, 0))
        return
    form = partial(prompts.grounded_trained if trained else prompts.grounded, system=system)
    asking = _Asking(generator(), sampling, form, shown_most, adapter, user)
    turns = [_narrowed(turn, hits, choice) for choice in choices] if narrow else [turn]
    yield from _written(turns, decision, asking, refusal)


def _written(
    turns: Sequence[_Turn], decision: Decision, asking: _Asking, refusal: Refusal | None
) -> Iterator[TurnEvent]:
    """What the model says of the turn that it refuses least, checked; or its refusal, if believed."""
    turn, sampling = turns[0], asking.sampling
    if refusal:
        asked = [_pack(each, asking)[0] for each in turns]
        chosen, refusing = least_refused(asking.model, asked, turn.language, asking.adapter)
        decision = abstention.weigh(decision, refusing, refusal)
        turn = replace(turns[chosen], confidence=decision.confidence)
        if not decision.answer:
            yield replace(_declined(turn), prompt_tokens=asking.model.count(asked[chosen]))
            return
        sampling = replace(sampling, not_first=(prompts.NOT_FOUND[turn.language],))
    yield Found(turn.hits)
    messages, fitting = _pack(turn, asking)
    yield Status("writing")
    written = yield from relay(asking.model, messages, sampling, asking.adapter, asking.user)
    yield Status("checking")
    yield from _checked(turn, written, fitting)


def narrowed(hits: Sequence[Hit], best: Citation) -> tuple[tuple[Hit, ...], Citation]:
    """What an adapter reads that learnt one passage: ``best`` as the first hit; and what is quoted of it.

    Beside others on several subjects it takes the first number or name of the right kind for the answer.
    """
    chosen = hits[best.n - 1]
    shorter = replace(chosen, context=best.text, context_start=best.start)
    whole = quoting.readable(best, hits)
    return (shorter, *(hit for hit in hits if hit is not chosen)), replace(whole, n=1)


def _narrowed(turn: _Turn, hits: Sequence[Hit], choice: Citation) -> _Turn:
    narrower, best = narrowed(hits, choice)
    return replace(turn, hits=narrower, best=best)


def least_refused(
    generator: Generator, asked: Sequence[Sequence[Message]], language: Language, adapter: str | None
) -> tuple[int, float]:
    """Which of several prompts a model that learnt to refuse refuses least, and how likely it does, nats."""
    refusal = [prompts.NOT_FOUND[language]]
    found = [said for (said,) in generator.score_many([(each, refusal) for each in asked], adapter=adapter)]
    return min(enumerate(found), key=lambda one: one[1])


def _declined(turn: _Turn) -> Answer:
    return Answer(
        text=prompts.NOT_FOUND[turn.language],
        finish=Finish.DECLINED,
        best=turn.best,
        hits=turn.hits[:_NEAREST],
        query=turn.query,
        confidence=turn.confidence,
        seconds=time.monotonic() - turn.started,
    )


def _pack(turn: _Turn, asking: _Asking) -> tuple[list[Message], int]:
    """As many passages, best first, as leave room for the answer; and how many that are.

    Raises:
        ContextOverflowError: Not even one passage fits beside the question.
    """
    hits = turn.hits[: asking.most]
    room = asking.model.window - asking.sampling.max_new_tokens
    for count in range(len(hits), 0, -1):
        passages = [shown(hit)[0] for hit in hits[:count]]
        messages = asking.form(turn.query, passages, turn.language)
        if asking.model.count(messages) <= room:
            return messages, count
    shortest = [hits[0].chunk.text]
    messages = asking.form(turn.query, shortest, turn.language)
    needed = asking.model.count(messages)
    if needed > room:
        raise ContextOverflowError(needed=needed, limit=room)
    return messages, 1


def _checked(turn: _Turn, written: Written, fitting: int) -> Iterator[TurnEvent]:
    """The model's answer where the documents support it; else their own words."""
    own = written.text.strip().removeprefix(prompts.GROUNDED_LEAD[turn.language]).strip()
    whole = tidy(own, cut_off=written.finish is Finish.LENGTH)
    text, citations, sentences = answering.examine(whole, turn.hits[:fitting])
    stopped = written.finish in {Finish.CANCELLED, Finish.TIMEOUT, Finish.ERROR}
    copies = bool(_PASSAGE_FIRST.match(own))
    if stopped or (_stands(sentences) and not copies):
        yield _finished(turn, written, text, citations, sentences)
    else:
        yield from _quoted(turn, written)


def _stands(sentences: Sequence[Sentence]) -> bool:
    """The first and more than half of all are at least partly supported, and none is contradicted."""
    kept = [sentence.verdict in _KEPT for sentence in sentences]
    wrong = any(sentence.verdict is Verdict.CONTRADICTED for sentence in sentences)
    return bool(kept) and kept[0] and 2 * sum(kept) > len(kept) and not wrong


def _quoted(turn: _Turn, written: Written) -> Iterator[TurnEvent]:
    assert turn.best is not None
    text, sentences = quoting.quote(turn.best, turn.language)
    if not written.text:
        yield Delta(text, finish=Finish.STOP)
    yield _finished(turn, written, text, (turn.best,), sentences, quoted=True)


def _finished(
    turn: _Turn,
    written: Written,
    text: str,
    citations: tuple[Citation, ...],
    sentences: tuple[Sentence, ...],
    *,
    quoted: bool = False,
) -> Answer:
    return Answer(
        text=text,
        finish=written.finish,
        citations=citations,
        sentences=sentences,
        best=turn.best,
        hits=turn.hits,
        query=turn.query,
        confidence=turn.confidence,
        tokens=written.tokens,
        prompt_tokens=written.prompt_tokens,
        seconds=time.monotonic() - turn.started,
        quoted=quoted,
    )
