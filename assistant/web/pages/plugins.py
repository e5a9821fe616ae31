"""Pages of other packages: they join by the entry-point group ``youju.pages``, each with a ``Page``."""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from assistant.schema import Language
from assistant.web import i18n, words_zh
from assistant.web.pages import icons

if TYPE_CHECKING:
    import gradio as gr

    from assistant.assistant import Assistant
    from assistant.store import User

log = logging.getLogger(__name__)
GROUP = "youju.pages"


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a plugin.

    The page lives in a column ``page-<name>`` and hears its script-sent actions through the channel
    ``plugin-<name>``: ``{"do": "show"}`` when it comes into view, ``{"do": "poll"}`` each second while it shows an
    element with ``data-poll-page="<name>"`` (or each ``data-every`` seconds), and ``{"do": …}`` of what is
    clicked: an element with ``data-to="<name>"``, ``data-do`` and whatever other data.
    """

    name: str
    """Of its address, ``/?p=<name>``; small letters. Also the key of its title among the words."""
    icon: str
    """The path of a line icon of 24 by 24."""
    words: Mapping[Language, Mapping[str, str]]
    """English and Chinese; keys are ``<name>`` or begin with ``<name>_``."""
    build: Callable[[Assistant, gr.Blocks], None]
    errors: Mapping[str, str] = field(default_factory=dict)
    """Chinese wording of the plugin's own errors, by class name."""
    style: Callable[[], str] = str
    """Further rules of style."""
    shown_to: Callable[[User], bool] = lambda user: True
    """Whether a user sees the way to it; the page's actions check for themselves."""


@cache
def found() -> tuple[Page, ...]:
    """The pages that are there and whole, their words made known. A broken one is logged and left out."""
    pages = []
    for point in importlib.metadata.entry_points(group=GROUP):
        try:
            page = point.load()
            _check(page)
            _join(page)
            pages.append(page)
        except Exception:
            log.exception("the page %s could not be loaded and is left out", point.name)
    return tuple(pages)


def build(runtime: Assistant, blocks: gr.Blocks, pages: Sequence[Page]) -> list[Page]:
    """Lay the pages out; returns those that could be."""
    built = []
    for page in pages:
        try:
            page.build(runtime, blocks)
            built.append(page)
        except Exception:
            log.exception("the page %s could not be built and is left out", page.name)
    return built


def style(names: Sequence[str]) -> str:
    """Which page is seen, of ours and of plugins, and the plugins' own rules."""
    # The chat has a rule of its own: its composer stays at the bottom.
    seen = ",".join(f'body[data-page="{name}"] #app #page-{name}' for name in names if name != "chat")
    return f"{seen} {{ display: block !important; }}" + "".join(page.style() for page in found())


def _check(page: Page) -> None:
    english, chinese = (set(page.words[language]) for language in ("en", "zh"))
    if english != chinese:
        raise ValueError(f"words in one language only: {sorted(english ^ chinese)}")
    foreign = [key for key in english if key != page.name and not key.startswith(f"{page.name}_")]
    if foreign or page.name not in english or not page.name.isalpha():
        raise ValueError(f"words must be {page.name!r} or begin with it: {foreign}")


def _join(page: Page) -> None:
    for language, words in page.words.items():
        i18n.WORDS[language].update(words)
    words_zh.ERRORS.update(page.errors)
    icons.add(page.name, page.icon)
