"""The page Tune: what its listeners do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from assistant.errors import ForbiddenError, NotFoundError
from assistant.web.files import OFFER_S, offer
from assistant.web.i18n import label as word
from assistant.web.pages import bridge
from assistant.web.pages.bridge import Action, InView, Reader, shown
from assistant.web.pages.labels import Labels
from assistant.web.pages.parts import page_head
from finetune.browser import choices, faults, live, recipes, run_views, shelf, views, works
from finetune.browser.works import Found

if TYPE_CHECKING:
    import gradio as gr

    from assistant.assistant import Assistant
    from assistant.store import User

Updates = dict[Any, Any]


@dataclass
class View(InView):
    """What one open page has in view: a run, or else the files and the list of runs."""

    recipe: str = recipes.DEFAULT
    begun: int = 0
    """Drawings so far."""
    ended: int = 0
    """The newest drawing that has ended: one that began before it would put back what the reader has left."""

    def newest(self, draw: Callable[[], Updates]) -> Updates:
        """What ``draw`` returns, or nothing where a later drawing ended before it and shows more.

        One that is overtaken only in its beginning is shown: on a slow machine each is overtaken so.
        """
        self.begun += 1
        mine = self.begun
        updates = draw()
        if mine < self.ended:
            return {}
        self.ended = mine
        return updates


def may(user: User) -> bool:
    """Who may tune: the person at this machine, or an administrator."""
    return user.role == "admin"


def build(runtime: Assistant, blocks: gr.Blocks) -> None:
    """Lay the page out and wire it."""
    import gradio as gr

    labels, parts = Labels(), _Parts()
    with gr.Column(elem_id="page-tune", elem_classes="page"):
        with gr.Column(elem_id="tune-choices"):
            parts.head = bridge.view("tune-head")
            with gr.Row(elem_classes="two"):
                types = list(shelf.SUFFIXES)
                upload = gr.File(
                    label=word("tune_upload"), file_types=types, file_count="multiple", height=150
                )
                parts.data = bridge.view("tune-data")
            parts.faults = bridge.view("tune-faults")
            parts.recipe = bridge.view("tune-recipe")
            with gr.Row(elem_classes="begin"):
                parts.name = gr.Textbox(label=word("tune_name"), max_lines=1, max_length=60)
                parts.begin = bridge.view("tune-begin")
            parts.runs = bridge.view("tune-runs")
        parts.run = bridge.view("tune-run")
        parts.result = bridge.view("tune-result")
        act = bridge.Channel("plugin-tune")
        view = gr.State(View())
    labels.add(upload, label="tune_upload")
    labels.add(parts.name, label="tune_name")
    page = _Page(runtime, labels, parts, upload)
    everything = [upload, *parts.all()]
    listen = bridge.EVENT
    blocks.load(bridge.guarded(runtime, page.load), view, everything, **listen)
    upload.upload(bridge.guarded(runtime, page.upload), [upload, view], everything, **listen)
    act.listen(bridge.guarded(runtime, page.act), [view, parts.name], parts.all())


class _Parts:
    """The places of the page."""

    head: Any
    data: Any
    faults: Any
    recipe: Any
    name: Any
    begin: Any
    runs: Any
    run: Any
    result: Any

    def all(self) -> list[Any]:
        """All of them, as outputs."""
        return list(vars(self).values())


class _Page:
    """What the listeners do. Whoever may not tune sees and does nothing."""

    def __init__(self, runtime: Assistant, labels: Labels, parts: _Parts, upload: Any) -> None:
        self._runtime, self._labels, self._parts, self._upload = runtime, labels, parts, upload
        self._lists: dict[str, tuple[bytes, float, str]] = {}

    def load(self, reader: Reader, view: View) -> Updates:
        """Everything, as soon as it is known who reads."""
        said = self._labels.said(reader)
        if not may(reader.user):
            refused = Markup("{}<p>{}</p>").format(page_head(reader, "tune"), reader.say("tune_admins"))
            return {**said, self._parts.head: shown(refused)}
        return {**said, self._parts.name: self._named(reader), **self._drawn(reader, view)}

    def upload(self, reader: Reader, paths: list[str] | None, view: View) -> Updates:
        """Files for the next run: kept, and looked through at once."""
        import gradio as gr

        _allowed(reader)
        if not paths:
            return {}
        found = [Path(path) for path in paths]
        shelf.take(self._runtime, reader.user, found)
        works.check(self._runtime, reader.user)
        bridge.note(reader, reader.say("tune_added", names=", ".join(path.name for path in found)))
        cleared = {self._upload: gr.update(value=None), self._parts.name: self._named(reader)}
        return {**cleared, **self._drawn(reader, view)}

    def act(self, reader: Reader, text: str, view: View, name: str) -> Updates:
        """What the page's script passes on."""
        _allowed(reader)
        action = Action.parse(text)
        target = action.text("r")
        match action.do:
            case "poll":
                pass
            case "show":
                view.turn(action, target or self._working(reader))
            case "list":
                view.turn(action, "")
            case "recipe" if target in recipes.RECIPES:
                view.recipe = target
            case "start":
                begun = works.start(self._runtime, reader.user, view.recipe, (name or "").strip())
                view.turn(action, begun.name)
            case "check" | "plan" | "drop":
                self._of_files(reader, action.do, target, view.recipe)
            case _:
                self._of_run(reader, action.do, target)
        return self._drawn(reader, view, gone_is_told=action.do != "poll")

    def _drawn(self, reader: Reader, view: View, *, gone_is_told: bool = False) -> Updates:
        try:
            return view.newest(
                lambda: self._run(reader, view.what) if view.what else self._choices(reader, view)
            )
        except NotFoundError:  # another page deleted it meanwhile, or there never was one
            view.what = ""
            if gone_is_told:
                raise
            return view.newest(lambda: self._choices(reader, view))

    def _of_files(self, reader: Reader, do: str, name: str, recipe: str) -> None:
        """What is done with the files of the next run."""
        runtime, user = self._runtime, reader.user
        if do == "plan":
            works.plan(runtime, user, recipe)
            return
        if do == "drop":
            shelf.drop(runtime, user, name)
        works.check(runtime, user)

    def _of_run(self, reader: Reader, do: str, name: str) -> None:
        """What is done with one run."""
        kept = shelf.find(self._runtime, reader.user, name)
        match do:
            case "delete":
                shelf.remove(self._runtime, reader.user, name)
            case "stop":
                works.stop(kept)
            case "resume":
                works.resume(self._runtime, kept)
            case "promote":
                works.promote(self._runtime, kept)
            case "rollback":
                taken, now = live.rollback(self._runtime)
                said = reader.say("tune_rolled_back", name=taken, now=now or reader.say("tune_bare"))
                bridge.note(reader, said)

    def _working(self, reader: Reader) -> str:
        """The reader's run that goes on: whoever comes back finds it in view."""
        runs = shelf.runs(self._runtime, reader.user)
        alive = (kept.name for kept in runs if (kept.status and kept.status.alive) or works.working(kept))
        return next(alive, "")

    def _choices(self, reader: Reader, view: View) -> Updates:
        """The first two steps, and the list of runs."""
        runtime, user, parts = self._runtime, reader.user, self._parts
        found = works.checked(runtime, user)
        planned = works.planned(runtime, user, view.recipe)
        begun = (
            page_head(reader, "tune")
            + views.KEPT_FRESH
            + views.steps(reader, "recipe" if choices.ready(found) else "data")
        )
        runs = views.listed(reader, shelf.runs(runtime, user), live.name(runtime))
        return {
            parts.head: shown(begun + views.title(reader, "data")),
            parts.data: shown(views.data(reader, shelf.files(runtime, user), found)),
            parts.faults: shown(faults.html(reader, found, self._list(reader, found))),
            parts.recipe: shown(choices.recipe(reader, view.recipe, found, planned)),
            parts.begin: shown(choices.begin(reader, found, busy=works.busy(runtime))),
            parts.runs: shown(runs),
            parts.run: "",
            parts.result: "",
        }

    def _run(self, reader: Reader, name: str) -> Updates:
        """The last two steps of one run."""
        kept = shelf.find(self._runtime, reader.user, name)
        starting = works.working(kept) and not (kept.status and kept.status.alive)
        drawn = run_views.run(reader, kept, starting=starting, said_last=works.last_line(kept.log))
        passing = works.promoted(kept)  # before its record: once it has ended nobody asks again
        gate = live.gate(self._runtime, kept)
        found = run_views.result(reader, kept, gate, passing, live=live.name(self._runtime))
        parts = self._parts
        return {parts.run: shown(drawn), parts.result: shown(found)}

    def _list(self, reader: Reader, found: Found) -> str:
        """Where the whole list of faults can be had; the same place while it is the same list."""
        if not found.content.get("faults"):
            return ""
        table = faults.table(found.content)
        known, until, url = self._lists.get(reader.user.id, (b"", 0.0, ""))
        if known != table or time.monotonic() > until:
            url = offer(self._runtime, reader.user, "to-mend.csv", table)
            self._lists[reader.user.id] = (table, time.monotonic() + OFFER_S / 2, url)
        return url

    def _named(self, reader: Reader) -> Any:
        import gradio as gr

        free = shelf.free_name(self._runtime, reader.user)
        return gr.update(value=free, label=reader.say("tune_name"))


def _allowed(reader: Reader) -> None:
    if not may(reader.user):
        raise ForbiddenError(action=reader.say("tune"), role="admin")
