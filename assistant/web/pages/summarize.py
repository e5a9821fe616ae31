"""The summarize page: text or document on the left, summary on the right."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from markupsafe import Markup

from assistant.errors import TooLargeError
from assistant.schema import Delta, Summary, SummarySentence
from assistant.web import render
from assistant.web.pages import parts
from assistant.web.pages.bridge import Reader
from assistant.web.pages.source import around
from assistant.web.pages.workbench import Workbench, known, required

if TYPE_CHECKING:
    import gradio as gr

    from assistant.assistant import Assistant

LENGTHS = {"sentence": "length_sentence", "paragraph": "length_paragraph", "page": "length_page"}
FORMS = {"prose": "form_prose", "bullets": "form_bullets"}
TEXT_LIMIT = 2_000_000


def build(runtime: Assistant, blocks: gr.Blocks) -> None:
    """Lay the page out and wire it."""
    bench = Workbench(runtime, "summarize", "summary_empty")
    with bench.laid_out("summary", lines=12):
        length = bench.choice("length", LENGTHS, "paragraph")
        form = bench.choice("form", FORMS, "prose")
    bench.wire(blocks, partial(_run, runtime), [length, form])


def _run(
    runtime: Assistant, reader: Reader, own: str, chosen: str, length: str, form: str
) -> Iterator[Markup]:
    document = runtime.workspace.library.document
    text = document(reader.user, chosen).text if chosen else own or ""
    if len(text) > TEXT_LIMIT:
        value, limit = f"{len(text):,} characters", f"{TEXT_LIMIT:,}"
        raise TooLargeError(field="text", value=value, limit=limit, remedy="split it")
    required(reader, text)
    size, shape = known(LENGTHS, "length", length), known(FORMS, "form", form)
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
    return parts.progress(reader.say("summary_progress", done=done, total=total), done, total)
