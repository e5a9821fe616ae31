"""The page Tune of the assistant; it joins through the entry-point group ``youju.pages``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assistant.web.pages.plugins import Page
from finetune.browser.words import WORDS

if TYPE_CHECKING:
    import gradio as gr

    from assistant.assistant import Assistant
    from assistant.store import User


def _build(runtime: Assistant, blocks: gr.Blocks) -> None:
    from finetune.browser import tuning

    tuning.build(runtime, blocks)


def _style() -> str:
    return (Path(__file__).parent / "browser" / "tune.css").read_text(encoding="utf-8")


def _shown_to(user: User) -> bool:
    return user.role == "admin"


PAGE = Page(
    name="tune",
    icon="M5 4v9M5 17v3M12 4v3M12 11v9M19 4v10M19 18v2M3 15h4M10 9h4M17 16h4",
    words=WORDS,
    build=_build,
    style=_style,
    shown_to=_shown_to,
)
"""The page Tune, behind ``finetune.page``."""
