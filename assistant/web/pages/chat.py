"""The chat page: conversations, questions, answers as they are written, and the sources behind them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, Literal, cast

from markupsafe import Markup

from assistant.errors import BadRequestError, NotFoundError
from assistant.schema import Answer, Delta, Found, Hit, Status
from assistant.web import turns
from assistant.web.pages import bridge, composer, conversation, examples, frame, imports, source
from assistant.web.pages.bridge import Action, InView, Reader, shown

if TYPE_CHECKING:
    import gradio as gr

    from assistant.assistant import Assistant

DRAW_EVERY_S = 0.12
"""Seconds between two drawings of a growing answer: quicker costs more than the eye gains."""
LISTED = 100

Updates = dict[Any, Any]


def build(runtime: Assistant, blocks: gr.Blocks, history: gr.Markdown, panel: gr.Markdown) -> None:
    """Lay the page out and wire it."""
    import gradio as gr

    with gr.Column(elem_id="page-chat", elem_classes="page"):
        thread, live = bridge.view("thread"), bridge.view("live")
        progress, form = bridge.view("chat-imports"), bridge.view("composer")
        act, send = bridge.Channel("act-chat"), bridge.Channel("act-send")
        files = gr.UploadButton(elem_id="files-chat", file_count="multiple", visible="hidden")
        target = bridge.field("files-chat-target")
        view = gr.State(InView())
    page = _Page(runtime, history, panel, thread, live, progress, form)
    outputs = [history, panel, thread, live, progress, form]
    listen = bridge.EVENT
    blocks.load(bridge.guarded(runtime, page.load), None, outputs, **listen)
    act.listen(bridge.guarded(runtime, page.act), [view], outputs)
    send.listen(bridge.guarded(runtime, page.send), [view], outputs)
    files.upload(bridge.guarded(runtime, page.upload), [files, target, view], [*outputs, files], **listen)


class _Page:
    """What the listeners of this page do. Holds components, never anything of a reader."""

    def __init__(
        self,
        runtime: Assistant,
        history: gr.Markdown,
        panel: gr.Markdown,
        thread: gr.Markdown,
        live: gr.Markdown,
        progress: gr.Markdown,
        form: gr.Markdown,
    ) -> None:
        self._runtime, self._store = runtime, runtime.workspace.store
        self._history, self._panel = history, panel
        self._thread, self._live, self._progress, self._form = thread, live, progress, form
        self._handlers: dict[str, Callable[[Reader, Action], Updates]] = {
            "open": lambda reader, action: {**self._open(reader, action.text("c")), self._live: ""},
            "again": lambda reader, action: self._open(reader, action.text("c")),
            "new": self._new,
            "search": self._search,
            "rename": self._rename,
            "delete": self._delete,
            "select": self._select,
            "rate": self._rate,
            "scope": self._scope,
            "stop": self._stop,
            "cite": self._cite,
            "imports": self._imports,
            "dismiss": self._dismiss,
            "form": self._composer,
        }

    def load(self, reader: Reader) -> Updates:
        """The page before anything was opened."""
        return {
            **self._list(reader),
            **self._blank(reader),
            self._form: shown(composer.form(self._runtime, reader)),
        }

    def act(self, reader: Reader, text: str, view: InView) -> Updates:
        """Everything that answers at once."""
        action = Action.parse(text)
        handler = self._handlers.get(action.do)
        if handler is None:
            return {}
        _bring(view, action)
        updates = handler(reader, action)
        if action.do == "again" and view.what not in (None, action.text("c")):
            return {}  # asked for while another conversation was on its way
        return self._kept(view, action, updates)

    def _kept(self, view: InView, action: Action, updates: Updates) -> Updates:
        return view.kept(action, updates, self._thread, self._live, self._panel)

    def _new(self, reader: Reader, _action: Action) -> Updates:
        return {**self._blank(reader), self._panel: "", self._progress: ""}

    def _search(self, reader: Reader, action: Action) -> Updates:
        return self._list(reader, action.text("query"))

    def _rename(self, reader: Reader, action: Action) -> Updates:
        self._store.conversations.rename(reader.user, action.text("c"), action.text("value"))
        return self._list(reader)

    def _select(self, reader: Reader, action: Action) -> Updates:
        moved = self._store.conversations.select(reader.user, action.text("id"))
        return {self._thread: shown(self._drawn(reader, moved.id))}

    def _scope(self, reader: Reader, action: Action) -> Updates:
        scope = conversation.scope_json(action.text("value"))
        self._store.conversations.set_scope(reader.user, action.text("c"), scope)
        return {}

    def _stop(self, reader: Reader, action: Action) -> Updates:
        turns.stop(reader.user, self._runtime, action.text("c"))
        return {}

    def _cite(self, reader: Reader, action: Action) -> Updates:
        return {self._panel: shown(self._cited(reader, action))}

    def _imports(self, reader: Reader, _action: Action) -> Updates:
        return {self._progress: shown(imports.line(self._runtime, reader, "chat"))}

    def _dismiss(self, reader: Reader, _action: Action) -> Updates:
        imports.dismiss(reader.user.id)
        return {self._progress: ""}

    def _composer(self, reader: Reader, _action: Action) -> Updates:
        return {self._form: shown(composer.form(self._runtime, reader))}

    def send(self, reader: Reader, text: str, view: InView) -> Iterator[Updates]:
        """Ask, edit or regenerate: the answer is drawn as it grows, while its conversation is in view."""
        action = Action.parse(text)
        for updates in self._sent(reader, action, view):
            yield self._kept(view, action, updates)

    def _sent(self, reader: Reader, action: Action, view: InView) -> Iterator[Updates]:
        conversation_id = action.text("c")
        view.turn(action, conversation_id)
        try:
            conversation_id, turn = self._turn(reader, action)
            view.turn(action, conversation_id)
            yield from self._answer(reader, conversation_id, turn, fresh=not action.text("c"))
        except Exception as error:  # noqa: BLE001  # told and logged; the page goes on
            bridge.tell(error, reader.language)
        done = Markup('<i data-done="{}"></i>').format(action.number("t"))
        yield {**self._open(reader, conversation_id), **self._list(reader), self._live: shown(done)}

    def _answer(
        self, reader: Reader, conversation_id: str, turn: turns.Turn, *, fresh: bool
    ) -> Iterator[Updates]:
        drawing = _Drawing(self._runtime, reader, "" if isinstance(turn, turns.Regenerate) else turn.question)
        begun: Updates = {self._live: shown(drawing.html())}
        if fresh or not isinstance(turn, turns.Ask):
            begun[self._thread] = shown(self._until(reader, conversation_id, turn))
        yield begun
        with closing(turns.run(self._runtime, reader.user, conversation_id, turn)) as events:
            for event in events:
                if drawing.take(event):
                    listed = self._list(reader) if fresh else {}
                    fresh = False
                    yield {self._live: shown(drawing.html()), **listed}

    def upload(self, reader: Reader, paths: list[str] | None, where: str, view: InView) -> Updates:
        """Files dropped into the chat go to the chat's own collection."""
        conversation_id = where or self._store.conversations.create(reader.user).id
        own = self._store.collections.for_chat(reader.user, conversation_id)
        imports.begin(self._runtime, reader, own.id, paths or [])
        updates: Updates = {self._progress: shown(imports.line(self._runtime, reader, "chat"))}
        if not where:
            view.what = conversation_id
            scope = conversation.scope_json("chat")
            self._store.conversations.set_scope(reader.user, conversation_id, scope)
            updates |= {self._thread: shown(self._drawn(reader, conversation_id)), **self._list(reader)}
        return updates

    def _turn(self, reader: Reader, action: Action) -> tuple[str, turns.Turn]:
        conversation_id = action.text("c")
        match action.do:
            case "regenerate":
                return conversation_id, turns.Regenerate(action.text("id"))
            case "edit":
                return conversation_id, turns.Edit(action.text("id"), action.text("text"))
        turn = turns.Ask(action.text("text"))
        if not conversation_id:
            conversation_id = self._store.conversations.create(reader.user).id
            if scope := action.text("scope"):
                self._store.conversations.set_scope(
                    reader.user, conversation_id, conversation.scope_json(scope)
                )
        return conversation_id, turn

    def _open(self, reader: Reader, conversation_id: str) -> Updates:
        if not conversation_id:
            return self._blank(reader)
        try:
            return {self._thread: shown(self._drawn(reader, conversation_id))}
        except NotFoundError as error:
            bridge.tell(error, reader.language)
            return self._blank(reader)

    def _drawn(self, reader: Reader, conversation_id: str) -> Markup:
        found = self._store.conversations.get(reader.user, conversation_id)
        messages = self._store.conversations.path(reader.user, conversation_id)
        if not messages:
            start = examples.empty(self._runtime, reader, own_files=True)
            return conversation.root(reader, found.id, found.scope, start)
        return conversation.Thread(self._runtime, reader, found, messages).html()

    def _until(self, reader: Reader, conversation_id: str, turn: turns.Turn) -> Markup:
        """The conversation up to the message that is written anew."""
        found = self._store.conversations.get(reader.user, conversation_id)
        if isinstance(turn, turns.Ask):
            return conversation.root(reader, found.id, found.scope, Markup(""))
        path = self._store.conversations.path(reader.user, conversation_id, turn.message_id)[:-1]
        return conversation.Thread(self._runtime, reader, found, path).html()

    def _blank(self, reader: Reader) -> Updates:
        start = examples.empty(self._runtime, reader)
        return {self._thread: shown(conversation.root(reader, "", '{"mode": "all"}', start)), self._live: ""}

    def _list(self, reader: Reader, query: str = "") -> Updates:
        found = self._store.conversations.list(reader.user, query, LISTED)
        return {self._history: shown(frame.history(reader, found, query))}

    def _delete(self, reader: Reader, action: Action) -> Updates:
        conversation_id = action.text("c")
        turns.stop(reader.user, self._runtime, conversation_id)
        if own := self._store.collections.of_chat(reader.user, conversation_id):
            self._runtime.workspace.library.delete_collection(reader.user, own.id)
        self._store.conversations.delete(reader.user, conversation_id)
        updates = self._list(reader)
        if action.text("shown") != conversation_id:
            return updates
        return {**updates, **self._blank(reader), self._panel: ""}

    def _rate(self, reader: Reader, action: Action) -> Updates:
        """A thumb, or the form: the thumb with a comment and the better answer."""
        message_id = action.text("id")
        before = self._store.feedback.get(reader.user, message_id)
        value = action.number("value")
        if value not in (-1, 0, 1):
            raise BadRequestError(field="value", value=value, remedy="use -1, 0 or 1")
        comment = _said(action, "comment", before.comment if before and before.value == value else "")
        edit = _said(action, "edit", before.edit if before else "")
        self._store.feedback.rate(reader.user, message_id, cast("Literal[-1, 0, 1]", value), comment, edit)
        if "comment" in action.fields:  # the form was sent, not a thumb alone
            bridge.note(reader, reader.say("comment_sent"))
        return {}

    def _cited(self, reader: Reader, action: Action) -> Markup:
        """The panel for a citation ``n``, the best passage, or the passage ``hit`` of an answer."""
        message = self._store.conversations.message(reader.user, action.text("id"))
        detail = turns.detail_of(message)
        spot = _spot(detail, message.id, action)
        if spot is None:
            return source.gone(reader)
        document_id, where = spot
        document = conversation.Sources(self._runtime, reader).document(document_id)
        return source.panel(reader, document, where) if document else source.gone(reader)


def _bring(view: InView, action: Action) -> None:
    """Note the conversation that ``action`` brings into view, if it brings one."""
    match action.do:
        case "open" | "select":
            view.turn(action, action.text("c"))
        case "new":
            view.turn(action, "")
        case "delete" if action.text("shown") == action.text("c"):
            view.turn(action, "")


def _said(action: Action, name: str, before: str) -> str:
    """What stands in a field of the rating's form, or what stood there before where the form was not sent."""
    if name not in action.fields:
        return before
    said, limit = action.text(name).strip(), conversation.RATING_LIMITS[name]
    if len(said) > limit:
        raise BadRequestError(
            field=name, value=f"{len(said)} characters", remedy=f"write at most {limit} characters"
        )
    return said


def _spot(detail: turns.Detail, message_id: str, action: Action) -> tuple[str, source.Place] | None:
    numbers = tuple(c.n for c in detail.citations)
    if "hit" in action.fields:
        place = action.number("hit")
        if not 0 <= place < len(detail.hits):
            return None
        hit: Hit = detail.hits[place]
        chunk = hit.chunk
        where = source.Place(
            hit.title, chunk.start, chunk.end, chunk.page, chunk.heading, message_id=message_id
        )
        return chunk.document_id, where
    cited = detail.best if "best" in action.fields else conversation.citation(detail, action.number("n"))
    if cited is None:
        return None
    number = 0 if "best" in action.fields else cited.n
    return cited.document_id, source.Place(
        cited.title, cited.start, cited.end, cited.page, cited.heading, number, numbers, message_id
    )


class _Drawing:
    """An answer as it is drawn while it grows."""

    def __init__(self, runtime: Assistant, reader: Reader, asked: str) -> None:
        self._reader, self._asked = reader, asked
        self._steps: list[Status] = []
        self._hits: tuple[Hit, ...] = ()
        self._text, self._drawn, self._waiting = "", 0.0, 0
        self._loading = runtime.models.state().state != "ready"

    def take(self, event: Any) -> bool:
        """Take an event in; true when it is time to draw."""
        if isinstance(event, Status):
            self._steps.append(event)
        elif isinstance(event, Found):
            self._hits = event.hits
        elif isinstance(event, Answer):
            return False
        elif isinstance(event, Delta):
            return self._grow(event)
        return True

    def _grow(self, event: Delta) -> bool:
        moved = event.queue_position != self._waiting
        self._waiting = event.queue_position
        first = not self._text and bool(event.text)
        self._text += event.text
        if not (first or moved or (event.text and time.monotonic() - self._drawn > DRAW_EVERY_S)):
            return False
        self._drawn = time.monotonic()
        return True

    def html(self) -> Markup:
        """The answer so far."""
        return conversation.live(self._reader, self._asked, self._status(), self._hits, self._text)

    def _status(self) -> str:
        steps = [step for step in self._steps if step.step not in ("queued", "writing")]
        words = conversation.status_words(self._reader, steps)
        if self._text:
            return self._join(words, "status_writing")
        if self._waiting:
            return self._join(words, "status_queued", count=self._waiting)
        if self._loading and (not self._steps or self._steps[-1].step == "writing"):
            return self._join(words, "status_loading")
        return words or self._reader.say("status_rewriting")

    def _join(self, words: str, key: str, **fields: Any) -> str:
        joint = " " if words and self._reader.language == "en" else ""
        return words + joint + self._reader.say(key, **fields)
