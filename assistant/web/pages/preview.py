"""A document as it was cut: neighbouring chunks tinted in turn, a span marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from assistant.schema import Chunk
from assistant.web import render
from assistant.web.pages.bridge import Reader
from assistant.web.pages.icons import icon

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.store import DocumentRecord

SHOWN = 60
"""Chunks shown at once."""


def html(runtime: Assistant, reader: Reader, record: DocumentRecord, at: int = 0, end: int = 0) -> Markup:
    """The document around ``at``, with ``at:end`` marked where ``end`` is beyond it."""
    say = reader.say
    document = runtime.workspace.library.document(reader.user, record.id)
    chunks = sorted(runtime.workspace.library.chunks(reader.user, record.id), key=lambda chunk: chunk.start)
    first = _first(chunks, at)
    window = chunks[first : first + SHOWN]
    return Markup(
        '<section class="preview"><header>{back}<h2>{title}</h2></header><p class="hint">{lead} {removed}</p>'
        "{before}<div class=\"paper\">{text}</div>{after}</section>"
    ).format(
        back=_back(reader), title=record.title,
        lead=say("preview_lead", chunks=len(chunks), characters=len(document.text)),
        removed=say("removed_hidden", count=record.removed) if record.removed else "",
        text=_text(document.text, chunks, window, at, end),
        before=_more(reader, record.id, chunks[max(0, first - SHOWN)].start) if first else "",
        after=_more(reader, record.id, chunks[first + SHOWN].start) if first + SHOWN < len(chunks) else "",
    )  # fmt: skip


def _first(chunks: list[Chunk], at: int) -> int:
    """The chunk to begin with: a few before the one that holds ``at``."""
    holding = next((place for place, chunk in enumerate(chunks) if chunk.end > at), 0)
    return max(0, holding - 3) if at else 0


def _text(text: str, chunks: list[Chunk], window: list[Chunk], at: int, end: int) -> Markup:
    """Every character once, also where chunks overlap or leave a gap."""
    parts, done = [], window[0].start if window else 0
    for chunk in window:
        place = chunks.index(chunk)
        parts.append(_marked(text, done, chunk.start, at, end))
        start = max(done, chunk.start)
        inner = _marked(text, start, chunk.end, at, end)
        parts.append(Markup('<span class="chunk tint{}">{}</span>').format(place % 2, inner))
        done = max(done, chunk.end)
    return Markup("").join(parts) if window else render.plain(text[:20_000])


def _marked(text: str, start: int, stop: int, at: int, end: int) -> Markup:
    if start >= stop:
        return Markup("")
    if end <= start or at >= stop or end <= at:
        return render.plain(text[start:stop])
    first, last = max(start, at), min(stop, end)
    return Markup("{}<mark>{}</mark>{}").format(text[start:first], text[first:last], text[last:stop])


def _back(reader: Reader) -> Markup:
    return Markup(
        '<button type="button" class="tool" data-docs="show" title="{0}" aria-label="{0}">{1}</button>'
    ).format(reader.say("back"), icon("left"))


def _more(reader: Reader, document_id: str, at: int) -> Markup:
    return Markup(
        '<button type="button" class="text" data-docs="preview" data-id="{}" data-at="{}">{}</button>'
    ).format(document_id, at, reader.say("show_more"))
