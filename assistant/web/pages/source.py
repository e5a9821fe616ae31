"""The source panel: a passage in place, with the exact span marked."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from assistant.schema import Document
from assistant.web import render
from assistant.web.pages.bridge import Reader
from assistant.web.pages.conversation import place
from assistant.web.pages.icons import icon

AROUND = 500
"""Characters shown before and after the passage, cut at line ends where there are any."""


@dataclass(frozen=True, slots=True)
class Place:
    """A span of a document, and where it stands among the citations of its answer."""

    title: str
    start: int
    end: int
    page: int | None
    heading: str
    number: int = 0
    """The ``n`` of the citation; 0 for a passage that is none."""
    numbers: tuple[int, ...] = ()
    """All the citations of the answer."""
    message_id: str = ""


def panel(reader: Reader, document: Document, spot: Place) -> Markup:
    """Title, place, the passage with some lines around it, and the ways on."""
    say = reader.say
    before, after = around(document.text, spot.start, spot.end)
    return Markup(
        '<div class="source" data-message="{message}">{head}<h3>{title}</h3>{place}'
        '<div class="excerpt" lang="">{before}<mark>{span}</mark>{after}</div>{steps}'
        '<a class="text" href="/?p=documents&amp;d={id}&amp;at={start}" data-docs="preview" data-id="{id}" '
        'data-at="{start}" data-end="{end}">{open}</a></div>'
    ).format(
        message=spot.message_id, head=_head(reader), title=spot.title, place=place(reader, spot.page, spot.heading, spot.title),
        before=render.plain(before), span=render.plain(document.text[spot.start : spot.end]),
        after=render.plain(after), steps=_steps(reader, spot), id=document.id, start=spot.start, end=spot.end,
        open=say("open_document"),
    )  # fmt: skip


def gone(reader: Reader) -> Markup:
    """For a passage whose document was deleted."""
    return Markup('<div class="source">{}<p class="hint">{}</p></div>').format(
        _head(reader), reader.say("message_gone")
    )


def around(text: str, start: int, end: int) -> tuple[str, str]:
    """The text just before and just after a span, cut at line ends where that leaves something."""
    first, last = max(0, start - AROUND), min(len(text), end + AROUND)
    before, after = text[first:start], text[end:last]
    if first > 0:
        cut = before.find("\n")
        before = "…" + (before[cut + 1 :] if 0 <= cut < len(before) - 80 else before)
    if last < len(text):
        cut = after.rfind("\n")
        after = (after[:cut] if cut > 80 else after) + "…"
    return before, after


def _head(reader: Reader) -> Markup:
    return Markup(
        '<header><span>{}</span><button type="button" class="quiet" data-ui="close-source" aria-label="{}">{}</button>'
        "</header>"
    ).format(reader.say("source"), reader.say("close"), icon("close"))


def _steps(reader: Reader, spot: Place) -> Markup:
    if spot.number not in spot.numbers or len(spot.numbers) < 2:
        return Markup("")
    at = spot.numbers.index(spot.number)
    before = spot.numbers[at - 1] if at else None
    after = spot.numbers[at + 1] if at + 1 < len(spot.numbers) else None
    return Markup('<div class="steps">{}<span>{}</span>{}</div>').format(
        _step(reader, "left", "previous_citation", before),
        reader.say("citation_of", n=at + 1, total=len(spot.numbers)),
        _step(reader, "right", "next_citation", after),
    )


def _step(reader: Reader, name: str, key: str, n: int | None) -> Markup:
    data = Markup('data-n="{}"').format(n) if n else Markup("disabled")
    return Markup('<button type="button" class="tool step" {} title="{}" aria-label="{}">{}</button>').format(
        data, reader.say(key), reader.say(key), icon(name)
    )
