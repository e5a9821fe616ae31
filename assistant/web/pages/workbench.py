"""A page that works on one text: the text or a document on the left, what is made of it on the right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from assistant.errors import BadRequestError, EmptyInputError
from assistant.web.i18n import label as word
from assistant.web.pages import bridge, parts
from assistant.web.pages.bridge import Reader, shown
from assistant.web.pages.labels import Labels

if TYPE_CHECKING:
    import gradio as gr

    from assistant.assistant import Assistant


class Workbench:
    """The fields that every such page has, and what happens when they are used.

    Args:
        runtime: Whose documents can be chosen.
        task: The page; its words are ``task``, ``task_lead`` and ``run_task``.
        empty: The key of the words that stand on the right until something is made.
    """

    def __init__(self, runtime: Assistant, task: str, empty: str) -> None:
        self._runtime, self._task, self._empty = runtime, task, empty
        self.labels = Labels()

    @contextmanager
    def laid_out(self, result: str, *, lines: int) -> Iterator[None]:
        """Lay the page out; fields that are made meanwhile stand between the text and the buttons."""
        import gradio as gr

        with gr.Column(elem_id=f"page-{self._task}", elem_classes="page"):
            self._head = bridge.view(f"{self._task}-head")
            with gr.Row(elem_classes="two"):
                with gr.Column():
                    self._inputs(lines)
                    yield
                    self._buttons()
                with gr.Column():
                    self._result = bridge.view(result)

    def _inputs(self, lines: int) -> None:
        import gradio as gr

        said = {"label": "text", "placeholder": "text_hint"}
        self.text = self.labels.make(gr.Textbox, said, lines=lines, max_lines=2 * lines)
        self._document = gr.Dropdown(
            [("—", "")], value="", label=word("or_document"), allow_custom_value=False
        )

    def _buttons(self) -> None:
        import gradio as gr

        with gr.Row(elem_classes="buttons") as self.buttons:
            start, stop = {"value": f"run_{self._task}"}, {"value": "stop"}
            self._start = self.labels.make(gr.Button, start, variant="primary")
            self._halt = self.labels.make(gr.Button, stop, elem_classes="halt")

    def choice(self, label: str, options: dict[str, str], value: str) -> Any:
        """A field to choose in; ``options`` maps its values to the keys of their words."""
        import gradio as gr

        choices = [(word(key), option) for option, key in options.items()]
        return self.labels.add(gr.Radio(choices, value=value, label=word(label)), options, label=label)

    def wire(
        self, blocks: gr.Blocks, work: Callable[..., Iterator[Markup]], own: Sequence[Any], *submits: Any
    ) -> None:
        """Let the button, and ``submits``, start the work.

        It draws the result, again and again, from the reader, the text, the document chosen, and the values of
        the page's ``own`` fields.
        """
        import gradio as gr

        def run(reader: Reader, *values: Any) -> Iterator[dict[Any, Any]]:
            for html in work(reader, *values):
                yield {self._result: shown(html)}

        load, documents, run = (bridge.guarded(self._runtime, f) for f in (self._load, self._documents, run))
        places = [*self.labels.fields, self._head, self._result, self._document]
        blocks.load(load, None, places, **bridge.EVENT)
        self._document.focus(documents, None, self._document, **bridge.EVENT)
        values = [self.text, self._document, *own]
        running = gr.on([self._start.click, *submits], run, values, self._result, **bridge.EVENT)
        self._halt.click(None, None, None, cancels=running)

    def _load(self, reader: Reader) -> dict[Any, Any]:
        return {
            **self.labels.said(reader),
            **self._documents(reader),
            self._head: shown(parts.page_head(reader, self._task)),
            self._result: shown(parts.hint(reader.say(self._empty))),
        }

    def _documents(self, reader: Reader) -> dict[Any, Any]:
        import gradio as gr

        records = self._runtime.workspace.store.documents.list(reader.user)
        ready = [(record.title, record.id) for record in records if record.state == "ready"]
        choices = [(reader.say("own_text"), ""), *ready]
        return {self._document: gr.update(choices=choices, label=reader.say("or_document"))}


def required(reader: Reader, text: str) -> str:
    """The text to work on.

    Raises:
        EmptyInputError: There is none.
    """
    if not text.strip():
        raise EmptyInputError(field=reader.say("text"), remedy=reader.say("text_hint"))
    return text


def known(options: dict[str, str], field: str, value: str) -> Any:
    """The option chosen; it comes from the browser.

    Raises:
        BadRequestError: It is none of ours.
    """
    if value not in options:
        raise BadRequestError(field=field, value=repr(value), remedy=f"use one of {', '.join(options)}")
    return value
