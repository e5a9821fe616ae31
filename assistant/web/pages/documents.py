"""The documents page: collections, the table of files, preview, and the retrieval inspector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assistant.errors import YoujuError
from assistant.web.pages import bridge, imports, inspector, preview, shelf
from assistant.web.pages.bridge import Action, Reader, shown

if TYPE_CHECKING:
    import gradio as gr

    from assistant.runtime import Runtime

Updates = dict[Any, Any]


def build(runtime: Runtime, blocks: gr.Blocks) -> None:
    """Lay the page out and wire it."""
    import gradio as gr

    with gr.Column(elem_id="page-documents", elem_classes="page"):
        body = bridge.view("shelf")
        detail = bridge.view("shelf-detail")
        progress = bridge.view("documents-imports")
        act = bridge.channel("act-docs")
        files = gr.UploadButton(elem_id="files-documents", file_count="multiple", visible="hidden")
        target = bridge.channel("files-documents-target")
    page = _Page(runtime, body, detail, progress)
    outputs = [body, detail, progress]
    act.change(bridge.guarded(runtime, page.act), act, outputs, **bridge.EVENT)
    files.upload(bridge.guarded(runtime, page.upload), [files, target], outputs, **bridge.EVENT)


class _Page:
    """What the listeners of this page do."""

    def __init__(
        self, runtime: Runtime, body: gr.Markdown, detail: gr.Markdown, progress: gr.Markdown
    ) -> None:
        self._runtime, self._store = runtime, runtime.store
        self._body, self._detail, self._progress = body, detail, progress

    def act(self, reader: Reader, text: str) -> Updates:
        """Everything that this page's script asks for."""
        action = Action.parse(text)
        chosen = action.text("collection")
        match action.do:
            case "show":
                return {**self._drawn(reader, chosen), self._detail: ""}
            case "imports":
                return self._drawn(reader, chosen)
            case "dismiss":
                imports.dismiss(reader.user.id)
                return self._drawn(reader, chosen)
            case "create":
                created = self._store.collections.create(reader.user, action.text("value"))
                return self._drawn(reader, created.id)
            case "rename":
                self._store.collections.rename(reader.user, action.text("id"), action.text("value"))
                return self._drawn(reader, chosen)
            case "delete-collection":
                self._runtime.library.delete_collection(reader.user, action.text("id"))
                return {**self._drawn(reader, ""), self._detail: ""}
            case "delete":
                self._runtime.library.delete(reader.user, action.text("id"))
                return {**self._drawn(reader, chosen), self._detail: ""}
            case "preview":
                at, end = action.number("at"), action.number("end")
                record = self._store.documents.get(reader.user, action.text("id"))
                return {
                    **self._drawn(reader, record.collection_id),
                    self._detail: shown(preview.html(self._runtime, reader, record, at, end)),
                }
            case "inspect":
                return {
                    self._detail: shown(inspector.html(self._runtime, reader, chosen, action.text("query")))
                }
            case _:
                return {}

    def upload(self, reader: Reader, paths: list[str] | None, chosen: str) -> Updates:
        """Files dropped on the page go to the collection that is shown."""
        collection = self._collection(reader, chosen)
        imports.begin(self._runtime, reader, collection, paths or [])
        return self._drawn(reader, collection)

    def _drawn(self, reader: Reader, chosen: str) -> Updates:
        collection = self._collection(reader, chosen)
        return {
            self._body: shown(shelf.html(self._runtime, reader, collection)),
            self._progress: shown(imports.line(self._runtime, reader, "documents")),
        }

    def _collection(self, reader: Reader, chosen: str) -> str:
        try:
            return self._store.collections.get(reader.user, chosen).id
        except YoujuError:
            listed = self._store.collections.list(reader.user)
            return listed[0].id if listed else self._store.collections.default(reader.user).id
