"""The pages. ``build(runtime)`` puts them together; each page is one file with one ``build`` of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import gradio as gr

    from assistant.assistant import Assistant


def build(runtime: Assistant) -> gr.Blocks:
    """All pages in one document: going from one to another never interrupts an answer."""
    import gradio as gr

    from assistant.web.pages import (
        bridge,
        chat,
        documents,
        frame,
        plugins,
        sentiment,
        settings,
        summarize,
        translate,
    )

    with gr.Blocks(title="Youju 有据", analytics_enabled=False, fill_width=True) as blocks:
        notice, top = bridge.view("notice"), bridge.view("top")
        with gr.Row(elem_id="app"):
            with gr.Column(elem_id="side"):
                navigation = bridge.view("navigation")
                history = bridge.view("history")
            with gr.Column(elem_id="main"):
                source = bridge.view("source")
                chat.build(runtime, blocks, history, source)
                documents.build(runtime, blocks)
                summarize.build(runtime, blocks)
                translate.build(runtime, blocks)
                sentiment.build(runtime, blocks)
                others = plugins.build(runtime, blocks, plugins.found())
                settings.build(runtime, blocks)

        def dress(reader: bridge.Reader) -> dict[gr.Markdown, str]:
            names = [page.name for page in others if page.shown_to(reader.user)]
            links = frame.navigation(reader, runtime.models.state(), names)
            return {
                notice: bridge.shown(frame.notice(reader, runtime.settings)),
                top: bridge.shown(frame.top_bar(reader)),
                navigation: bridge.shown(links),
            }

        blocks.load(bridge.guarded(runtime, dress), None, [notice, top, navigation], **bridge.EVENT)
        bridge.fetch_what_waits()
    return blocks


def look() -> dict[str, Any]:
    """What Gradio needs to draw them: theme, style, script and words."""
    from assistant.web import i18n, theme
    from assistant.web.pages import frame, plugins

    names = [*frame.PAGES, *(page.name for page in plugins.found())]
    head = theme.head(plugins.style(names))
    return {"theme": theme.theme(), "head": head, "i18n": i18n.gradio_words()}
