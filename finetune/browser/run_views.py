"""The last two steps as HTML: the run with its curves, and what came out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from assistant.web import i18n
from assistant.web.pages.bridge import Reader
from finetune import reading
from finetune.browser import charts, said, views, words
from finetune.browser.shelf import Kept
from finetune.browser.works import TOLD, Found
from finetune.reading import Point

FINDINGS = ("better", "worse", "no_worse", "different", "unclear")


def run(reader: Reader, kept: Kept, *, starting: bool, said_last: str) -> Markup:
    """A run as it stands.

    Args:
        reader: Who looks.
        kept: The run.
        starting: Its process works and has not written yet.
        said_last: Its process's last words, where it ended before it wrote.
    """
    points = reading.points(kept.run)
    back = Markup(
        '<p><a class="text" href="/?p=tune" data-to="tune" data-do="list" data-at="">← {}</a></p>'
    ).format(reader.say("tune_back"))
    alive = starting or (kept.status is not None and kept.status.alive)
    done = kept.status is not None and kept.status.state == "done"
    parts = [
        back,
        Markup('<header class="page-head"><h1>{}</h1></header>').format(kept.title),
        views.steps(reader, "result" if done else "run"),
        Markup("<h2>{}</h2>").format(reader.say("tune_run")),
        _standing(reader, kept, points, starting=starting, said_last=said_last),
        _curves(reader, kept, points) or _waiting(reader, alive=alive),
        views.POLLED if alive else Markup(""),
    ]
    return Markup('<div class="tuned shown">{}</div>').format(Markup("").join(parts))


def result(reader: Reader, kept: Kept, gate: Mapping[str, Any], passing: Found, *, live: str) -> Markup:
    """Base against adapter, the gate's word, and what can be done.

    Args:
        reader: Who looks.
        kept: The run.
        gate: The newest record of the gate about its adapter; empty where there is none.
        passing: The gate at work.
        live: Name of the adapter that answers now.
    """
    say = reader.say
    report = reading.mapping(kept.run / reading.REPORT)
    heading = Markup("<h2>{}</h2>").format(say("tune_result"))
    if kept.status is None or not kept.adapter or kept.status.alive:
        return heading + Markup('<p class="hint">{}</p>').format(say("tune_no_report"))
    parts = [heading, _compared(reader, report, done=kept.status.state == "done")]
    parts += [_gate(reader, gate)] if gate and passing.state != "working" else []
    parts.append(_actions(reader, kept, passing, live=live))
    return Markup('<div class="tuned">{}</div>').format(Markup("").join(parts))


def _waiting(reader: Reader, *, alive: bool) -> Markup:
    return Markup('<p class="hint">{}</p>').format(reader.say("tune_waiting")) if alive else Markup("")


def _standing(
    reader: Reader, kept: Kept, points: Sequence[Point], *, starting: bool, said_last: str
) -> Markup:
    say, status = reader.say, kept.status
    if status is None or (starting and not status.alive):
        if starting:
            return Markup('<p class="status" role="status">{}</p><progress></progress>').format(
                say("tune_starting")
            )
        reason = i18n.kept_error(said_last, reader.language)
        return Markup('<p class="status danger" role="alert">{}</p>{}').format(
            say("tune_failed_says", reason=reason), views.button("resume", say("tune_resume"), name=kept.name)
        )
    if not status.alive:
        return _ended(reader, kept)
    stopping = reading.asked_to_stop(kept.run)
    pieces = [say("tune_stopping") if stopping else say(f"tune_{status.state}_state")]
    if status.steps:
        pieces.append(say("tune_step_of", step=status.step, steps=status.steps))
    if status.left is not None and not stopping:
        pieces.append(say("tune_left", time=said.span(reader, *status.left)))
    speed = next((point.tokens_per_second for point in reversed(points) if point.tokens_per_second), None)
    if speed:
        pieces.append(say("tune_speed", n=charts.number(speed)))
    bar = Markup('<progress value="{}" max="{}"></progress>').format(status.step, max(1, status.steps))
    can_stop = not stopping and status.state != "evaluating"
    halt = views.button("stop", say("tune_stop"), name=kept.name)
    return Markup('<p class="status" role="status">{}</p>{}<p class="do">{}</p>').format(
        " · ".join(pieces), bar if status.steps else Markup("<progress></progress>"), halt if can_stop else ""
    )


def _ended(reader: Reader, kept: Kept) -> Markup:
    say, status = reader.say, kept.status
    assert status is not None
    resume = Markup('<p class="do">{}</p>').format(views.button("resume", say("tune_resume"), name=kept.name))
    if status.state == "done":
        return Markup('<p class="status">{} · {}</p>').format(
            say("tune_done_state"), say("tune_step_of", step=status.step, steps=status.steps)
        )
    if status.state == "failed":
        reason = i18n.kept_error(status.message, reader.language)
        return Markup('<p class="status danger" role="alert">{}</p>{}').format(
            say("tune_failed_says", reason=reason), resume
        )
    return Markup('<p class="status">{}</p>{}').format(
        say(f"tune_{status.state}_says", step=status.step), resume
    )


def _curves(reader: Reader, kept: Kept, points: Sequence[Point]) -> Markup:
    say = reader.say
    steps = kept.status.steps if kept.status else 0
    loss = [(p.step, p.loss) for p in points if p.loss is not None]
    rate = [(p.step, p.learning_rate) for p in points if p.learning_rate is not None]
    measured: dict[str, list[tuple[float, float]]] = {}
    for point in points:
        for name, value in point.measured.items():
            measured.setdefault(name, []).append((point.step, value))
    held = measured.pop("loss", [])
    note = say("tune_curve_loss_held") if held else ""
    drawn = [charts.curve(say("tune_curve_loss"), loss, steps, dots=held, said=_last(loss, note))]
    drawn += [
        charts.curve(words.metric(name, reader.language), found, steps, dots=found, said=_last(found, say("tune_curve_held")))
        for name, found in list(measured.items())[:2]
    ]  # fmt: skip
    drawn.append(charts.curve(say("tune_curve_rate"), rate, steps, said=_last(rate)))
    return Markup('<div class="curves">{}</div>').format(Markup("").join(drawn)) if any(drawn) else Markup("")


def _last(points: Sequence[tuple[float, float]], note: str = "") -> str:
    value = charts.number(points[-1][1]) if points else ""
    return f"{value} · {note}" if value and note else value or note


def _compared(reader: Reader, report: Mapping[str, Any], *, done: bool) -> Markup:
    say, comparison = reader.say, report.get("comparison") or {}
    if reason := report.get("reason"):
        told = i18n.kept_error(str(reason).strip().splitlines()[-1].removeprefix(TOLD), reader.language)
        return Markup('<p class="status danger" role="alert">{}</p>').format(
            say("tune_compare_failed", reason=told)
        )
    if not comparison.get("metrics"):
        return Markup('<p class="hint">{}</p>').format(
            say("tune_nothing_compared" if done else "tune_no_report")
        )
    heads = [say(f"tune_{key}") for key in ("metric", "base", "adapter", "difference", "finding")]
    rows = Markup("").join(_metric(reader, each) for each in comparison["metrics"])
    lead = Markup("<p>{}</p>").format(say("tune_result_lead", n=comparison.get("n", "–")))
    return lead + _table(heads, rows)


def _metric(reader: Reader, each: Mapping[str, Any]) -> Markup:
    return _finding_row(
        reader, words.metric(each["metric"], reader.language), "", each["a"], each["b"], each["difference"], each["verdict"], each.get("more"),
    )  # fmt: skip


def _gate(reader: Reader, gate: Mapping[str, Any]) -> Markup:
    say, decision = reader.say, gate["decision"]
    heads = [say(f"tune_{key}") for key in ("metric", "base", "adapter", "difference", "finding")]
    rows = Markup("").join(
        _finding_row(
            reader, _question(reader, each["name"]), say("tune_margin", margin=f"{each['margin']:g}"),
            each.get("before"), each.get("after"), each.get("difference"), each["finding"], each.get("more"),
        )
        for each in decision["answers"]
    )  # fmt: skip
    against = say("tune_bare") if gate["against"] == "none" else gate["against"]
    tag = {"promote": "better", "worse": "worse"}.get(decision["outcome"], "unclear")
    return Markup('<h3 class="tag {}">{}</h3><p class="hint">{}</p>{}').format(
        tag, say(f"tune_verdict_{decision['outcome']}"),
        say("tune_against", name=against, moment=said.moment(gate["at"])), _table(heads, rows),
    )  # fmt: skip


def _question(reader: Reader, name: str) -> str:
    """A question of the gate as it is read: its guards by their name, its tasks by their metric."""
    if name in words.GUARDS:
        return reader.say(words.GUARDS[name])
    metric, _, rest = name.partition(" on ")
    how = next(
        (
            f" · {reader.say(f'tune_{key}')}"
            for key in ("without", "with")
            if rest.endswith(f"{key} retrieval")
        ),
        "",
    )
    return words.metric(metric, reader.language) + how


def _finding_row(
    reader: Reader,
    name: str,
    note: str,
    before: float | None,
    after: float | None,
    gap: Mapping[str, float] | None,
    finding: str,
    more: int | None,
) -> Markup:
    say = reader.say
    shown = f"{gap['mean']:+.3f} [{gap['low']:+.3f}, {gap['high']:+.3f}]".replace("-", "−") if gap else "–"
    finding = finding if finding in FINDINGS else "unclear"
    wanted = say("tune_more_cases", n=f"{more:,}") if more else ""
    cell = Markup('<td data-label="{}">{}</td>')
    cells = (("base", _value(before)), ("adapter", _value(after)), ("difference", shown))
    return Markup('<tr><td>{}<small>{}</small></td>{}<td><span class="tag {}">{}</span><small>{}</small></td></tr>').format(
        name, note, Markup("").join(cell.format(say(f"tune_{key}"), value) for key, value in cells),
        finding, say(f"tune_{finding}"), wanted,
    )  # fmt: skip


def _value(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _table(heads: Sequence[str], rows: Markup) -> Markup:
    top = Markup("").join(Markup("<th>{}</th>").format(each) for each in heads)
    return Markup(
        '<div class="scroll"><table class="found"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(top, rows)


def _actions(reader: Reader, kept: Kept, passing: Found, *, live: str) -> Markup:
    say = reader.say
    if passing.state == "working":
        return Markup('<p class="status" role="status">{}</p><progress></progress>{}').format(
            say("tune_promoting"), views.POLLED
        )
    if kept.adapter == live:
        off = views.button("rollback", say("tune_rollback"), name=kept.name, sure=say("tune_rollback_sure"))
        return Markup('<p class="clean">✓ {}</p><p class="do">{}</p>').format(say("tune_taken"), off)
    failed = Markup("")
    if passing.state == "failed":
        reason = i18n.kept_error(passing.said, reader.language)
        failed = Markup('<p class="status danger" role="alert">{}</p>').format(
            say("tune_promote_failed", reason=reason)
        )
    send = views.button("promote", say("tune_promote"), name=kept.name, style="plain main")
    return failed + Markup('<p class="do">{}</p><p class="hint">{}</p>').format(
        send, say("tune_promote_lead")
    )
