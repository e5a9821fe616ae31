"""What a reader is told once when the model in use does not write their language, and how to change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from assistant.models.catalog import BILINGUAL
from assistant.web.pages.bridge import Reader

if TYPE_CHECKING:
    from assistant.runtime import Runtime

COMMAND = f"youju models pull {BILINGUAL} && youju serve --model {BILINGUAL}"
_TOLD = "told_bilingual"


def hint(runtime: Runtime, reader: Reader) -> Markup:
    """For readers of Chinese who run the server: the one command that brings a model that writes it."""
    concerns = reader.language == "zh" and "zh" not in runtime.languages() and reader.user.role == "admin"
    if not concerns or runtime.store.settings.get(reader.user, _TOLD):
        return Markup("")
    return Markup(
        '<aside class="told"><p>{words}</p><p><code>{command}</code></p><p class="hint">{terms}</p>'
        '<button type="button" class="plain" data-act="told">{ok}</button></aside>'
    ).format(
        words=reader.say("bilingual_hint", model=runtime.settings.model), command=COMMAND,
        terms=reader.say("bilingual_terms"), ok=reader.say("understood"),
    )  # fmt: skip


def told(runtime: Runtime, reader: Reader) -> None:
    """The reader has read it: it is not shown again."""
    runtime.store.settings.set(reader.user, _TOLD, "yes")
