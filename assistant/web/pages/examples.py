"""The empty chat: what Youju does, and three questions that its documents can answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from markupsafe import Markup

from assistant.errors import YoujuError
from assistant.web.pages.bridge import Reader

if TYPE_CHECKING:
    from assistant.runtime import Runtime
    from assistant.store import DocumentRecord

SHOWN = 3
READ = 12
"""Documents that are opened in search of a question."""
LONGEST = 90


def empty(runtime: Runtime, reader: Reader, *, own_files: bool = False) -> Markup:
    """The start of a conversation."""
    say = reader.say
    asked = [] if own_files else questions(runtime, reader)
    items = Markup("").join(
        Markup('<li><button type="button" data-ask-this>{}</button></li>').format(words) for words in asked
    )
    hint = say("drop_here") if asked or own_files else say("no_documents_yet")
    return Markup(
        '<section class="empty"><h1>{}</h1><p>{}</p><ul class="examples">{}</ul>'
        '<button type="button" class="drop-zone" data-ui="attach">{}</button></section>'
    ).format(say("greeting"), say("tagline"), items, hint)


def questions(runtime: Runtime, reader: Reader) -> list[str]:
    """Questions that stand in the documents as titles or headings; where there are none, ones about a title."""
    ready = [record for record in runtime.store.documents.list(reader.user) if record.state == "ready"]
    ready.sort(key=lambda record: (record.language != reader.language, record.created, record.id))
    asked: list[str] = []
    for record in ready[:READ]:
        for words in _asked_in(runtime, reader, record):
            if words not in asked:
                asked.append(words)
                break
        if len(asked) == SHOWN:
            return asked
    about = (about_title(record) for record in ready)
    return [*asked, *(words for words in about if words not in asked)][:SHOWN]


def about_title(record: DocumentRecord) -> str:
    """A question in the document's own language."""
    title = record.title[:60]
    return f"“{title}”讲了什么？" if record.language == "zh" else f"What does “{title}” say?"


def _asked_in(runtime: Runtime, reader: Reader, record: DocumentRecord) -> Iterator[str]:
    if _is_question(record.title):
        yield record.title
    try:
        marks = runtime.library.document(reader.user, record.id).marks
    except YoujuError:
        return
    yield from (mark.label for mark in marks if mark.kind == "heading" and _is_question(mark.label))


def _is_question(words: str) -> bool:
    return words.endswith(("?", "？")) and len(words) <= LONGEST
