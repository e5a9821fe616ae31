"""One turn of a chat over documents: what is wanted decides which tool answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from assistant import prompts
from assistant.errors import StillReadingError
from assistant.evidence.languages import language_of
from assistant.request import Request
from assistant.schema import Answer, TurnEvent
from assistant.tools import grounded, talking, tasks
from assistant.tools.messages import Kind, kind_of
from assistant.tools.reader import Reader
from assistant.tools.sources import Sources, Title


def reply(reader: Reader, request: Request, sources: Sources) -> Iterator[TurnEvent]:
    """Answer a message.

    Args:
        reader: Reads and writes.
        request: The message with its conversation.
        sources: The documents in scope.

    Yields:
        ``Status``, ``Found`` and ``Delta`` as they come, at last the ``Answer``.
    """
    margin = reader.calibration.kind_margin
    kind = kind_of(request.question, sources.similarity, margin)
    if kind is Kind.TASK and (events := tasks.perform(reader, request, sources)):
        yield from events
    elif kind in (Kind.DOCUMENTS, Kind.TASK):
        if sources.titles():
            found = grounded.answer(reader, request, sources.search, sources.similarity)
            yield from _in_ours(found, request.question)
        else:
            yield from talking.reply(reader, request, Kind.LIBRARY, ())
    else:
        titles = sources.titles() if kind is Kind.LIBRARY else _known(sources)
        yield from talking.reply(reader, request, kind, titles)


def _in_ours(events: Iterator[TurnEvent], question: str) -> Iterator[TurnEvent]:
    """A question in a third language that is answered in one of ours gets a line that says so."""
    other = language_of(question) is None
    for event in events:
        if other and isinstance(event, Answer) and language_of(event.text):
            event = replace(event, text=f"{event.text}\n\n{prompts.OTHER_LANGUAGE}")
        yield event


def _known(sources: Sources) -> Sequence[Title]:
    """The titles, if any yet: a greeting does not wait for documents that are still being read."""
    try:
        return sources.titles()
    except StillReadingError:
        return ()
