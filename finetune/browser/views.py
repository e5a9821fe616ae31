"""The first two steps as HTML: the files and what is wrong with them, the plan, and the list of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from assistant.web import i18n
from assistant.web.pages.bridge import Reader
from finetune.browser import said
from finetune.browser.shelf import Kept
from finetune.browser.works import Found

POLLED = Markup('<span data-poll-page="tune"></span>')
KEPT_FRESH = Markup('<span data-poll-page="tune" data-every="5"></span>')
"""A run may begin or end in a terminal, or on another page."""
STEPS = ("data", "recipe", "run", "result")


def steps(reader: Reader, now: str) -> Markup:
    """The way from data to result, with the step where the reader is."""
    items = Markup("").join(
        Markup("<li{}><i>{}</i>{}</li>").format(
            Markup(' aria-current="step"') if name == now else "", number, reader.say(f"tune_{name}")
        )
        for number, name in enumerate(STEPS, 1)
    )
    return Markup('<ol class="way">{}</ol>').format(items)


def title(reader: Reader, step: str) -> Markup:
    """Heading of a step and its one line."""
    return Markup("<h2>{}</h2><p>{}</p>").format(reader.say(f"tune_{step}"), reader.say(f"tune_{step}_lead"))


def button(do: str, label: str, *, name: str = "", sure: str = "", style: str = "plain") -> Markup:
    """A button of ours; what it sends reaches the page's channel."""
    confirm = Markup(' data-confirm="{}"').format(sure) if sure else ""
    return Markup(
        '<button type="button" class="{}" data-to="tune" data-do="{}" data-r="{}"{}>{}</button>'
    ).format(style, do, name, confirm, label)


def data(reader: Reader, files: Sequence[Path], found: Found) -> Markup:
    """The files and what is in them."""
    if not files:
        return Markup('<p class="hint">{}</p>').format(reader.say("tune_no_files"))
    return _files(reader, files) + _checked(reader, found)


def plan(reader: Reader, found: Found) -> Markup:
    """Time and memory of the recipe that is chosen."""
    say = reader.say
    if found.state == "working":
        return (
            Markup('<p class="status" role="status">{}</p><progress></progress>').format(say("tune_planning"))
            + POLLED
        )
    if found.state == "failed":
        reason = i18n.kept_error(found.said, reader.language)
        return Markup('<p class="status danger" role="alert">{}</p>').format(
            say("tune_plan_failed", reason=reason)
        )
    if found.state == "none":
        return Markup('<p class="hint">{}</p>').format(say("tune_plan_lead"))
    return _measured(reader, found.content)


def listed(reader: Reader, kept: Sequence[Kept], live: str) -> Markup:
    """The runs, newest first.

    Args:
        reader: Who looks.
        kept: Their runs.
        live: Name of the adapter that answers now.
    """
    heading = Markup("<h2>{}</h2>").format(reader.say("tune_runs"))
    if not kept:
        return heading + Markup('<p class="hint">{}</p>').format(reader.say("tune_no_runs"))
    heads = (reader.say("tune_adapter"), reader.say("tune_state"), reader.say("tune_when"), "")
    rows = Markup("").join(_row(reader, run, live) for run in kept)
    polled = POLLED if any(run.status is not None and run.status.alive for run in kept) else Markup("")
    return heading + Markup(
        '<div class="scroll"><table class="runs"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>{}'
    ).format(Markup("").join(Markup("<th>{}</th>").format(each) for each in heads), rows, polled)


def state(reader: Reader, kept: Kept) -> str:
    """How a run stands, in a word or two."""
    if kept.status is None:
        return reader.say("tune_starting")
    name = kept.status.state
    return reader.say(f"tune_{name}_state")


def _files(reader: Reader, files: Sequence[Path]) -> Markup:
    item = Markup("<li><span>{}</span><small>{}</small>{}</li>")
    return Markup('<ul class="files-kept">{}</ul>').format(
        Markup("").join(
            item.format(path.name, said.size(path.stat().st_size), button("drop", reader.say("tune_remove"), name=path.name, style="text"))
            for path in files
        )
    )  # fmt: skip


def _checked(reader: Reader, found: Found) -> Markup:
    say = reader.say
    if found.state == "working":
        return (
            Markup('<p class="status" role="status">{}</p><progress></progress>').format(say("tune_checking"))
            + POLLED
        )
    again = button("check", say("tune_again"))
    if found.state != "done":
        reason = i18n.kept_error(found.said, reader.language) or "–"
        failed = say("tune_check_failed", reason=reason) if found.state == "failed" else ""
        return Markup('<p class="status danger" role="alert">{}</p>{}').format(failed, again)
    return _counts(reader, found.content)


def _counts(reader: Reader, content: Mapping[str, Any]) -> Markup:
    say, counts = reader.say, content.get("counts", {})
    lengths = content.get("lengths", {})
    rows = [
        (say("tune_examples"), f"{counts.get('examples', 0):,}"),
        (say("tune_preferences"), f"{counts['preferences']:,}" if counts.get("preferences") else ""),
        (say("tune_tasks"), _shares(reader, counts.get("tasks", {}), {})),
        (say("tune_languages"), _shares(reader, content.get("languages", {}), {"en": "english", "zh": "chinese"})),
        (say("tune_lengths"), say("tune_lengths_said", **{key: _count(lengths.get(key)) for key in ("p50", "longest", "limit")}) if lengths else ""),
    ]  # fmt: skip
    pair = Markup("<dt>{}</dt><dd>{}</dd>")
    return Markup('<dl class="facts">{}</dl>').format(
        Markup("").join(pair.format(*row) for row in rows if row[1])
    )


def _count(value: Any) -> str:
    return f"{value:,.0f}" if isinstance(value, (int, float)) else "–"


def _shares(reader: Reader, counts: Mapping[str, int], names: Mapping[str, str]) -> str:
    known = i18n.WORDS[reader.language]
    called = {name: known.get(f"tune_{names.get(name, name)}", name) for name in counts}
    return " · ".join(
        f"{called[name]} {count:,}" for name, count in sorted(counts.items(), key=lambda pair: -pair[1])
    )


def _measured(reader: Reader, content: Mapping[str, Any]) -> Markup:
    say = reader.say
    low, high = content["seconds"]
    peak, free = content["peak_bytes"], content["available_bytes"]
    pieces = [
        (said.span(reader, low, high), say("tune_plan_time")),
        (said.size(peak), say("tune_plan_memory", free=said.size(free))),
        (f"{content['steps']:,}", say("tune_plan_steps", tokens=_count(content["tokens_per_step"]))),
    ]
    figure = Markup("<p><b>{}</b><span>{}</span></p>")
    figures = Markup("").join(figure.format(*piece) for piece in pieces)
    tight = (
        Markup('<p class="status danger" role="alert">{}</p>').format(say("tune_plan_tight"))
        if peak > free
        else ""
    )
    return Markup('<div class="figures">{}</div>{}').format(figures, tight)


def _row(reader: Reader, kept: Kept, live: str) -> Markup:
    say, alive = reader.say, kept.status is not None and kept.status.alive
    link = Markup(
        '<a href="/?p=tune&amp;r={0}" data-to="tune" data-do="show" data-r="{0}" data-at="&amp;r={0}">{1}</a>{2}'
    )
    tag = (
        Markup(' <span class="tag better">{}</span>').format(say("tune_live_tag"))
        if kept.adapter and kept.adapter == live
        else ""
    )
    far = f" · {kept.status.step} / {kept.status.steps}" if kept.status and kept.status.steps else ""
    gone = button("delete", say("tune_delete"), name=kept.name, sure=say("tune_sure"), style="text danger")
    return Markup("<tr><td>{}</td><td>{}{}</td><td>{}</td><td>{}</td></tr>").format(
        link.format(kept.name, kept.title, tag), state(reader, kept), far,
        said.moment(kept.status.started) if kept.status else "", gone if kept.own and not alive else "",
    )  # fmt: skip
