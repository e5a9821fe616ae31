"""The page Evaluate: what its listeners do."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.errors import BadRequestError, ForbiddenError
from assistant.web.files import offer
from assistant.web.i18n import label as word
from assistant.web.pages import bridge
from assistant.web.pages.bridge import Action, InView, Reader, shown
from assistant.web.pages.labels import Labels
from assistant.web.pages.parts import page_head
from eval import runs
from eval.browser import shelf, views, works
from eval.report.findings import Report

if TYPE_CHECKING:
    import gradio as gr

    from assistant.assistant import Assistant
    from assistant.store import User

Updates = dict[Any, Any]
MOST_CASES = 100_000


def may(user: User) -> bool:
    """Who may run: the person at this machine, or an administrator. A run uses everybody's model."""
    return user.role == "admin"


def build(runtime: Assistant, blocks: gr.Blocks) -> None:
    """Lay the page out and wire it."""
    import gradio as gr

    labels = Labels()
    with gr.Column(elem_id="page-evaluate", elem_classes="page"):
        with gr.Column(elem_id="evaluate-choices"):
            head = bridge.view("evaluate-head")
            with gr.Row(elem_classes="two"):
                with gr.Column():
                    suite = gr.Dropdown([], label=word("evaluate_suite"), allow_custom_value=False)
                    upload = gr.File(label=word("evaluate_upload"), file_types=[".jsonl"], height=150)
                    adapter = gr.Dropdown([], label=word("evaluate_adapter"), allow_custom_value=False)
                    limit = gr.Number(20, label=word("evaluate_limit"), minimum=0, precision=0)
                    with gr.Row(elem_classes="buttons"):
                        start = gr.Button(word("evaluate_run"), variant="primary")
                        halt = gr.Button(word("evaluate_stop"))
                with gr.Column():
                    now = bridge.view("evaluate-now")
            listed = bridge.view("evaluate-runs")
            pair = bridge.view("evaluate-pair")
            with gr.Row(elem_classes="two"):
                a = gr.Dropdown([], label=word("evaluate_a"), allow_custom_value=False)
                b = gr.Dropdown([], label=word("evaluate_b"), allow_custom_value=False)
            with gr.Row(elem_classes="buttons"):
                compare = gr.Button(word("evaluate_compare"))
        detail = bridge.view("evaluate-detail")
        act = bridge.Channel("plugin-evaluate")
        view = gr.State(InView())
    for field, key in (
        (suite, "suite"),
        (upload, "upload"),
        (adapter, "adapter"),
        (limit, "limit"),
        (a, "a"),
        (b, "b"),
    ):
        labels.add(field, label=f"evaluate_{key}")
    for button, key in ((start, "run"), (halt, "stop"), (compare, "compare")):
        labels.add(button, value=f"evaluate_{key}")
    page = _Page(runtime, labels, head, suite, adapter, now, listed, pair, a, b, detail)
    everything = list(dict.fromkeys([*labels.fields, head, now, listed, pair, detail]))
    listen = bridge.EVENT
    blocks.load(bridge.guarded(runtime, page.load), None, everything, **listen)
    upload.upload(bridge.guarded(runtime, page.upload), upload, [suite, upload], **listen)
    standing = [now, listed, a, b, detail]
    start.click(bridge.guarded(runtime, page.start), [suite, adapter, limit], standing, **listen)
    halt.click(bridge.guarded(runtime, page.stop), None, standing, **listen)
    compare.click(bridge.guarded(runtime, page.compare), [a, b], detail, **listen)
    act.listen(bridge.guarded(runtime, page.act), [view], standing)


class _Page:
    """What the listeners do. Whoever may not run sees and does nothing."""

    def __init__(self, runtime: Assistant, labels: Labels, *fields: Any) -> None:
        self._runtime, self._labels = runtime, labels
        (self._head, self._suite, self._adapter, self._now, self._listed, self._pair, self._a, self._b, self._detail) = fields  # fmt: skip

    def load(self, reader: Reader) -> Updates:
        """Everything, as soon as it is known who reads."""
        import gradio as gr

        said = self._labels.said(reader)
        if not may(reader.user):
            return {
                **said,
                self._head: shown(page_head(reader, "evaluate")),
                self._now: reader.say("evaluate_admins"),
            }
        bare = (reader.say("evaluate_bare"), "none")
        adapters = [bare, *((ref.name, ref.name) for ref in self._runtime.models.adapters())]
        lead = f"<h2>{reader.say('evaluate_compare')}</h2><p>{reader.say('evaluate_compare_lead')}</p>"
        return {
            **said,
            self._head: shown(page_head(reader, "evaluate")),
            self._pair: shown(lead),
            self._suite: self._suites(reader),
            self._adapter: gr.update(
                choices=adapters,
                label=reader.say("evaluate_adapter"),
                value=self._runtime.models.adapter_name(None) or "none",
            ),
            **self._drawn(reader),
        }

    def upload(self, reader: Reader, path: str | None) -> Updates:
        """A suite of one's own: kept once it is whole, and chosen."""
        _allowed(reader)
        if not path:
            return {}
        name = shelf.take(self._runtime, reader.user, Path(path))
        count = len(shelf.suite(self._runtime, reader.user, name).cases)
        bridge.note(reader, reader.say("evaluate_taken", name=name.removeprefix(shelf.OWN), count=count))
        return {self._suite: self._suites(reader, name)}

    def start(self, reader: Reader, suite: str | None, adapter: str | None, limit: float | None) -> Updates:
        """Begin a run."""
        _allowed(reader)
        whole = shelf.suite(self._runtime, reader.user, suite or "")
        folder = shelf.new_folder(self._runtime, reader.user, whole.name)
        works.begin(self._runtime, reader.user.id, folder, whole, adapter or "none", _limit(limit))
        return self._poll(reader)

    def stop(self, reader: Reader) -> Updates:
        """End one's own run."""
        works.stop(reader.user.id)
        return self._poll(reader)

    def act(self, reader: Reader, text: str, view: InView) -> Updates:
        """What the page's script passes on."""
        _allowed(reader)
        action = Action.parse(text)
        name = action.text("r")
        match action.do:
            case "poll":
                return self._poll(reader)
            case "show":
                first = not view.sent  # of a fresh page: nothing is there yet that it had to take away
                view.turn(action, name)
                drawn = self._drawn(reader)
                if name or not first:
                    drawn[self._detail] = shown(self._report(reader, name)) if name else ""
                return view.kept(action, drawn, self._detail)
            case "on":
                self._go_on(reader, name)
            case "delete":
                shelf.remove(self._runtime, reader.user, name)
        return self._drawn(reader)

    def compare(self, reader: Reader, a: str | None, b: str | None) -> Updates:
        """Two runs, case by case."""
        from eval import comparing
        from eval.report import compared, page

        _allowed(reader)
        if not a or not b or a == b:
            field = f"{reader.say('evaluate_a')}, {reader.say('evaluate_b')}"
            raise BadRequestError(field=field, value=repr(b or ""), remedy=reader.say("evaluate_two"))
        one, other = (runs.read(shelf.folder(self._runtime, reader.user, name)) for name in (a, b))
        found = comparing.compare(one, other)
        whole = page.document(f"{found.suite}: comparison", compared.html(found, one, other))
        url = offer(self._runtime, reader.user, "comparison.html", whole.encode())
        return {self._detail: shown(views.comparison(reader, found, one, other, url))}

    def _poll(self, reader: Reader) -> Updates:
        """How far it is; when it has ended, its report."""
        work = works.current()
        now = shown(views.now(reader, work))
        if work is not None and work.busy:  # asked after it was drawn: else the end could be missed
            return {self._now: now}
        drawn = self._drawn(reader)
        if work is not None and work.finished(reader.user.id):
            drawn[self._detail] = shown(self._report(reader, work.folder.name))
        return drawn

    def _go_on(self, reader: Reader, name: str) -> None:
        folder = shelf.folder(self._runtime, reader.user, name)
        begun = runs.read(folder)
        adapter = begun.manifest.subject.get("adapter") or {}
        works.begin(
            self._runtime, reader.user.id, folder, begun.suite, adapter.get("name", "none"), begun.manifest.limit
        )  # fmt: skip

    def _report(self, reader: Reader, name: str) -> Any:
        from eval.report import page

        folder = shelf.folder(self._runtime, reader.user, name)
        predictions = folder / "predictions.jsonl"
        size = predictions.stat().st_size if predictions.exists() else 0
        work = works.current()
        just = work.report if work is not None and work.folder == folder else None
        found = just or _found(folder, size)
        files = {"evaluate_report": ("report.html", page.html(found).encode())}
        if size:
            files["evaluate_predictions"] = ("predictions.jsonl", predictions.read_bytes())
        links = {key: offer(self._runtime, reader.user, *file) for key, file in files.items()}
        return views.report(reader, found, links)

    def _drawn(self, reader: Reader) -> Updates:
        import gradio as gr

        # What runs first: once it says that nothing does nobody asks again, so the list must not be older.
        work = works.current()
        now = shown(views.now(reader, work))
        busy = work.folder.name if work is not None and work.busy else ""
        kept = shelf.kept(self._runtime, reader.user)
        pairs = [
            (f"{run.manifest.suite} · {run.adapter or '–'} · {views.moment(run.manifest.date)}", run.name)
            for run in kept
        ]
        return {
            self._now: now,
            self._listed: shown(views.listed(reader, kept, busy)),
            self._a: gr.update(choices=pairs, label=reader.say("evaluate_a")),
            self._b: gr.update(choices=pairs, label=reader.say("evaluate_b")),
        }

    def _suites(self, reader: Reader, chosen: str = "") -> Any:
        import gradio as gr

        names = shelf.suites(self._runtime, reader.user)
        choices = [
            (
                reader.say("evaluate_own", name=name.removeprefix(shelf.OWN))
                if name.startswith(shelf.OWN)
                else name,
                name,
            )
            for name in names
        ]
        return gr.update(choices=choices, value=chosen or names[0], label=reader.say("evaluate_suite"))


@lru_cache(maxsize=8)
def _found(folder: Path, size: int) -> Report:
    """The report of a run as far as it is; ``size`` of its predictions tells when it has grown."""
    from eval import report

    return report.find(runs.read(folder))


def _allowed(reader: Reader) -> None:
    if not may(reader.user):
        raise ForbiddenError(action=reader.say("evaluate"), role="admin")


def _limit(value: float | None) -> int | None:
    if not value:
        return None
    if not 1 <= value <= MOST_CASES:
        raise BadRequestError(
            field="limit", value=f"{value:g}", remedy=f"use 1 to {MOST_CASES}, or leave it empty"
        )
    return int(value)
