"""The second step as HTML: which recipe, what it takes, and the start."""

from __future__ import annotations

from markupsafe import Markup

from assistant.web.pages.bridge import Reader
from finetune.browser import recipes, views
from finetune.browser.works import Found


def ready(found: Found) -> bool:
    """The files were checked, and nothing stops."""
    if found.state != "done":
        return False
    counts = found.content.get("counts", {})
    hard = any(fault.get("hard", True) for fault in found.content.get("faults", ()))
    return not hard and bool(counts.get("examples") or counts.get("preferences"))


def recipe(reader: Reader, chosen: str, found: Found, planned: Found) -> Markup:
    """The three recipes, and what the chosen one takes."""
    card = Markup(
        '<button type="button" class="recipe" aria-pressed="{}" data-to="tune" data-do="recipe" data-r="{}"><b>{}</b><span>{}</span></button>'
    )
    cards = Markup("").join(
        card.format(
            "true" if name == chosen else "false", name, reader.say(f"tune_{name}"), reader.say(f"tune_{name}_says")
        )
        for name in recipes.RECIPES
    )  # fmt: skip
    parts = [views.title(reader, "recipe"), Markup('<div class="recipes">{}</div>').format(cards)]
    if ready(found):
        parts.append(Markup('<div class="plan">{}</div>').format(views.plan(reader, planned)))
        if planned.state in ("none", "failed"):
            parts.append(views.button("plan", reader.say("tune_measure")))
    return Markup("").join(parts)


def begin(reader: Reader, found: Found, *, busy: bool) -> Markup:
    """The button that starts, or why there is none."""
    if busy:
        return Markup('<p class="hint">{}</p>').format(reader.say("tune_busy"))
    if not ready(found):
        return Markup('<p class="hint">{}</p>').format(reader.say("tune_not_yet"))
    return views.button("start", reader.say("tune_start"), style="plain main")
