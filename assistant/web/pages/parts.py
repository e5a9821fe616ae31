"""Pieces of HTML that several pages show."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from assistant.web.pages.bridge import Reader


def page_head(reader: Reader, page: str) -> Markup:
    """A page's name and what it is for."""
    return Markup('<header class="page-head"><h1>{}</h1><p>{}</p></header>').format(
        reader.say(page), reader.say(f"{page}_lead")
    )


def hint(words: str) -> Markup:
    """Words in grey."""
    return Markup('<p class="hint">{}</p>').format(words)


def progress(words: str, done: int, total: int) -> Markup:
    """How far work has come, in words and as a bar."""
    return Markup('<p class="status">{}</p><progress value="{}" max="{}"></progress>').format(
        words, done, max(total, 1)
    )


def pills(reader: Reader, *kinds: str) -> Markup:
    """Buttons that leave the rows of one kind in view; all of them at first."""
    pill = Markup('<button type="button" class="pill" data-show="{}" aria-pressed="{}">{}</button>')
    return Markup('<div class="pills">{}</div>').format(
        Markup("").join(
            pill.format(kind, "true" if kind == "all" else "false", reader.say(kind))
            for kind in ("all", *kinds)
        )
    )


def cut_off(reader: Reader, rows: Sequence[object], shown: int) -> Markup:
    """That only the first ``shown`` rows are, where there are more."""
    if len(rows) <= shown:
        return Markup("")
    return hint(reader.say("showing_n", shown=shown, total=len(rows)))
