"""The translate page: text and glossary on the left, sentences beside their translations on the right."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from assistant.errors import BadRequestError, EmptyInputError
from assistant.schema import Doubt, Language, TranslatedSentence, Translation, TranslationProgress
from assistant.web.i18n import label as word
from assistant.web.pages import bridge
from assistant.web.pages.bridge import Reader, shown
from assistant.web.pages.labels import Labels

if TYPE_CHECKING:
    import gradio as gr

    from assistant.assistant import Assistant

TARGETS = {"auto": "target_auto", "zh": "target_zh", "en": "target_en"}
ROWS_SHOWN = 500
ROWS_WHILE_RUNNING = 30
DRAW_EVERY_S = 0.3
GLOSSARY = "glossary"
"""The preference that keeps a reader's glossary for the next visit."""
_MARKDOWN = (".md", ".markdown")


def build(runtime: Assistant, blocks: gr.Blocks) -> None:
    """Lay the page out and wire it."""
    import gradio as gr

    labels = Labels()
    with gr.Column(elem_id="page-translate", elem_classes="page"):
        head = bridge.view("translate-head")
        with gr.Row(elem_classes="two"):
            with gr.Column():
                text = gr.Textbox(label=word("text"), placeholder=word("text_hint"), lines=10, max_lines=20)
                document = gr.Dropdown(
                    [("—", "")], value="", label=word("or_document"), allow_custom_value=False
                )
                target = gr.Radio(
                    [(word(key), value) for value, key in TARGETS.items()], value="auto", label=word("target")
                )
                glossary = gr.Textbox(
                    label=word("glossary"), placeholder=word("glossary_hint"), lines=3, max_lines=10
                )
                with gr.Row(elem_classes="buttons"):
                    start = gr.Button(word("run_translate"), variant="primary")
                    halt = gr.Button(word("stop"), elem_classes="halt")
                    file = gr.UploadButton(word("a_file"))
            with gr.Column():
                result = bridge.view("translated")
    labels.add(text, label="text", placeholder="text_hint")
    labels.add(file, label="a_file")
    labels.add(target, TARGETS, label="target")
    labels.add(glossary, label="glossary", placeholder="glossary_hint")
    labels.add(start, value="run_translate")
    labels.add(halt, value="stop")

    def load(reader: Reader) -> dict[Any, Any]:
        lead = Markup('<header class="page-head"><h1>{}</h1><p>{}</p></header>')
        kept = runtime.workspace.store.settings.get(reader.user, GLOSSARY)
        return {
            **labels.said(reader),
            glossary: gr.update(
                value=kept, label=reader.say("glossary"), placeholder=reader.say("glossary_hint")
            ),
            head: shown(lead.format(reader.say("translate"), reader.say("translate_lead"))),
            result: shown(_hint(reader, "translation_empty")),
            document: _documents(runtime, reader),
        }

    def documents(reader: Reader) -> dict[Any, Any]:
        return {document: _documents(runtime, reader)}

    def opened(reader: Reader, path: str | None) -> dict[Any, Any]:
        return {text: _taken(path)} if path else {}

    def run(reader: Reader, own: str, chosen: str, into: str, pairs: str) -> Iterator[dict[Any, Any]]:
        for html in _run(runtime, reader, _source(runtime, reader, own, chosen), into, pairs):
            yield {result: shown(html)}

    listen = bridge.EVENT
    blocks.load(bridge.guarded(runtime, load), None, [*labels.fields, head, result, document], **listen)
    document.focus(bridge.guarded(runtime, documents), None, document, **listen)
    file.upload(bridge.guarded(runtime, opened), file, text, **listen)
    running = gr.on(
        [start.click, text.submit, glossary.submit],
        bridge.guarded(runtime, run),
        [text, document, target, glossary],
        result,
        **listen,
    )
    halt.click(None, None, None, cancels=running)


def _documents(runtime: Assistant, reader: Reader) -> Any:
    import gradio as gr

    ready = [
        record for record in runtime.workspace.store.documents.list(reader.user) if record.state == "ready"
    ]
    choices = [(reader.say("own_text"), ""), *((record.title, record.id) for record in ready)]
    return gr.update(choices=choices, label=reader.say("or_document"))


def _taken(path: str) -> str:
    """The text of an upload, which is then gone: the upload folder is shared by all users."""
    from assistant.retrieval.documents import as_written

    try:
        return as_written(Path(path).name, Path(path))
    finally:
        Path(path).unlink(missing_ok=True)


def _source(runtime: Assistant, reader: Reader, own: str, chosen: str) -> str:
    """The reader's own text or that of a document, of Markdown with its marks."""
    if not chosen:
        return own or ""
    record = runtime.workspace.store.documents.get(reader.user, chosen)
    if record.filename.lower().endswith(_MARKDOWN):
        from assistant.retrieval.documents import as_written

        return as_written(record.filename, runtime.workspace.library.original(reader.user, chosen))
    return runtime.workspace.library.document(reader.user, chosen).text


def _run(runtime: Assistant, reader: Reader, text: str, into: str, lines: str) -> Iterator[Markup]:
    from assistant.tools import glossary

    if not text.strip():
        raise EmptyInputError(field=reader.say("text"), remedy=reader.say("text_hint"))
    target, pairs = _known(into), glossary.parse(lines or "")
    runtime.workspace.store.settings.set(reader.user, GLOSSARY, lines or "")
    rows: dict[int, TranslatedSentence] = {}
    drawn = 0.0
    yield _bar(reader, TranslationProgress(0, 1))
    for event in runtime.translate(reader.user, text, target=target, terms=pairs):
        if isinstance(event, Translation):
            yield translation(runtime, reader, event)
            return
        if isinstance(event, TranslationProgress):
            rows |= {event.place: event.last} if event.last else {}
            if time.monotonic() - drawn > DRAW_EVERY_S:
                drawn = time.monotonic()
                yield _bar(reader, event) + _pairs(reader, _newest(rows))


def _newest(rows: dict[int, TranslatedSentence]) -> list[TranslatedSentence]:
    """The last that are done, in the order of the text."""
    return [rows[place] for place in sorted(rows)[-ROWS_WHILE_RUNNING:]]


def _known(into: str) -> Language | None:
    """The choice, which comes from the browser, where it is one of ours."""
    if into not in TARGETS:
        raise BadRequestError(field="target", value=repr(into), remedy=f"use one of {', '.join(TARGETS)}")
    return None if into == "auto" else "zh" if into == "zh" else "en"


def translation(runtime: Assistant, reader: Reader, done: Translation) -> Markup:
    """The sentences side by side, those to check marked, and the ways to take them along."""
    from assistant.tools.table import side_by_side
    from assistant.web.files import offer

    count, doubtful = len(done.sentences), len(done.doubtful)
    words = reader.say("translation_doubts" if doubtful else "translation_done", total=count, doubts=doubtful)
    text = offer(runtime, reader.user, "translation.md", done.text.encode())
    table = offer(runtime, reader.user, "translation.csv", side_by_side(done))
    return Markup(
        '<div class="translation"><template>{}</template><p class="status">{}</p><p class="hint">{}</p>{}{}{}{}</div>'
    ).format(
        done.text, words, reader.say("translation_limits"), _ways(reader, text, table),
        _pills(reader) if doubtful else "", _pairs(reader, done.sentences[:ROWS_SHOWN]), _count(reader, count),
    )  # fmt: skip


def _ways(reader: Reader, text: str, table: str) -> Markup:
    link = Markup('<a class="plain" href="{}" download>{}</a>')
    return Markup(
        '<div class="tools"><button type="button" class="text" data-ui="copy-whole">{}</button>{}{}</div>'
    ).format(
        reader.say("copy"),
        link.format(text, reader.say("download_text")),
        link.format(table, reader.say("download_rows")),
    )


def _pills(reader: Reader) -> Markup:
    pill = Markup('<button type="button" class="pill" data-show="{}" aria-pressed="{}">{}</button>')
    kinds = (("all", "true", "all"), ("doubtful", "false", "doubtful"))
    return Markup('<div class="pills">{}</div>').format(
        Markup("").join(pill.format(kind, pressed, reader.say(key)) for kind, pressed, key in kinds)
    )


def _pairs(reader: Reader, rows: Sequence[TranslatedSentence]) -> Markup:
    head = Markup(
        '<div class="pair head" role="row"><p role="columnheader">{}</p><p role="columnheader">{}</p></div>'
    )
    return Markup('<div class="pairs" role="table">{}{}</div>').format(
        head.format(reader.say("source_text"), reader.say("translation")),
        Markup("").join(_pair(reader, row) for row in rows),
    )


def _pair(reader: Reader, row: TranslatedSentence) -> Markup:
    reasons = Markup("")
    if row.doubts:
        reasons = Markup('<p class="reasons" role="note"><span class="sign partly">~</span> {}</p>').format(
            "; ".join(_doubt(reader, doubt) for doubt in row.doubts)
        )
    return Markup(
        '<div class="pair" role="row" data-kind="{}"><p role="cell">{}</p><p role="cell">{}</p>{}</div>'
    ).format("doubtful" if row.doubts else "checked", row.source, row.text, reasons)


def _doubt(reader: Reader, doubt: Doubt) -> str:
    return reader.say(f"doubt_{doubt.kind}", value=doubt.value)


def _count(reader: Reader, total: int) -> Markup:
    if total <= ROWS_SHOWN:
        return Markup("")
    return Markup('<p class="hint">{}</p>').format(reader.say("showing_n", shown=ROWS_SHOWN, total=total))


def _bar(reader: Reader, now: TranslationProgress) -> Markup:
    return Markup('<p class="status">{}</p><progress value="{}" max="{}"></progress>').format(
        reader.say("translation_progress", done=now.done, total=now.total), now.done, max(now.total, 1)
    )


def _hint(reader: Reader, key: str) -> Markup:
    return Markup('<p class="hint">{}</p>').format(reader.say(key))
