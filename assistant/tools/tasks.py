"""Work on a document that a message names, or on the last answer: summarize, shorten, list, rewrite."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from assistant import prompts
from assistant.evidence import answering
from assistant.evidence.attribution import coverage
from assistant.evidence.relevance import Similarity
from assistant.evidence.words import normalize, terms
from assistant.request import Request
from assistant.schema import Answer, Finish, Hit, Status, TurnEvent
from assistant.tools import chat, reading
from assistant.tools.messages import answer_language
from assistant.tools.reader import Reader
from assistant.tools.sources import Sources, Title
from assistant.tools.streaming import relay, tidy

_NAMED = 0.5
"""Share of a title's words in the message from which the document is meant."""
_NEAR = 0.05
"""By how much the nearest title has to be nearer than the next, where no words match (across languages)."""
_READ = 1500
"""Tokens of a document that are read at once; a longer one has a page of its own, with progress."""


def perform(reader: Reader, request: Request, sources: Sources) -> Iterator[TurnEvent] | None:
    """Do what the message asks for.

    Returns:
        The events of the turn; ``None`` where it names no document and nothing was said before, so that it
        is a question like any other.
    """
    if not reader.writes:
        return None
    document = named(request.question, sources.titles(), sources.similarity)
    if document is not None:
        return _on_document(reader, request, sources.passages(document.id))
    if any(message.role == "assistant" for message in request.history):
        return chat.reply(reader, request)
    return None


def named(message: str, titles: Sequence[Title], similarity: Similarity) -> Title | None:
    """The document that a message means, by the words of its title or file name, else by nearness."""
    if not titles:
        return None
    said = terms(message)
    shares = [max(_share(said, message, name) for name in (t.title, PurePath(t.file).stem)) for t in titles]
    best = max(range(len(titles)), key=lambda n: (shares[n], len(titles[n].title)))
    if shares[best] >= _NAMED:
        return titles[best]
    if not said:
        return None
    (near,) = similarity([message], [title.title for title in titles])
    first, *rest = sorted(near, reverse=True)
    clear = len(titles) > 1 and first - rest[0] >= _NEAR
    return titles[list(near).index(first)] if clear else None


def _share(said: Sequence[str], message: str, name: str) -> float:
    known = [term for term in terms(name) if not term.isdigit()]
    whole = re.escape(normalize(name).casefold().strip())
    if known and re.search(rf"(?<![a-z0-9]){whole}(?![a-z0-9])", normalize(message).casefold()):
        return 1.0
    return coverage(known, said, {}) if known else 0.0


def _on_document(reader: Reader, request: Request, passages: Sequence[Hit]) -> Iterator[TurnEvent]:
    """Read the document's beginning, as much as fits, and do it; every sentence is checked against it."""
    started = time.monotonic()
    read: list[Hit] = []
    used = 0
    for hit in passages:
        used += reader.model.count_text(reading.passage(hit))
        if read and used > _READ:
            break
        read.append(hit)
    language = answer_language(request.question)
    text = "\n\n".join(hit.chunk.text for hit in read)
    messages = prompts.work(text, request.question, language, request.system)
    yield Status("writing")
    written = yield from relay(reader, messages, request.sampling)
    yield Status("checking")
    whole = tidy(written.text.strip(), cut_off=written.finish is Finish.LENGTH)
    text, citations, sentences = answering.examine(whole, read)
    if len(read) < len(passages):
        text += "\n\n" + prompts.CUT[language].format(read=len(read), count=len(passages))
    yield Answer(
        text=text,
        finish=written.finish,
        citations=citations,
        sentences=sentences,
        hits=tuple(read),
        query=request.question,
        tokens=written.tokens,
        prompt_tokens=written.prompt_tokens,
        seconds=time.monotonic() - started,
    )
