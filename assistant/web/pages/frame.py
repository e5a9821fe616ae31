"""What surrounds the pages: the brand, the way between them, and the list of conversations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from markupsafe import Markup

from assistant.web.pages.bridge import Reader
from assistant.web.pages.icons import icon

if TYPE_CHECKING:
    from assistant.config import Settings
    from assistant.engine.protocol import EngineState
    from assistant.store import Conversation

PAGES = ("chat", "documents", "summarize", "translate", "sentiment", "settings")


def navigation(reader: Reader, state: EngineState, others: Sequence[str] = ()) -> Markup:
    """Brand, pages, new chat and search; the list of chats follows it in its own place.

    Args:
        reader: Who looks.
        state: Of the engine; told unless it is ready.
        others: Names of plugins' pages, which stand before the settings.
    """
    say, names = reader.say, (*PAGES[:-1], *others, PAGES[-1])
    links = Markup("").join(
        Markup('<a class="nav" href="{}" data-go="{}">{}<span>{}</span></a>').format(
            "/" if page == "chat" else f"/?p={page}", page, icon(page), say(page)
        )
        for page in names
    )
    return Markup(
        '<div class="brand"><span class="mark" aria-hidden="true">据</span><span>{app}</span>'
        '<button type="button" class="quiet only-narrow" data-ui="drawer" aria-label="{close}">{x}</button></div>'
        "<nav>{links}</nav>{engine}"
        '<button type="button" class="new" data-act="new">{plus}<span>{new}</span></button>'
        '<label class="search">{glass}<input type="search" data-search placeholder="{search}" aria-label="{search}">'
        "</label>"
    ).format(
        app="有据" if reader.language == "zh" else "Youju", close=say("close"), x=icon("close"), links=links,
        engine=_engine(reader, state), plus=icon("plus"), new=say("new_chat"), glass=icon("search"),
        search=say("search_chats"),
    )  # fmt: skip


def notice(reader: Reader, settings: Settings) -> Markup:
    """What everybody must know who writes here: who is a guest, and what a restart takes."""
    key, kind = "", ""
    if settings.auth == "visitors":
        key, kind = "notice_visitors", " guest"
    elif settings.ephemeral:
        key = "notice_snapshots" if settings.snapshots else "notice_ephemeral"
    words = reader.say(key, count=settings.visitor_questions) if key else ""
    return Markup('<p class="notice{}" role="note">{}</p>').format(kind, words) if key else Markup("")


def top_bar(reader: Reader) -> Markup:
    """The bar of narrow screens."""
    return Markup(
        '<button type="button" class="quiet" data-ui="drawer" aria-label="{}">{}</button><b>{}</b>'
        '<button type="button" class="quiet" data-act="new" aria-label="{}">{}</button>'
    ).format(
        reader.say("menu"), icon("menu"), "有据" if reader.language == "zh" else "Youju",
        reader.say("new_chat"), icon("plus"),
    )  # fmt: skip


def history(reader: Reader, conversations: Sequence[Conversation], query: str = "") -> Markup:
    """The conversations, newest first, under the day of their last message."""
    if not conversations:
        key = "no_chats_found" if query else "no_chats"
        return Markup('<p class="hint">{}</p>').format(
            reader.say(key, query=query) if query else reader.say(key)
        )
    parts, last = [], ""
    for conversation in conversations:
        day = _day(conversation.updated)
        if day != last:
            parts.append(Markup('<h2 class="day">{}</h2>').format(reader.say(day)))
            last = day
        parts.append(_item(reader, conversation))
    return Markup("").join(parts)


def _item(reader: Reader, conversation: Conversation) -> Markup:
    say, title = reader.say, conversation.title or reader.say("untitled")
    return Markup(
        '<div class="chat-item" data-id="{id}"><a href="/?c={id}" data-act="open" data-c="{id}">{title}</a>'
        '<details class="menu"><summary aria-label="{more}">{dots}</summary><div class="menu-list">'
        '<button type="button" data-act="rename" data-c="{id}" data-prompt="{ask}" data-value="{title}">{rename}</button>'
        '<a href="/exports/conversations/{id}.md" download>{markdown}</a>'
        '<a href="/exports/conversations/{id}.json" download>{json}</a>'
        '<button type="button" class="danger" data-act="delete" data-c="{id}" data-confirm="{sure}">{delete}</button>'
        "</div></details></div>"
    ).format(
        id=conversation.id, title=title, more=say("more"), dots=icon("more"), ask=say("rename_chat"),
        rename=say("rename"), markdown=say("export_markdown"), json=say("export_json"), sure=say("delete_chat"),
        delete=say("delete"),
    )  # fmt: skip


def _engine(reader: Reader, state: EngineState) -> Markup:
    if state.state in ("ready", "idle"):
        return Markup("")
    words = reader.say(f"engine_{state.state}")
    return Markup('<p class="engine {}" title="{}">{}</p>').format(state.state, state.detail, words)


def _day(moment: datetime) -> str:
    age = datetime.now(UTC).date() - moment.astimezone(UTC).date()
    if age <= timedelta(days=0):
        return "today"
    return "yesterday" if age == timedelta(days=1) else "earlier"
