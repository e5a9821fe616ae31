"""How the pages talk with Gradio.

Our HTML is shown through ``gr.Markdown`` and our actions come through a hidden ``gr.Textbox``: ``gr.HTML`` and
``js=`` listeners evaluate strings as code, which the pages' Content-Security-Policy forbids.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from assistant.errors import BadRequestError, YoujuError
from assistant.schema import Language
from assistant.web import i18n
from assistant.web.auth import user_of

if TYPE_CHECKING:
    import gradio as gr

    from assistant.assistant import Assistant
    from assistant.store import User

log = logging.getLogger(__name__)

EVENT: dict[str, Any] = {
    "show_progress": "hidden",
    "trigger_mode": "multiple",
    "concurrency_limit": 32,
    "api_visibility": "private",
}
"""How every listener of the pages runs: many at once; the engine's own queue is the one that limits."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks at the page, and in which language."""

    user: User
    language: Language

    def say(self, key: str, **fields: Any) -> str:
        """The words behind ``key`` in the reader's language."""
        return i18n.text(key, self.language, **fields)


def reader_of(runtime: Assistant, request: gr.Request) -> Reader:
    """The signed-in user, with the language of the settings or else of the browser."""
    user = user_of(request.request)
    chosen = runtime.workspace.store.settings.get(user, "language", "")
    if chosen in ("en", "zh"):
        return Reader(user, "zh" if chosen == "zh" else "en")
    return Reader(user, i18n.pick(request.headers.get("accept-language") or ""))


def view(elem_id: str, html: Markup | str = "") -> gr.Markdown:
    """A place for our HTML."""
    import gradio as gr

    return gr.Markdown(
        shown(html),
        elem_id=elem_id,
        sanitize_html=False,
        latex_delimiters=[],
        container=False,
        elem_classes="view",
    )


def shown(html: Markup | str) -> str:
    """HTML as ``gr.Markdown`` passes it on untouched: one block, without a line that ends it."""
    if not html:
        return ""
    return f"<div>{html}</div>".replace("\r", "").replace("\n", "&#10;")


def field(elem_id: str) -> gr.Textbox:
    """A hidden field that the page's script writes."""
    import gradio as gr

    return gr.Textbox(elem_id=elem_id, visible="hidden", show_label=False, container=False)


class Channel:
    """The way in for actions of the page's script: JSON objects with a ``do``.

    Gradio reads a field when it comes to send it, which on a busy machine is a second after it was written: of
    two actions in one field the first would be lost. So they take turns, and what is only asked again each
    second has the first field to itself (``ask`` and ``poll`` in youju.js).
    """

    FIELDS = 4

    def __init__(self, elem_id: str) -> None:
        self._fields = [field(f"{elem_id}-{n}") for n in range(self.FIELDS)]

    def listen(self, function: Callable[..., Any], others: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Call ``function(text, *others)`` for each action.

        On ``change``: Gradio's ``input`` comes from key strokes only, not from scripts.
        """
        for one in self._fields:
            one.change(function, [one, *others], list(outputs), **EVENT)


def fetch_what_waits() -> None:
    """Let the page's script ask for answers that wait on the server (``nudge`` in youju.js).

    Gradio's server closes the stream of answers as soon as none is owed. An action that is on its way just then
    is answered into no stream, and its answer waits until the next action opens one.
    """
    nudge = field("nudge")
    nudge.change(lambda _: None, nudge, None, **EVENT)


@dataclass(frozen=True, slots=True)
class Action:
    """What the reader did. Every field comes from the browser and is checked where it is used."""

    do: str
    fields: dict[str, Any]

    @classmethod
    def parse(cls, text: str) -> Action:
        """Read the JSON of the channel.

        Raises:
            BadRequestError: It is not an object with a ``do``.
        """
        try:
            fields = json.loads(text)
            return cls(str(fields["do"]), fields)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise BadRequestError(field="action", value=text[:80], remedy="reload the page") from None

    def text(self, name: str) -> str:
        """A field as text; empty where it is missing."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> int:
        """A field as a whole number; 0 where it is missing or none."""
        value = self.fields.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            return 0
        try:
            return int(value)
        except ValueError:
            return 0


@dataclass
class InView:
    """What one open page has in view; kept in a ``gr.State``.

    The listeners of a page run side by side and share this one object. An action that was sent first may end
    last: what it draws must not put back what the reader has left.
    """

    what: str | None = None
    """The conversation, run or collection that was asked for last; None while that is not known."""
    sent: int = 0
    """The number of the action that asked for it: the page's script counts them (``t``)."""

    def turn(self, action: Action, what: str | None) -> None:
        """Bring ``what`` into view, unless a later action brought something else."""
        if action.number("t") >= self.sent:
            self.what, self.sent = what, action.number("t")

    def kept(self, action: Action, updates: dict[Any, Any], *places: Any) -> dict[Any, Any]:
        """``updates``; without those of ``places`` where the reader went on after ``action`` was sent."""
        if action.number("t") >= self.sent:
            return updates
        return {place: drawn for place, drawn in updates.items() if place not in places}


def tell(error: Exception, language: Language) -> None:
    """Show an error as a notice; an unexpected one goes to the log in full."""
    import gradio as gr

    if not isinstance(error, YoujuError):
        log.error("a page action failed", exc_info=error)
    words = str(Markup.escape(i18n.error_text(error, language)))
    gr.Warning(words, title=i18n.text("app", language), duration=10)


def note(reader: Reader, words: str) -> None:
    """Show that something was done. Without a title of ours Gradio writes an English one."""
    import gradio as gr

    gr.Info(str(Markup.escape(words)), title=reader.say("app"))


def guarded(runtime: Assistant, function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap ``function(reader, *values)``: the reader comes from the request, errors become notices.

    A plain function returns updates; a generator yields them.
    """
    import inspect

    import gradio as gr

    if inspect.isgeneratorfunction(function):

        @wraps(function)
        def stream(request: gr.Request, *values: Any) -> Iterator[Any]:
            reader = reader_of(runtime, request)
            try:
                for updates in function(reader, *values):
                    yield updates or gr.skip()
            except Exception as error:  # noqa: BLE001  # the boundary: all is told, the unexpected is logged
                tell(error, reader.language)
                yield gr.skip()

        return _typed(stream, gr.Request)

    @wraps(function)
    def call(request: gr.Request, *values: Any) -> Any:
        reader = reader_of(runtime, request)
        try:
            return function(reader, *values) or gr.skip()
        except Exception as error:  # noqa: BLE001  # the same
            tell(error, reader.language)
            return gr.skip()

    return _typed(call, gr.Request)


def _typed(function: Callable[..., Any], request_type: type) -> Callable[..., Any]:
    """Gradio finds the request by its annotation, which ``wraps`` replaced."""
    import inspect

    del function.__wrapped__  # type: ignore[attr-defined]
    function.__annotations__ = {"request": request_type}
    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=request_type),
            inspect.Parameter("values", inspect.Parameter.VAR_POSITIONAL),
        ]
    )
    return function
