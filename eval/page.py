"""The page Evaluate of the assistant; it joins through the entry-point group ``youju.pages``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assistant.web.pages.plugins import Page
from eval.browser.words import ERRORS, WORDS

if TYPE_CHECKING:
    import gradio as gr

    from assistant.assistant import Assistant
    from assistant.store import User

FOLDER = Path(__file__).parent


def _build(runtime: Assistant, blocks: gr.Blocks) -> None:
    from eval.browser import evaluating

    evaluating.build(runtime, blocks)


def _style() -> str:
    """The report's rules inside the page, and the page's own."""
    pieces = (FOLDER / "report" / "pieces.css").read_text(encoding="utf-8")
    own = (FOLDER / "browser" / "evaluate.css").read_text(encoding="utf-8")
    return f"#app .evaluate {{ {pieces} }}\n{own}"


def _shown_to(user: User) -> bool:
    return user.role == "admin"


PAGE = Page(
    name="evaluate",
    icon="M4 20h16M6 20v-6M11 20V9M16 20V4M20 8l-4-4-4 4",
    words=WORDS,
    build=_build,
    errors=ERRORS,
    style=_style,
    shown_to=_shown_to,
)
