"""The composer at the bottom of the chat. The page's script runs it; the server fills it once a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from assistant.web.pages.bridge import Reader
from assistant.web.pages.icons import icon

if TYPE_CHECKING:
    from assistant.assistant import Assistant

QUESTION_LIMIT = 100_000
"""Characters that the field takes; the model's window is the real limit and says so itself."""


def form(runtime: Assistant, reader: Reader) -> Markup:
    """Text field, attach, where to answer from, and one button that sends or stops."""
    say = reader.say
    return Markup(
        '<form class="composer" data-lang="{lang}" data-ask="{ask}" data-busy="{busy}" '
        'data-ok="{ok}" data-cancel="{cancel}" data-delete="{delete}">'
        '<textarea rows="1" maxlength="{limit}" placeholder="{ask}" aria-label="{ask}"></textarea>'
        '<div class="row"><button type="button" class="tool" data-ui="attach" title="{attach}" aria-label="{attach}">'
        '{clip}</button><label class="scope"><span class="sr">{scope}</span><select data-scope-picker '
        'aria-label="{scope}">{options}</select></label><span class="grow"></span>'
        '<button type="submit" class="send" title="{send}" aria-label="{send}">{arrow}</button>'
        '<button type="button" class="send halt" data-ui="stop" title="{stop}" aria-label="{stop}">{square}</button>'
        '</div></form><p class="disclaimer">{disclaimer}</p><p class="dropping" aria-hidden="true">{drop}</p>'
    ).format(
        lang="zh-CN" if reader.language == "zh" else "en", ok=say("ok"), cancel=say("cancel"), delete=say("delete"),
        ask=say("ask"), busy=say("ask_busy"), limit=QUESTION_LIMIT, attach=say("attach"), clip=icon("attach"),
        scope=say("scope"), options=_options(runtime, reader), send=say("send"), arrow=icon("send"),
        stop=say("stop"), square=icon("stop"), disclaimer=say("disclaimer"), drop=say("drop_now"),
    )  # fmt: skip


def _options(runtime: Assistant, reader: Reader) -> Markup:
    named = [(c.id, c.name) for c in runtime.workspace.store.collections.list(reader.user)]
    choices = [
        ("all", reader.say("scope_all")),
        *named,
        ("chat", reader.say("scope_chat")),
        ("none", reader.say("scope_none")),
    ]
    return Markup("").join(Markup('<option value="{}">{}</option>').format(*choice) for choice in choices)
