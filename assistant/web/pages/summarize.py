"""The summarize page: text or document on the left, summary on the right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from assistant.errors import BadRequestError, EmptyInputError
from assistant.schema import Delta, Summary, SummarySentence
from assistant.web import render
from assistant.web.i18n import label as word
from assistant.web.pages import bridge
from assistant.web.pages.bridge import Reader, shown
from assistant.web.pages.labels import Labels
from assistant.web.pages.source import around

if TYPE_CHECKING:
    import gradio as gr

    from assistant.assistant import Assistant

LENGTHS = {"sentence": "length_sentence", "paragraph": "length_paragraph", "page": "length_page"}
FORMS = {"prose": "form_prose", "bullets": "form_bullets"}
TEXT_LIMIT = 2_000_000


def build(runtime: Assistant, blocks: gr.Blocks) -> None:
    """Lay the page out and wire it."""
    import gradio as gr

    labels = Labels()
    with gr.Column(elem_id="page-summarize", elem_classes="page"):
        head = bridge.view("summarize-head")
        with gr.Row(elem_classes="two"):
            with gr.Column():
                text = gr.Textbox(label=word("text"), placeholder=word("text_hint"), lines=12, max_lines=24)
                document = gr.Dropdown(
                    [("—", "")], value="", label=word("or_document"), allow_custom_value=False
                )
                length = gr.Radio(
                    [(word(key), value) for value, key in LENGTHS.items()],
                    value="paragraph",
                    label=word("length"),
                )
                form = gr.Radio(
                    [(word(key), value) for value, key in FORMS.items()], value="prose", label=word("form")
                )
                with gr.Row(elem_classes="buttons"):
                    start = gr.Button(word("run_summarize"), variant="primary")
                    halt = gr.Button(word("stop"), elem_classes="halt")
            with gr.Column():
                result = bridge.view("summary")
    labels.add(text, label="text", placeholder="text_hint")
    labels.add(length, LENGTHS, label="length")
    labels.add(form, FORMS, label="form")
    labels.add(start, value="run_summarize")
    labels.add(halt, value="stop")

    def load(reader: Reader) -> dict[Any, Any]:
        lead = Markup('<header class="page-head"><h1>{}</h1><p>{}</p></header>')
        return {
            **labels.said(reader),
            head: shown(lead.format(reader.say("summarize"), reader.say("summarize_lead"))),
            result: shown(_hint(reader, "summary_empty")),
            document: _documents(runtime, reader),
        }

    def documents(reader: Reader) -> dict[Any, Any]:
        return {document: _documents(runtime, reader)}

    def run(reader: Reader, own: str, chosen: str, size: str, shape: str) -> Iterator[dict[Any, Any]]:
        for html in _run(runtime, reader, own, chosen, size, shape):
            yield {result: shown(html)}

    blocks.load(bridge.guarded(runtime, load), None, [*labels.fields, head, result, document], **bridge.EVENT)
    document.focus(bridge.guarded(runtime, documents), None, document, **bridge.EVENT)
    running = start.click(
        bridge.guarded(runtime, run), [text, document, length, form], result, **bridge.EVENT
    )
    halt.click(None, None, None, cancels=running)


def _documents(runtime: Assistant, reader: Reader) -> Any:
    import gradio as gr

    ready = [
        record for record in runtime.workspace.store.documents.list(reader.user) if record.state == "ready"
    ]
    choices = [(reader.say("own_text"), ""), *((record.title, record.id) for record in ready)]
    return gr.update(choices=choices, label=reader.say("or_document"))


def _run(
    runtime: Assistant, reader: Reader, own: str, chosen: str, length: str, form: str
) -> Iterator[Markup]:
    text = (
        runtime.workspace.library.document(reader.user, chosen).text if chosen else (own or "")[:TEXT_LIMIT]
    )
    if not text.strip():
        raise EmptyInputError(field=reader.say("text"), remedy=reader.say("text_hint"))
    size, shape = _known(LENGTHS, "length", length), _known(FORMS, "form", form)
    progress, words = Markup(""), ""
    yield _bar(reader, 0, 1)
    for event in runtime.summarize(reader.user, text, length=size, form=shape):
        if isinstance(event, Summary):
            yield summary(reader, event, text)
            return
        if isinstance(event, Delta):
            words += event.text
        else:
            progress, words = _bar(reader, event.done, event.total), ""
        if words or not isinstance(event, Delta):
            yield progress + Markup('<div class="prose">{}</div>').format(
                render.markdown(words, reader.language)
            )


def _known(options: dict[str, str], field: str, value: str) -> Any:
    """The option, which comes from the browser, where it is one of ours."""
    if value not in options:
        raise BadRequestError(field=field, value=repr(value), remedy=f"use one of {', '.join(options)}")
    return value


def summary(reader: Reader, done: Summary, text: str) -> Markup:
    """The sentences, each unfolding the place that it came from."""
    if done.rounds > 1:
        words = reader.say("summary_done", pieces=done.pieces, rounds=done.rounds)
    else:
        words = reader.say("summary_done_once")
    items = Markup("").join(_sentence(reader, sentence, text) for sentence in done.sentences)
    copy = Markup('<button type="button" class="text" data-ui="copy-whole">{}</button>').format(
        reader.say("copy")
    )
    return Markup(
        '<div class="summary"><template>{}</template>{}</div><div class="tools"><span class="hint">{}</span>{}</div>'
    ).format(done.text, items, words, copy)


def _sentence(reader: Reader, sentence: SummarySentence, text: str) -> Markup:
    sign = Markup('<span class="sign {}" title="{}">{}</span>').format(
        sentence.verdict,
        render.verdict_words(sentence.verdict, "", reader.language),
        render.SIGNS[sentence.verdict],
    )
    body = Markup('<span class="sentence {}">{}</span>{}').format(sentence.verdict, sentence.text, sign)
    if not sentence.sources:
        return Markup('<p class="from">{}</p>').format(body)
    places = Markup("").join(_excerpt(text, source.start, source.end) for source in sentence.sources[:3])
    return Markup('<details class="from"><summary title="{}">{}</summary>{}</details>').format(
        reader.say("summary_place"), body, places
    )


def _excerpt(text: str, start: int, end: int) -> Markup:
    before, after = around(text, start, end)
    return Markup('<div class="excerpt">{}<mark>{}</mark>{}</div>').format(
        before[-160:], render.plain(text[start:end], 2000), after[:160]
    )


def _bar(reader: Reader, done: int, total: int) -> Markup:
    return Markup('<p class="status">{}</p><progress value="{}" max="{}"></progress>').format(
        reader.say("summary_progress", done=done, total=total), done, max(total, 1)
    )


def _hint(reader: Reader, key: str) -> Markup:
    return Markup('<p class="hint">{}</p>').format(reader.say(key))
