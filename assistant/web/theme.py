"""The look of the pages: one accent on greys, the fonts of the system, nothing loaded from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradio.themes import Base

STATIC = Path(__file__).parent / "static"
SCRIPTS = ("youju.js", "keeping.js")
FONTS = ("Inter", "PingFang SC", "Noto Sans SC", "Microsoft YaHei", "system-ui", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
ACCENT, ACCENT_DARK = "#2447A8", "#8FA8F5"


def head(more: str = "") -> str:
    """Style and ``more`` of it, and scripts, in place: Gradio would rewrite the selectors of its ``css``."""
    style = (STATIC / "youju.css").read_text(encoding="utf-8")
    scripts = [(STATIC / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return f"<style>{style}{more}</style>" + "".join(f"<script>{script}</script>" for script in scripts)


def theme() -> Base:
    """Gradio's own fields in the same colours and measures; ``youju.css`` holds the same values."""
    import gradio as gr

    return gr.themes.Base(
        primary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.gray,
        radius_size=gr.themes.sizes.radius_md,
        font=list(FONTS),
        font_mono=list(MONO),
    ).set(
        body_background_fill="#ffffff",
        body_background_fill_dark="#16181d",
        body_text_color="#1d2129",
        body_text_color_dark="#e6e8ec",
        body_text_color_subdued="#5d6470",
        body_text_color_subdued_dark="#9aa2b1",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="#16181d",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_border_width_dark="0px",
        block_shadow="none",
        block_padding="0px",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_label_text_color="#5d6470",
        block_label_text_color_dark="#9aa2b1",
        block_title_text_color="#5d6470",
        block_title_text_color_dark="#9aa2b1",
        block_title_text_weight="500",
        input_background_fill="#ffffff",
        input_background_fill_dark="#1d2027",
        input_border_color="#d9dce2",
        input_border_color_dark="#353a45",
        input_border_color_focus=ACCENT,
        input_border_color_focus_dark=ACCENT_DARK,
        input_border_width="1px",
        input_border_width_dark="1px",
        input_shadow="none",
        input_shadow_focus="none",
        input_radius="8px",
        button_large_radius="8px",
        button_primary_background_fill=ACCENT,
        button_primary_background_fill_dark=ACCENT_DARK,
        button_primary_background_fill_hover="#1c3885",
        button_primary_background_fill_hover_dark="#a9bcf8",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#10131a",
        button_primary_border_color="transparent",
        button_secondary_background_fill="transparent",
        button_secondary_background_fill_dark="transparent",
        button_secondary_border_color="#d9dce2",
        button_secondary_border_color_dark="#353a45",
        button_secondary_text_color="#1d2129",
        button_secondary_text_color_dark="#e6e8ec",
        checkbox_label_background_fill="transparent",
        checkbox_label_background_fill_dark="transparent",
        checkbox_label_background_fill_selected="transparent",
        checkbox_label_background_fill_selected_dark="transparent",
        checkbox_label_border_color="#d9dce2",
        checkbox_label_border_color_dark="#353a45",
        checkbox_label_shadow="none",
        checkbox_background_color_selected=ACCENT,
        checkbox_background_color_selected_dark=ACCENT_DARK,
        checkbox_border_color_selected=ACCENT,
        checkbox_border_color_selected_dark=ACCENT_DARK,
        color_accent=ACCENT,
        color_accent_soft="#edf1fb",
        color_accent_soft_dark="#232a3d",
        border_color_primary="#e6e8ec",
        border_color_primary_dark="#2b2f38",
    )
