"""The translate page: text and glossary on the left, sentences beside their translations on the right."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from assistant.schema import Doubt, TranslatedSentence, Translation, TranslationProgress
from assistant.web.pages import bridge, parts
from assistant.web.pages.bridge import Reader
from assistant.web.pages.workbench import Workbench, known, required

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

    bench = Workbench(runtime, "translate", "translation_empty")
    with bench.laid_out("translated", lines=10):
        target = bench.choice("target", TARGETS, "auto")
        said = {"label": "glossary", "placeholder": "glossary_hint"}
        glossary = bench.labels.make(gr.Textbox, said, lines=3, max_lines=10)
    with bench.buttons:
        file = bench.labels.make(gr.UploadButton, {"label": "a_file"})

    def kept(reader: Reader) -> dict[Any, Any]:
        return {glossary: gr.update(value=runtime.workspace.store.settings.get(reader.user, GLOSSARY))}

    def opened(reader: Reader, path: str | None) -> dict[Any, Any]:
        return {bench.text: _taken(path)} if path else {}

    def run(reader: Reader, own: str, chosen: str, into: str, pairs: str) -> Iterator[Markup]:
        return _run(runtime, reader, _source(runtime, reader, own, chosen), into, pairs)

    bench.wire(blocks, run, [target, glossary], bench.text.submit, glossary.submit)
    blocks.load(bridge.guarded(runtime, kept), None, glossary, **bridge.EVENT)
    file.upload(bridge.guarded(runtime, opened), file, bench.text, **bridge.EVENT)


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

    required(reader, text)
    target, pairs = known(TARGETS, "target", into), glossary.parse(lines or "")
    runtime.workspace.store.settings.set(reader.user, GLOSSARY, lines or "")
    rows: dict[int, TranslatedSentence] = {}
    drawn = 0.0
    yield _bar(reader, TranslationProgress(0, 1))
    for event in runtime.translate(
        reader.user, text, target=None if target == "auto" else target, terms=pairs
    ):
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
        parts.pills(reader, "doubtful") if doubtful else "", _pairs(reader, done.sentences[:ROWS_SHOWN]),
        parts.cut_off(reader, done.sentences, ROWS_SHOWN),
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


def _bar(reader: Reader, now: TranslationProgress) -> Markup:
    words = reader.say("translation_progress", done=now.done, total=now.total)
    return parts.progress(words, now.done, now.total)
