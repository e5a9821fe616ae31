"""One turn of a chat over documents: what is wanted decides which tool answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assistant.errors import StillReadingError
from assistant.request import Request
from assistant.schema import TurnEvent
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
            yield from grounded.answer(reader, request, sources.search, sources.similarity)
        else:
            yield from talking.reply(reader, request, Kind.LIBRARY, ())
    else:
        titles = sources.titles() if kind is Kind.LIBRARY else _known(sources)
        yield from talking.reply(reader, request, kind, titles)


def _known(sources: Sources) -> Sequence[Title]:
    """The titles, if any yet: a greeting does not wait for documents that are still being read."""
    try:
        return sources.titles()
    except StillReadingError:
        return ()
