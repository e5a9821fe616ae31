"""The sentiment page: one text with its reasons, or a CSV column with its distribution."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from assistant.errors import EmptyInputError
from assistant.schema import LABELS, Sentiment, SentimentRow
from assistant.web import turns
from assistant.web.pages import bridge, parts
from assistant.web.pages.bridge import Reader, shown
from assistant.web.pages.labels import Labels

if TYPE_CHECKING:
    import gradio as gr

    from assistant.assistant import Assistant

ROWS_SHOWN = 500
DRAW_EVERY_S = 0.3
HELD_S = 3600
"""Seconds that an uploaded table is kept for a page that is left open."""


def build(runtime: Assistant, blocks: gr.Blocks) -> None:
    """Lay the page out and wire it."""
    import gradio as gr

    labels = Labels()
    with gr.Column(elem_id="page-sentiment", elem_classes="page"):
        head = bridge.view("sentiment-head")
        with gr.Row(elem_classes="two"):
            with gr.Column():
                said = {"label": "one_text", "placeholder": "text_hint"}
                text = labels.make(gr.Textbox, said, lines=5, max_lines=14)
                with gr.Row(elem_classes="buttons"):
                    judge = labels.make(gr.Button, {"value": "judge"}, variant="primary")
            with gr.Column():
                result = bridge.view("judgement")
        many = bridge.view("sentiment-many")
        with gr.Row(elem_classes=["two", "csv"]):
            with gr.Column():
                kinds = [".csv", ".tsv", ".txt"]
                table = labels.make(gr.File, {"label": "csv_file"}, file_types=kinds, height=160)
                column = labels.make(
                    gr.Dropdown, {"label": "csv_column"}, choices=[], allow_custom_value=False
                )
                with gr.Row(elem_classes="buttons"):
                    start = labels.make(gr.Button, {"value": "judge"}, variant="primary")
                    halt = labels.make(gr.Button, {"value": "stop"})
            with gr.Column():
                spread = bridge.view("spread")
        rows = bridge.view("judged")
        held = gr.State([], time_to_live=HELD_S)

    def load(reader: Reader) -> dict[Any, Any]:
        return {
            **labels.said(reader),
            head: shown(parts.page_head(reader, "sentiment")),
            result: shown(parts.hint(reader.say("sentiment_empty"))),
            many: shown(Markup("<h2>{}</h2>").format(reader.say("many_texts"))),
        }

    def one(reader: Reader, words: str) -> dict[Any, Any]:
        adapter = _adapter(runtime, reader)
        found = next(runtime.sentiment(reader.user, [words or ""], explain=True, adapter=adapter))
        return {result: shown(judgement(reader, found))}

    def columns(reader: Reader, path: str | None) -> dict[Any, Any]:
        table = _taken(path) if path else []
        names = list(table[0]) if table else []
        return {column: gr.update(choices=names, value=_likeliest(names)), held: table}

    def batch(reader: Reader, table: list[dict[str, str]], name: str) -> Iterator[dict[Any, Any]]:
        for chart, judged in _batch(runtime, reader, table, name):
            yield {spread: shown(chart), rows: shown(judged)}

    listen = bridge.EVENT
    outputs = [*labels.fields, head, result, many]
    blocks.load(bridge.guarded(runtime, load), None, list(dict.fromkeys(outputs)), **listen)
    judge.click(bridge.guarded(runtime, one), text, result, **listen)
    table.change(bridge.guarded(runtime, columns), table, [column, held], **listen)
    running = start.click(bridge.guarded(runtime, batch), [held, column], [spread, rows], **listen)
    halt.click(None, None, None, cancels=running)


def judgement(reader: Reader, found: Sentiment) -> Markup:
    """The verdict in words, three bars, and the words that made it."""
    key = "sounds_unsure" if found.unsure else f"sounds_{found.label}"
    words = Markup("").join(_tinted(word, weight) for word, weight in found.words)
    reasons = Markup('<h4>{}</h4><p class="tinted">{}</p>').format(reader.say("words_weight"), words)
    return Markup('<div class="judgement"><p class="verdict {}">{}</p>{}{}</div>').format(
        "unsure" if found.unsure else found.label, reader.say(key), bars(reader, found),
        reasons if found.words else "",
    )  # fmt: skip


def bars(reader: Reader, found: Sentiment) -> Markup:
    """Negative, neutral, positive with their percentages."""
    return Markup('<div class="bars">{}</div>').format(
        Markup("").join(_bar(reader.say(label), label, getattr(found, label)) for label in LABELS)
    )


def _bar(name: str, kind: str, share: float, words: str = "") -> Markup:
    return Markup(
        '<div class="bar"><span>{}</span><div class="track"><div class="fill {}" style="width:{}%"></div></div>'
        "<b>{}</b></div>"
    ).format(name, kind, f"{100 * share:.1f}", words or f"{share:.0%}")


def _tinted(word: str, weight: float) -> Markup:
    if abs(weight) < 0.02:
        return Markup.escape(word)
    kind = "positive" if weight > 0 else "negative"
    return Markup('<span class="w {}" style="--weight:{}" title="{}">{}</span>').format(
        kind, f"{min(1.0, abs(weight)):.2f}", f"{weight:+.2f}", word
    )


def _adapter(runtime: Assistant, reader: Reader) -> str | None:
    return turns.Preferences.of(runtime, reader.user).adapter


def _taken(path: str) -> list[dict[str, str]]:
    """The rows of an upload, which is then gone: the upload folder is shared by all users."""
    from assistant.tools import table

    try:
        return table.read(Path(path).read_bytes())
    finally:
        Path(path).unlink(missing_ok=True)


def _likeliest(names: Sequence[str]) -> str | None:
    """The column that is probably meant."""
    for name in names:
        if name.strip().lower() in ("text", "review", "content", "comment", "文本", "评论", "内容", "正文"):
            return name
    return names[0] if names else None


def _batch(
    runtime: Assistant, reader: Reader, rows: list[dict[str, str]], name: str
) -> Iterator[tuple[Markup, Markup]]:
    from assistant.tools import table
    from assistant.web.files import offer

    if not rows:
        raise EmptyInputError(field=reader.say("csv_file"), remedy=reader.say("csv_column"))
    texts = table.column(rows, name)
    judged: list[SentimentRow] = []
    drawn = 0.0
    for row in runtime.sentiment_rows(reader.user, texts, adapter=_adapter(runtime, reader)):
        judged.append(row)
        if time.monotonic() - drawn > DRAW_EVERY_S:
            drawn = time.monotonic()
            yield _chart(reader, judged, len(texts)), Markup("")
    url = offer(runtime, reader.user, "sentiment.csv", table.write(judged, rows))
    yield _chart(reader, judged, len(texts), url), _rows(reader, judged)


def _chart(reader: Reader, judged: Sequence[SentimentRow], total: int, url: str = "") -> Markup:
    counts = dict.fromkeys((*LABELS, "unsure"), 0)
    for row in judged:
        if row.sentiment is not None:
            counts["unsure" if row.sentiment.unsure else row.sentiment.label] += 1
    if len(judged) < total:
        words = reader.say("csv_progress", done=len(judged), total=total)
        bar = Markup('<progress value="{}" max="{}"></progress>').format(len(judged), total)
    else:
        words, bar = reader.say("csv_done", total=total), Markup("")
    shares = Markup("").join(
        _bar(reader.say(kind), kind, count / max(1, len(judged)), str(count))
        for kind, count in counts.items()
    )
    link = (
        Markup('<a class="plain" href="{}" download>{}</a>').format(url, reader.say("download"))
        if url
        else ""
    )
    return Markup('<p class="status">{}</p>{}<h4>{}</h4><div class="bars">{}</div>{}').format(
        words, bar, reader.say("distribution"), shares, link
    )


def _rows(reader: Reader, judged: Sequence[SentimentRow]) -> Markup:
    body = Markup("").join(_row(reader, row) for row in judged[:ROWS_SHOWN])
    return Markup('{}<div class="scroll"><table class="judged"><tbody>{}</tbody></table></div>{}').format(
        parts.pills(reader, *LABELS, "unsure"), body, parts.cut_off(reader, judged, ROWS_SHOWN)
    )


def _row(reader: Reader, row: SentimentRow) -> Markup:
    if row.sentiment is None:
        return Markup('<tr data-kind="failed"><td>{}</td><td>{}</td><td colspan="2">{}</td></tr>').format(
            row.row, row.text[:200], row.error
        )
    kind = "unsure" if row.sentiment.unsure else row.sentiment.label
    return Markup(
        '<tr data-kind="{kind}"><td>{n}</td><td>{text}</td><td><span class="label {kind}">{words}</span></td>'
        "<td>{share}</td></tr>"
    ).format(
        kind=kind, n=row.row, text=row.text[:400], words=reader.say(kind),
        share=f"{getattr(row.sentiment, row.sentiment.label):.0%}",
    )  # fmt: skip
