"""The pages. ``build(runtime)`` puts them together; each page is one file with one ``build`` of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import gradio as gr

    from assistant.runtime import Runtime


def build(runtime: Runtime) -> gr.Blocks:
    """All pages in one document: going from one to another never interrupts an answer."""
    import gradio as gr

    from assistant.web.pages import bridge, chat, documents, frame, sentiment, settings, summarize

    with gr.Blocks(title="Youju 有据", analytics_enabled=False, fill_width=True) as blocks:
        top = bridge.view("top")
        with gr.Row(elem_id="app"):
            with gr.Column(elem_id="side"):
                navigation = bridge.view("navigation")
                history = bridge.view("history")
            with gr.Column(elem_id="main"):
                source = bridge.view("source")
                chat.build(runtime, blocks, history, source)
                documents.build(runtime, blocks)
                summarize.build(runtime, blocks)
                sentiment.build(runtime, blocks)
                settings.build(runtime, blocks)

        def dress(reader: bridge.Reader) -> dict[gr.Markdown, str]:
            state = runtime.engine_state()
            return {
                top: bridge.shown(frame.top_bar(reader)),
                navigation: bridge.shown(frame.navigation(reader, state)),
            }

        blocks.load(bridge.guarded(runtime, dress), None, [top, navigation], **bridge.EVENT)
    return blocks


def look() -> dict[str, Any]:
    """What Gradio needs to draw them: theme, style, script and words."""
    from assistant.web import i18n, theme

    return {"theme": theme.theme(), "head": theme.head(), "i18n": i18n.gradio_words()}
