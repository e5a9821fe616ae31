"""Answer from documents: search, read, decide, write, check. Every sentence leaves with a verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from assistant import prompts
from assistant.errors import ContextOverflowError
from assistant.evidence import answering, identifiers, relevance
from assistant.evidence.attribution import coverage, weights
from assistant.evidence.calibration import Calibration, Signs
from assistant.evidence.relevance import Asked, Similarity
from assistant.evidence.words import han_share, is_chinese, terms
from assistant.request import Request
from assistant.schema import (
    Answer,
    Citation,
    Delta,
    Finish,
    Found,
    Hit,
    Language,
    Message,
    Quoted,
    Sampling,
    Sentence,
    Status,
    TurnEvent,
    Verdict,
)
from assistant.tools import quoting, reading
from assistant.tools.followup import standalone
from assistant.tools.messages import answer_language
from assistant.tools.reader import Reader
from assistant.tools.sources import Search
from assistant.tools.streaming import Written, relay, tidy

_NEAREST = 3
"""Passages named with a refusal."""
_SOME_HAN = 0.05
"""Share of Chinese characters from which a passage is Chinese, commands and code in it notwithstanding."""
_STOPPED = {Finish.CANCELLED, Finish.TIMEOUT, Finish.ERROR}
"""Ends of which the text so far is kept as it is."""
_OTHER: dict[Language, Language] = {"en": "zh", "zh": "en"}
_QUESTION = 64
"""Tokens of a translated question at most."""
_WEIGHED = 96
"""Tokens written for a calibration: an answer of a sentence or two."""
_KEPT = {Verdict.SUPPORTED, Verdict.PARTLY}


@dataclass(frozen=True, slots=True)
class _Turn:
    """What is known before the first word is written."""

    query: str
    language: Language
    hits: tuple[Hit, ...]
    """The passages read, ``[1]`` first."""
    others: bool
    """Passages in another language than the question's were found."""
    signs: Signs
    confidence: float
    best: Callable[[], Citation | None]
    """The words nearest to the question: asked for after the answer, for sentences are embedded for it."""
    started: float


def answer(reader: Reader, request: Request, search: Search, similarity: Similarity) -> Iterator[TurnEvent]:
    """Answer a question from the documents that ``search`` looks through.

    Args:
        reader: Reads, decides and writes; one that does not write finds and quotes.
        request: The question with its conversation.
        search: From a question to its hits.
        similarity: The embedder's, to choose the paragraphs that are read.

    Yields:
        ``Status`` and ``Found`` before the first word, ``Delta`` while it is written, at last the ``Answer``:
        declined where the documents hold none, a quotation where the written one does not hold.
    """
    started = time.monotonic()
    yield Status("rewriting" if request.history else "searching")
    query = standalone(reader, request.history, request.question)
    turn, searched = _look(reader, Asked(query), search, similarity)
    yield Status("searching", searched)
    turn = _wider(reader, turn, search, similarity)
    turn = replace(turn, language=answer_language(request.question), started=started)
    lost = identifiers.missing_codes(query, _text(turn))
    if not turn.hits or lost or not _likely(reader, turn):
        yield _declined(replace(turn, confidence=0.0) if lost else turn)
        return
    yield Status("found", len(turn.hits))
    yield Found(turn.hits)
    if not reader.writes:
        yield from _at_once(_quoted(turn, Written("", Finish.STOP, 0), Quoted.READER))
        return
    yield from _answered(reader, request, turn)


def _likely(reader: Reader, turn: _Turn) -> bool:
    """Not plainly unrelated; where nobody reads what was found, the search has to be sure by itself."""
    calibration = reader.calibration
    sure = turn.confidence >= calibration.search_again
    return calibration.search.accepts(turn.signs) if reader.writes else sure


def _look(reader: Reader, asked: Asked, search: Search, similarity: Similarity) -> tuple[_Turn, int]:
    """Search, and choose what is read; also the number of documents searched."""
    query, result = asked.question, search(*asked.forms)
    asked = replace(asked, question=result.mended or query)
    chosen = reading.choose(asked, result.hits, similarity, reader.model.count_text)
    best = cache(partial(_nearest, asked, chosen.passages, similarity))
    found = signs(asked, chosen, result.hits)
    others = any(is_chinese(hit.chunk.text) != is_chinese(query) for hit in result.hits)
    sure = reader.calibration.search.probability(found)
    turn = _Turn(query, answer_language(query), chosen.passages, others, found, sure, best, time.monotonic())
    return turn, result.searched


def _nearest(asked: Asked, hits: Sequence[Hit], similarity: Similarity) -> Citation | None:
    return quoting.best(asked, hits, relevance.candidates(asked, hits, similarity))


def _wider(reader: Reader, turn: _Turn, search: Search, similarity: Similarity) -> _Turn:
    """Searched for in both languages, where passages in the other one were found and none answers surely."""
    unsure = turn.confidence < reader.calibration.search_again
    if not (reader.writes and unsure and turn.others):
        return turn
    translated = translation(reader, turn.query, _OTHER[turn.language])
    asked = Asked(turn.query, translated)
    return _look(reader, asked, search, similarity)[0] if translated else turn


def translation(reader: Reader, question: str, target: Language) -> str:
    """The question in the other language, to search for; empty where the reader gave none."""
    messages = prompts.translation(question, target)
    if target not in reader.languages or not reader.fits(messages, _QUESTION):
        return ""
    text = reader.write(messages, Sampling(max_new_tokens=_QUESTION, stop=("\n",)))
    return text if is_chinese(text) == (target == "zh") else ""


def signs(asked: Asked, chosen: reading.Reading, hits: Sequence[Hit]) -> Signs:
    """What the search says about what is read, before the reader is asked."""
    texts = [reading.passage(hit) for hit in chosen.passages]
    held = {term for text in texts for term in terms(text)}
    nearest = chosen.best.text if chosen.best else ""
    weight = weights([reading.passage(hit) for hit in hits])
    return Signs(
        lead=chosen.lead,
        found=max(coverage(terms(form), held, weight) for form in asked.forms),
        named=identifiers.share(asked.question, "\n".join(texts)),
        across=float(all(_across(form, nearest) for form in asked.forms)),
        chinese=float(is_chinese(asked.question)),
    )


def _across(form: str, text: str) -> bool:
    return han_share(text) < _SOME_HAN if is_chinese(form) else is_chinese(text)


def _text(turn: _Turn) -> str:
    return "\n".join(reading.passage(hit) for hit in turn.hits)


@dataclass(frozen=True, slots=True)
class Weighed:
    """A question, all its signs, and what was written: what a calibration is fitted on."""

    signs: Signs
    text: str
    lost: bool = False
    """A code of the question stands in none of the passages: it is declined whatever is written."""

    def confidence(self, calibration: Calibration) -> float:
        """The probability on which `answer` gives or declines it; 0 where it declines before that."""
        steps = (calibration.search, calibration.reading)
        declined = self.lost or not self.text or prompts.refuses(self.text)
        if declined or not all(weights.accepts(self.signs) for weights in steps):
            return 0.0
        return calibration.answer.probability(self.signs)


def look(reader: Reader, question: str, search: Search, similarity: Similarity) -> Signs:
    """What the search says of a question that stands alone, before the reader is asked."""
    return _look(reader, Asked(question), search, similarity)[0].signs


def weigh(reader: Reader, question: str, search: Search, similarity: Similarity) -> Weighed:
    """Read and write for a question that stands alone, as `answer` does, and decide nothing."""
    turn, _ = _look(reader, Asked(question), search, similarity)
    turn = _wider(reader, turn, search, similarity)
    if not turn.hits:
        return Weighed(turn.signs, "")
    request = Request(question, sampling=Sampling(max_new_tokens=_WEIGHED))
    messages, _ = _pack(reader, request, turn)
    text = reader.write(messages, request.sampling)
    signs = _verified(reader, _read(reader, turn, messages), messages, text).signs
    return Weighed(signs, text, bool(identifiers.missing_codes(question, _text(turn))))


def _read(reader: Reader, turn: _Turn, messages: Sequence[Message]) -> _Turn:
    """With what the reader says of the passages: log-odds that they hold the answer."""
    yes, no = reader.likelihoods(prompts.held(messages), prompts.HELD_REPLIES)
    signs = turn.signs._replace(reader=yes - no)
    return replace(turn, signs=signs, confidence=reader.calibration.reading.probability(signs))


def _verified(reader: Reader, turn: _Turn, messages: Sequence[Message], text: str) -> _Turn:
    """With what it says of its own answer: log-odds that they state it, and how surely it was written."""
    if not text.strip():
        return turn
    asked = prompts.verified(messages, turn.language, text.strip())
    yes, no = reader.likelihoods(asked, prompts.VERIFIED_REPLIES[turn.language])
    (written,) = reader.likelihoods(messages, [text])
    fluent = written / max(reader.model.count_text(text), 1)
    signs = turn.signs._replace(verified=yes - no, fluent=fluent)
    return replace(turn, signs=signs, confidence=reader.calibration.answer.probability(signs))


def _answered(reader: Reader, request: Request, turn: _Turn) -> Iterator[TurnEvent]:
    """What the reader writes, checked; declined where it finds no answer, or does not stand by its own.

    Words are shown while they are written only where they will most likely stay.
    """
    messages, fitting = _pack(reader, request, turn)
    turn = _read(reader, turn, messages)
    if not reader.calibration.reading.accepts(turn.signs):
        yield replace(_declined(turn), prompt_tokens=reader.model.count(messages))
        return
    shown = turn.confidence >= reader.calibration.shown_from
    yield Status("writing")
    written = yield from relay(reader, messages, request.sampling, shown=shown)
    yield Status("checking")
    if written.finish not in _STOPPED:
        refused = prompts.refuses(written.text)
        turn = turn if refused else _verified(reader, turn, messages, written.text)
        if refused or not reader.calibration.answer.accepts(turn.signs):
            yield replace(_declined(turn), tokens=written.tokens, prompt_tokens=written.prompt_tokens)
            return
    answer = _checked(reader, turn, written, fitting)
    yield from [answer] if shown and written.text else _at_once(answer)


def _at_once(answer: Answer) -> Iterator[TurnEvent]:
    """An answer of which nothing was shown before."""
    yield Delta(answer.text, tokens=answer.tokens, finish=answer.finish)
    yield answer


def _pack(reader: Reader, request: Request, turn: _Turn) -> tuple[list[Message], int]:
    """As many passages, best first, as leave room for the answer; and how many that are.

    Raises:
        ContextOverflowError: Not even one passage fits beside the question.
    """
    passages = [reading.passage(hit) for hit in turn.hits]
    messages: list[Message] = []
    for count in range(len(passages), 0, -1):
        messages = prompts.grounded(turn.query, passages[:count], turn.language, request.system)
        if reader.fits(messages, request.sampling.max_new_tokens):
            return messages, count
    room = reader.model.window - request.sampling.max_new_tokens
    raise ContextOverflowError(needed=reader.model.count(messages), limit=room)


def _declined(turn: _Turn) -> Answer:
    return Answer(
        text=prompts.NOT_FOUND[turn.language],
        finish=Finish.DECLINED,
        best=turn.best(),
        hits=turn.hits[:_NEAREST],
        query=turn.query,
        confidence=turn.confidence,
        seconds=time.monotonic() - turn.started,
    )


def _checked(reader: Reader, turn: _Turn, written: Written, fitting: int) -> Answer:
    """The model's answer where the documents support it; else their own words."""
    whole = tidy(written.text.strip(), cut_off=written.finish is Finish.LENGTH)
    hits, weights = turn.hits[:fitting], reader.calibration.verdict
    judge = None
    if weights and written.finish not in _STOPPED:
        judge = partial(reader.judge, passages=[reading.passage(hit) for hit in hits])
    text, citations, sentences = answering.examine(whole, hits, turn.query, judge, weights)
    if written.finish not in _STOPPED and turn.confidence < reader.calibration.sure_from:
        sentences = answering.unsure(sentences)
    if written.finish in _STOPPED or _stands(sentences):
        answer = _finished(turn, written, text, citations, sentences)
        return replace(answer, judged=judge is not None)
    return _quoted(turn, written, Quoted.UNSUPPORTED)


def _stands(sentences: Sequence[Sentence]) -> bool:
    """More than half of all are at least partly supported, and none is contradicted."""
    kept = [sentence.verdict in _KEPT for sentence in sentences]
    wrong = any(sentence.verdict is Verdict.CONTRADICTED for sentence in sentences)
    return 2 * sum(kept) > len(kept) and not wrong


def _quoted(turn: _Turn, written: Written, why: Quoted) -> Answer:
    best = turn.best()
    assert best is not None, "passages were read"
    text, sentences = quoting.quote(best, turn.language)
    return replace(_finished(turn, written, text, (best,), sentences), quotation=why)


def _finished(
    turn: _Turn,
    written: Written,
    text: str,
    citations: tuple[Citation, ...],
    sentences: tuple[Sentence, ...],
) -> Answer:
    return Answer(
        text=text,
        finish=written.finish,
        citations=citations,
        sentences=sentences,
        best=turn.best(),
        hits=turn.hits,
        query=turn.query,
        confidence=turn.confidence,
        tokens=written.tokens,
        prompt_tokens=written.prompt_tokens,
        seconds=time.monotonic() - turn.started,
    )
