"""A conversation as HTML: questions, answers, what was found, and what can be done with each."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from markupsafe import Markup

from assistant.errors import YoujuError
from assistant.schema import Citation, Document, Finish, Hit, Status
from assistant.web import i18n, render, turns
from assistant.web.pages.bridge import Reader
from assistant.web.pages.icons import icon
from assistant.web.pages.why import why

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.store import Conversation, StoredMessage

SNIPPET = 320
"""Characters of a passage that are shown under an answer; the source panel shows the rest."""


RATING_LIMITS = {"comment": 2000, "edit": 8000}
"""Characters that are kept of what a reader says of an answer."""


class Sources:
    """The documents that an answer names, read once a view, and only where they are the reader's."""

    def __init__(self, runtime: Assistant, reader: Reader) -> None:
        self._runtime, self._reader = runtime, reader
        self._known: dict[str, Document | None] = {}

    def document(self, document_id: str) -> Document | None:
        """The document, or ``None`` where it was deleted."""
        if document_id not in self._known:
            try:
                self._known[document_id] = self._runtime.workspace.library.document(
                    self._reader.user, document_id
                )
            except YoujuError:
                self._known[document_id] = None
        return self._known[document_id]

    def passage(self, document_id: str, start: int, end: int) -> str | None:
        """The words of a passage, from the document itself."""
        document = self.document(document_id)
        return document.text[start:end] if document else None


@dataclass(frozen=True)
class Thread:
    """Everything needed to draw a conversation."""

    runtime: Assistant
    reader: Reader
    conversation: Conversation
    messages: Sequence[StoredMessage]

    @cached_property
    def sources(self) -> Sources:
        """The documents named in it."""
        return Sources(self.runtime, self.reader)

    def html(self) -> Markup:
        """The finished messages, and one still being written as far as it is stored."""
        body = Markup("").join(
            question(self.reader, message) if message.role == "user" else self._answer(message)
            for message in self.messages
        )
        return root(self.reader, self.conversation.id, self.conversation.scope, body)

    def _answer(self, message: StoredMessage) -> Markup:
        reader, detail = self.reader, turns.detail_of(message)
        if turns.writing(message):
            status = Markup('<p class="status" data-poll>{}…</p>').format(reader.say("still_writing"))
            return answer_frame(status + body(reader, message.text), writing=True)
        if message.finish is Finish.DECLINED:
            content = self._refusal(detail)
        else:
            known = {c.n for c in detail.citations if self.sources.document(c.document_id)}
            content = body(reader, message.text, detail, known) + self._best(message, detail)
        return answer_frame(
            content
            + _ending(reader, message, detail)
            + self._tools(message)
            + why(reader, detail, self.sources),
            message_id=message.id,
        )

    def _refusal(self, detail: turns.Detail) -> Markup:
        say = self.reader.say
        nearest = Markup("").join(self._passage(hit, place) for place, hit in enumerate(detail.hits[:3]))
        heading = Markup("<h4>{}</h4>").format(say("nearest")) if nearest else nearest
        return Markup('<div class="refusal"><h3>{}</h3><p>{}</p>{}{}<p class="hint">{}</p></div>').format(
            say("not_found_title"), say("not_found_body"), heading, nearest, say("not_found_hint")
        )

    def _passage(self, hit: Hit, place: int) -> Markup:
        chunk = hit.chunk
        words = self.sources.passage(chunk.document_id, chunk.start, chunk.end)
        if words is None:
            return Markup('<p class="hint">{}</p>').format(self.reader.say("message_gone"))
        return passage_card(self.reader, hit.title, chunk.page, chunk.heading, words, f'data-hit="{place}"')

    def _best(self, message: StoredMessage, detail: turns.Detail) -> Markup:
        if detail.best is None:
            return Markup("")
        # A quotation is the passage already.
        if detail.quoted and any(_covers(cited, detail.best) for cited in detail.citations):
            return Markup("")
        best = detail.best
        words = self.sources.passage(best.document_id, best.start, best.end)
        if words is None:
            return Markup('<p class="hint">{}</p>').format(self.reader.say("message_gone"))
        card = passage_card(self.reader, best.title, best.page, best.heading, words, "data-best")
        return Markup('<div class="best"><h4>{}</h4>{}</div>').format(self.reader.say("best_passage"), card)

    def _tools(self, message: StoredMessage) -> Markup:
        say = self.reader.say
        rated = self.runtime.workspace.store.feedback.get(self.reader.user, message.id)
        value = rated.value if rated else 0
        said, edit = (rated.comment, rated.edit) if rated else ("", "")
        return Markup(
            '<div class="tools" role="toolbar">{copy}{again}{versions}{up}{down}'
            "{why}</div>"
            '<form class="comment" hidden data-rate="{id}"><input name="comment" maxlength="{most[comment]}" placeholder="{ask}" '
            'aria-label="{ask}" value="{said}"><textarea name="edit" rows="2" maxlength="{most[edit]}" placeholder="{better}" '
            'aria-label="{better}">{edit}</textarea><button class="text">{save}</button></form>'
        ).format(
            copy=_tool("copy", say("copy"), 'data-ui="copy"'),
            again=_tool("again", say("regenerate"), f'data-send="regenerate" data-id="{message.id}"'),
            versions=versions(self.reader, message),
            up=_tool("up", say("good"), f'data-act="rate" data-value="1" data-id="{message.id}"', value == 1),
            down=_tool("down", say("bad"), f'data-act="rate" data-value="-1" data-id="{message.id}"', value == -1),
            why=_why_button(self.reader, message), id=message.id, ask=say("comment"), save=say("send"), said=said, better=say("better_answer"), edit=edit,
            most=RATING_LIMITS,
        )  # fmt: skip


def root(reader: Reader, conversation_id: str, scope: str, body: Markup) -> Markup:
    """The frame that tells the page's script which conversation it shows."""
    return Markup('<div class="thread" data-conversation="{}" data-scope="{}">{}</div>').format(
        conversation_id, scope_value(scope), body
    )


def scope_value(scope: str) -> str:
    """A stored scope as the value of the picker: its mode, or the id of its collection."""
    fields = json.loads(scope)
    return str(fields.get("collection_id") or fields.get("mode", "all"))


def scope_json(value: str) -> str:
    """The picker's value as it is stored."""
    if value in ("all", "chat", "none"):
        return json.dumps({"mode": value})
    return json.dumps({"mode": "collection", "collection_id": value})


def question(reader: Reader, message: StoredMessage) -> Markup:
    """What the reader asked, with the way to ask it differently."""
    return Markup(
        '<article class="question" data-id="{id}"><div class="bubble">{text}</div>'
        '<div class="tools">{copy}{edit}{versions}</div></article>'
    ).format(
        id=message.id, text=render.plain(message.text), copy=_tool("copy", reader.say("copy"), 'data-ui="copy"'),
        edit=_tool("edit", reader.say("edit"), f'data-ui="edit" data-id="{message.id}"'),
        versions=versions(reader, message),
    )  # fmt: skip


def question_text(text: str) -> Markup:
    """A question that was just sent."""
    return Markup('<article class="question"><div class="bubble">{}</div></article>').format(
        render.plain(text)
    )


def answer_frame(content: Markup, *, message_id: str = "", writing: bool = False) -> Markup:
    """The article around an answer."""
    return Markup('<article class="answer{}" data-id="{}">{}</article>').format(
        " writing" if writing else "", message_id, content
    )


def body(
    reader: Reader, text: str, detail: turns.Detail | None = None, known: Collection[int] = ()
) -> Markup:
    """The text of an answer: the same function while it streams and when it is read again."""
    sentences = detail.sentences if detail else ()
    html = render.markdown(text, reader.language, sentences=sentences, citations=known)
    return Markup('<div class="prose">{}</div>').format(html)


def live(reader: Reader, asked: str, status: str, hits: Sequence[Hit], text: str) -> Markup:
    """An answer in progress: its steps in one line, the passages found, the words so far."""
    line = Markup('<p class="status" role="status">{}</p>').format(status)
    content = line + chips(reader, hits) + (body(reader, text) if text else Markup(""))
    return (question_text(asked) if asked else Markup("")) + answer_frame(content, writing=True)


def chips(reader: Reader, hits: Sequence[Hit]) -> Markup:
    """The passages that the answer is written from."""
    if not hits:
        return Markup("")
    items = Markup("").join(
        Markup('<li class="chip" title="{}">{}<b>{}</b>{}</li>').format(
            hit.chunk.text[:SNIPPET],
            icon("file"),
            hit.title,
            place(reader, hit.chunk.page, hit.chunk.heading, hit.title),
        )
        for hit in hits
    )
    return Markup('<ul class="chips" aria-label="{}">{}</ul>').format(reader.say("passages"), items)


def passage_card(reader: Reader, title: str, page: int | None, heading: str, words: str, data: str) -> Markup:
    """A passage that opens in the source panel."""
    for said in (title, heading):
        words = words.removeprefix(said).lstrip()
    cut = words if len(words) <= SNIPPET else words[:SNIPPET].rstrip() + "…"
    return Markup(
        '<button type="button" class="passage" {}><b>{}</b>{}<span class="quote">{}</span></button>'
    ).format(Markup(data), title, place(reader, page, heading, title), render.plain(cut))


def place(reader: Reader, page: int | None, heading: str, title: str = "") -> Markup:
    """Page or heading, where there is one and it says more than the title."""
    words = reader.say("page_n", page=page) if page else "" if heading == title else heading
    return Markup('<span class="place">{}</span>').format(words) if words else Markup("")


def versions(reader: Reader, message: StoredMessage) -> Markup:
    """``‹ 2/3 ›``, where there is more than one."""
    if message.versions < 2:
        return Markup("")
    return Markup('<span class="versions" aria-label="{}">{}<span>{}/{}</span>{}</span>').format(
        reader.say("version", version=message.version, versions=message.versions),
        _step(reader, "left", "previous_version", message.previous_id), message.version, message.versions,
        _step(reader, "right", "next_version", message.next_id),
    )  # fmt: skip


def status_words(reader: Reader, steps: Sequence[Status]) -> str:
    """The steps so far in one line, as one reads them: each said once, with its newest number."""
    newest = {step.step: step.count for step in steps}
    words = [reader.say(f"status_{name}", count=count) for name, count in newest.items()]
    return (" " if reader.language == "en" else "").join(words)


def citation(detail: turns.Detail, n: int) -> Citation | None:
    """The citation with this number."""
    return next((c for c in detail.citations if c.n == n), None)


def _covers(cited: Citation, best: Citation) -> bool:
    same = cited.document_id == best.document_id
    return same and cited.start <= best.start and best.end <= cited.end


def _why_button(reader: Reader, message: StoredMessage) -> Markup:
    """Where documents were looked at: a greeting needs no reasons."""
    if not turns.detail_of(message).evident:
        return Markup("")
    return Markup('<button type="button" class="text" data-ui="why">{}</button>').format(reader.say("why"))


def _ending(reader: Reader, message: StoredMessage, detail: turns.Detail) -> Markup:
    """How an answer ended, where that needs saying."""
    lines = []
    if detail.quoted:
        lines.append(reader.say(f"quoted_{detail.quoted}", model=detail.model))
    if detail.dropped:
        lines.append(reader.say("dropped", count=detail.dropped))
    if detail.error:
        lines.append(i18n.stored_error(detail.error, detail.error_fields, reader.language))
    elif message.finish is None:
        lines.append(reader.say("finish_interrupted"))
    elif message.finish is Finish.LENGTH and detail.quoted:
        pass  # what was cut is not what is shown
    elif message.finish in (Finish.CANCELLED, Finish.LENGTH, Finish.TIMEOUT, Finish.ERROR):
        lines.append(reader.say(f"finish_{message.finish}"))
    return Markup("").join(Markup('<p class="ending">{}</p>').format(line) for line in lines)


def _tool(name: str, label: str, data: str, pressed: bool | None = None) -> Markup:
    state = Markup("") if pressed is None else Markup(' aria-pressed="{}"').format(str(pressed).lower())
    return Markup(
        '<button type="button" class="tool" title="{0}" aria-label="{0}" {1}{2}>{3}</button>'
    ).format(label, Markup(data), state, icon(name))


def _step(reader: Reader, name: str, key: str, message_id: str | None) -> Markup:
    if message_id is None:
        return Markup('<button type="button" class="tool" disabled aria-label="{}">{}</button>').format(
            reader.say(key), icon(name)
        )
    return _tool(name, reader.say(key), f'data-act="select" data-id="{message_id}"')
