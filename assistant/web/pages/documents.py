"""The documents page: collections, the table of files, preview, and the retrieval inspector."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from assistant.errors import NotFoundError, YoujuError
from assistant.evidence import own_questions
from assistant.web.pages import bridge, imports, inspector, preview, shelf, sureness
from assistant.web.pages.bridge import Action, InView, Reader, shown

if TYPE_CHECKING:
    import gradio as gr

    from assistant.assistant import Assistant
    from assistant.store import Collection

Updates = dict[Any, Any]
IN_PASSING = ("imports", "dismiss", "sure-poll")
"""Actions that bring nothing else into view."""


def build(runtime: Assistant, blocks: gr.Blocks) -> None:
    """Lay the page out and wire it."""
    import gradio as gr

    with gr.Column(elem_id="page-documents", elem_classes="page"):
        body = bridge.view("shelf")
        detail = bridge.view("shelf-detail")
        progress = bridge.view("documents-imports")
        act = bridge.Channel("act-docs")
        files = gr.UploadButton(elem_id="files-documents", file_count="multiple", visible="hidden")
        target = bridge.field("files-documents-target")
        view = gr.State(InView())
    page = _Page(runtime, body, detail, progress)
    outputs = [body, detail, progress]
    act.listen(bridge.guarded(runtime, page.act), [view], outputs)
    files.upload(bridge.guarded(runtime, page.upload), [files, target], outputs, **bridge.EVENT)


class _Page:
    """What the listeners of this page do."""

    def __init__(
        self, runtime: Assistant, body: gr.Markdown, detail: gr.Markdown, progress: gr.Markdown
    ) -> None:
        self._runtime, self._store = runtime, runtime.workspace.store
        self._body, self._detail, self._progress = body, detail, progress
        self._handlers: dict[str, Callable[[Reader, Action], Updates]] = {
            "show": self._show,
            "imports": self._refresh,
            "dismiss": self._dismiss,
            "create": self._create,
            "rename": self._rename,
            "delete-collection": self._delete_collection,
            "delete": self._delete,
            "retry": self._retry,
            "preview": self._preview,
            "inspect": self._inspect,
            "sure": self._sure,
            "sure-poll": self._sure,
            "sure-measure": self._sure_measure,
            "sure-stop": self._sure_stop,
            "sure-choose": self._sure_choose,
            "sure-add": self._sure_add,
            "sure-remove": self._sure_remove,
        }

    def act(self, reader: Reader, text: str, view: InView) -> Updates:
        """Everything that this page's script asks for."""
        action = Action.parse(text)
        handler = self._handlers.get(action.do)
        if handler is None:
            return {}
        collection = action.text("collection")
        first = not view.sent  # of a fresh page: nothing is there yet that it had to take away
        if action.do not in IN_PASSING:
            view.turn(action, (collection or None) if action.do == "show" else None)
        updates = handler(reader, action)
        if action.do == "imports" and view.what not in (None, collection):
            return {}  # asked for while another collection was on its way
        if first and action.do == "show":
            updates.pop(self._detail)
        return view.kept(action, updates, self._body, self._detail, self._progress)

    def _show(self, reader: Reader, action: Action) -> Updates:
        return {**self._refresh(reader, action), self._detail: ""}

    def _refresh(self, reader: Reader, action: Action) -> Updates:
        return self._drawn(reader, action.text("collection"))

    def _dismiss(self, reader: Reader, _action: Action) -> Updates:
        imports.dismiss(reader.user.id)
        return {self._progress: shown(imports.line(self._runtime, reader, "documents"))}

    def _create(self, reader: Reader, action: Action) -> Updates:
        return self._drawn(reader, self._store.collections.create(reader.user, action.text("value")).id)

    def _rename(self, reader: Reader, action: Action) -> Updates:
        self._store.collections.rename(reader.user, action.text("id"), action.text("value"))
        return self._refresh(reader, action)

    def _delete_collection(self, reader: Reader, action: Action) -> Updates:
        self._runtime.workspace.library.delete_collection(reader.user, action.text("id"))
        return {**self._drawn(reader, ""), self._detail: ""}

    def _delete(self, reader: Reader, action: Action) -> Updates:
        self._runtime.workspace.library.delete(reader.user, action.text("id"))
        return self._show(reader, action)

    def _retry(self, reader: Reader, action: Action) -> Updates:
        imports.again(self._runtime, reader, action.text("id"))
        return self._refresh(reader, action)

    def _preview(self, reader: Reader, action: Action) -> Updates:
        record = self._store.documents.get(reader.user, action.text("id"))
        drawn = preview.html(self._runtime, reader, record, action.number("at"), action.number("end"))
        return {**self._drawn(reader, record.collection_id), self._detail: shown(drawn)}

    def _inspect(self, reader: Reader, action: Action) -> Updates:
        chosen = self._collection(reader, action.text("collection"))
        found = inspector.html(self._runtime, reader, chosen, action.text("query"))
        return {self._detail: shown(found)}

    def _sure(self, reader: Reader, action: Action) -> Updates:
        return {self._detail: shown(sureness.html(self._runtime, reader, self._own(reader, action)))}

    def _sure_measure(self, reader: Reader, action: Action) -> Updates:
        self._runtime.measurements.begin(reader.user, self._own(reader, action))
        return self._sure(reader, action)

    def _sure_stop(self, reader: Reader, action: Action) -> Updates:
        self._runtime.measurements.stop(self._own(reader, action).id)
        return self._sure(reader, action)

    def _sure_choose(self, reader: Reader, action: Action) -> Updates:
        sureness.choose(self._runtime, reader, self._own(reader, action), action.text("place"))
        return self._sure(reader, action)

    def _sure_add(self, reader: Reader, action: Action) -> Updates:
        place, home = self._own(reader, action).id, self._runtime.settings.home
        own_questions.add(home, place, action.text("question"), action.text("answer"))
        return self._sure(reader, action)

    def _sure_remove(self, reader: Reader, action: Action) -> Updates:
        place, home = self._own(reader, action).id, self._runtime.settings.home
        own_questions.remove(home, place, action.text("question"))
        return self._sure(reader, action)

    def _own(self, reader: Reader, action: Action) -> Collection:
        """The collection that an action names; a common one is not the reader's to measure."""
        found = self._store.collections.get(reader.user, action.text("collection"))
        if found.user_id != reader.user.id:
            raise NotFoundError(kind="collection", value=found.id)
        return found

    def upload(self, reader: Reader, paths: list[str] | None, chosen: str) -> Updates:
        """Files dropped on the page go to the collection that is shown, where it is the reader's own."""
        collection = self._collection(reader, chosen)
        if self._store.collections.get(reader.user, collection).user_id != reader.user.id:
            collection = self._store.collections.default(reader.user).id
        imports.begin(self._runtime, reader, collection, paths or [])
        return self._drawn(reader, collection)

    def _drawn(self, reader: Reader, chosen: str) -> Updates:
        collection = self._collection(reader, chosen)
        # The line first: once it says that all is done nobody asks again, so the table must not be older.
        line = imports.line(self._runtime, reader, "documents")
        table = shelf.html(self._runtime, reader, collection)
        return {self._body: shown(table), self._progress: shown(line)}

    def _collection(self, reader: Reader, chosen: str) -> str:
        try:
            return self._store.collections.get(reader.user, chosen).id
        except YoujuError:
            listed = self._store.collections.list(reader.user)
            return listed[0].id if listed else self._store.collections.default(reader.user).id
