"""The page's own HTML: what runs, the list of runs, a report, a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from markupsafe import Markup

from assistant.schema import Estimate
from assistant.web import i18n
from assistant.web.pages.bridge import Reader
from eval.browser.shelf import Kept
from eval.browser.works import Work
from eval.report import words
from eval.report.findings import Report

if TYPE_CHECKING:
    from eval.comparison import Comparison
    from eval.runs import Run


def now(reader: Reader, work: Work | None) -> Markup:
    """What runs; asked for again each second while something does."""
    if work is None or not work.busy:
        return _ended(reader, work)
    if work.user_id != reader.user.id:
        other = reader.say("evaluate_other")
        return Markup('<div data-poll-page="evaluate"><p class="status">{}</p></div>').format(other)
    key = {"stop": "evaluate_stopping"}.get(work.stage, f"evaluate_{work.stage}")
    said = reader.say(key, suite=work.suite, done=work.done, of=work.of)
    if work.stage == "predict" and (left := work.left_s()) is not None:
        said += " · " + reader.say("evaluate_left", time=_time(reader, left))
    bar = Markup('<progress value="{}" max="{}"></progress>').format(work.done, max(1, work.of))
    return Markup('<div data-poll-page="evaluate"><p class="status" role="status">{}</p>{}</div>').format(
        said, bar if work.of else Markup("<progress></progress>")
    )


def _ended(reader: Reader, work: Work | None) -> Markup:
    idle = Markup('<p class="hint">{}</p>').format(reader.say("evaluate_idle"))
    if work is None or work.user_id != reader.user.id or work.error is None:
        return idle
    reason = i18n.error_text(work.error, reader.language)
    return Markup('<p class="status danger" role="alert">{}</p>{}').format(
        reader.say("evaluate_failed", reason=reason), idle
    )


def _time(reader: Reader, seconds: float) -> str:
    if seconds < 90:
        return reader.say("evaluate_seconds", n=max(1, round(seconds)))
    return reader.say("evaluate_minutes", n=round(seconds / 60))


def listed(reader: Reader, kept: Sequence[Kept], busy: str) -> Markup:
    """The runs, newest first.

    Args:
        reader: Who looks.
        kept: Their runs.
        busy: The folder's name of the one that goes on; it has no buttons.
    """
    say = reader.say
    title = Markup("<h2>{}</h2>").format(say("evaluate_runs"))
    if not kept:
        return title + Markup('<p class="hint">{}</p>').format(say("evaluate_none"))
    heads = [say("evaluate_suite"), say("evaluate_result"), say("evaluate_cases"), say("evaluate_date"), ""]
    rows = Markup("").join(_row(reader, run, busy) for run in kept)
    return title + Markup(
        '<div class="scroll"><table class="runs"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(Markup("").join(Markup("<th>{}</th>").format(each) for each in heads), rows)


def _row(reader: Reader, run: Kept, busy: str) -> Markup:
    say, cases = reader.say, len(run.manifest.cases)
    done = str(cases) if run.complete else say("evaluate_unfinished", done=run.done, of=cases)
    name = Markup(
        '<a href="/?p=evaluate&amp;r={}" data-to="evaluate" data-do="show" data-r="{}" data-at="&amp;r={}">{}</a>'
    )
    buttons = [] if run.complete else [_button("on", run.name, say("evaluate_on"))]
    buttons.append(_button("delete", run.name, say("evaluate_delete"), say("evaluate_sure")))
    return Markup("<tr><td>{}<small>{}</small></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>").format(
        name.format(run.name, run.name, run.name, run.manifest.suite),
        run.adapter or say("evaluate_bare"),
        _headline(reader, run),
        done,
        moment(run.manifest.date),
        Markup(" ").join(buttons) if run.name != busy else "",
    )


def _button(do: str, name: str, label: str, sure: str = "") -> Markup:
    danger = Markup(' danger" data-confirm="{}').format(sure) if sure else Markup("")
    return Markup(
        '<button type="button" class="text{}" data-to="evaluate" data-do="{}" data-r="{}">{}</button>'
    ).format(danger, do, name, label)


def _headline(reader: Reader, run: Kept) -> str:
    found = {
        name: Estimate(value["mean"], value["low"], value["high"], value["n"])
        for name, value in run.metrics.items()
        if value.get("mean") is not None
    }
    names = [name for name in words.HEADLINES if name in found]
    if not names:
        return "–"
    return words.said(found[names[0]], reader.language) + f" ({words.title(names[0], reader.language)})"


def moment(date: str) -> str:
    """A manifest's date, short."""
    try:
        return f"{datetime.fromisoformat(date):%Y-%m-%d %H:%M}"
    except ValueError:
        return date[:16]


def report(reader: Reader, found: Report, links: dict[str, str]) -> Markup:
    """A report: numbers with their intervals, charts, every figure, the worst cases."""
    from eval.report import cases, page, text

    say, language, of = reader.say, reader.language, len(found.run.manifest.cases)
    manifest = found.run.manifest
    back = Markup(
        '<p><a class="text" href="/?p=evaluate" data-to="evaluate" data-do="show" data-at="">← {}</a></p>'
    )
    files = Markup(" ").join(
        Markup('<a class="plain" href="{}" download>{}</a>').format(url, say(key))
        for key, url in links.items()
    )
    partial = say("evaluate_partial", done=found.n, of=of) if found.n < of else ""
    missing = Markup("").join(Markup("<li>{}</li>").format(line) for line in text.not_measured(found))
    parts = [
        Markup("<h2>{}</h2>").format(say("evaluate_charts")),
        Markup('<div class="charts">{}</div>').format(page.drawn(found, language)),
        Markup("<h2>{}</h2>{}").format(
            say("evaluate_worst", count=len(found.worst)), cases.html(found.worst, language)
        ),
        Markup("<h2>{}</h2>{}").format(say("evaluate_figures"), page.table(found.metrics, language)),
        Markup("<h2>{}</h2><ul>{}</ul>").format(say("evaluate_missing"), missing) if missing else Markup(""),
        Markup("<h2>{}</h2><pre>{}</pre>").format(say("evaluate_again"), text.command(found)),
    ]
    return Markup('<div class="evaluate shown">{}<header class="page-head"><h1>{}</h1><p>{} · {}</p></header>{}{}<p class="files">{}</p>{}</div>').format(
        back.format(say("evaluate_back")), manifest.suite, moment(manifest.date), done(reader, found),
        Markup('<p class="status">{}</p>').format(partial) if partial else Markup(""),
        page.figures(found.metrics, language), files, Markup("").join(parts),
    )  # fmt: skip


def done(reader: Reader, found: Report) -> str:
    """Of how many cases, with which model."""
    subject = found.run.manifest.subject
    return f"{reader.say('evaluate_cases')} {found.n} · {subject.get('base', '')}"


def comparison(reader: Reader, found: Comparison, a: Run, b: Run, url: str) -> Markup:
    """Which is better, and the changed answers side by side."""
    from eval.report import compared

    back = Markup(
        '<p><a class="text" href="/?p=evaluate" data-to="evaluate" data-do="show" data-at="">← {}</a></p>'
    )
    link = Markup('<p class="files"><a class="plain" href="{}" download>{}</a></p>')
    return Markup('<div class="evaluate shown">{}{}{}</div>').format(
        back.format(reader.say("evaluate_back")),
        compared.html(found, a, b, language=reader.language),
        link.format(url, reader.say("evaluate_report")),
    )
