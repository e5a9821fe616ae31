"""How sure answers from a collection have to be: its measurement, the curve of risk and coverage, a slider."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from markupsafe import Markup

from assistant import refusals
from assistant.errors import BadRequestError, YoujuError
from assistant.evidence import own_questions
from assistant.web import i18n
from assistant.web.pages.bridge import Reader
from assistant.web.pages.icons import icon

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.evidence.refusal import Refusal, Step
    from assistant.measurements import Running
    from assistant.store import Collection

_WIDTH, _HEIGHT = 480, 160
_MOST = 0.6
"""Share of wrong answers at the top of the curve; what lies above is not drawn."""


def line(runtime: Assistant, reader: Reader, collection: Collection) -> Markup:
    """One line over the table of files that says what holds, and leads to the panel."""
    if collection.user_id != reader.user.id or not collection.documents:
        return Markup("")
    run, say = runtime.measurements.of(collection.id), reader.say
    found, _ = _kept(runtime, collection)
    if run and not run.ended:
        words = say("sure_running", part=f"{run.part:.0%}")
    elif found and found.in_force is not None:
        words = say("sure_line", sure=f"{found.in_force:.0%}")
    else:
        words = say("sure_line_own")
    return Markup(
        '<p class="sure-line"><button type="button" class="text" data-docs="sure">{}</button></p>'
    ).format(words)


def html(runtime: Assistant, reader: Reader, collection: Collection) -> Markup:
    """The panel: what this is, how it stands, the curve with its slider, and what can be done.

    Raises:
        NotFoundError: The collection is not the reader's own.
    """
    run = runtime.measurements.of(collection.id)
    found, fault = _kept(runtime, collection)
    going = run is not None and not run.ended
    say = reader.say
    return Markup(
        '<section class="preview sure"{poll}><header><button type="button" class="tool" data-docs="show" '
        'aria-label="{back}" title="{back}">{arrow}</button><h2>{title}</h2></header><p class="hint">{lead}</p>'
        "{state}{curve}{button}{own}</section>"
    ).format(
        poll=Markup(" data-poll-sure") if going else Markup(""), back=say("back"), arrow=icon("left"),
        title=say("sure_title", name=collection.name), lead=say("sure_lead"),
        state=_state(reader, run, fault), curve=_measured(runtime, reader, collection, found) if found else "",
        button=Markup("") if going else _button(runtime, reader, collection, again=found is not None),
        own=_own(runtime, reader, collection),
    )  # fmt: skip


def choose(runtime: Assistant, reader: Reader, collection: Collection, place: str) -> None:
    """Hold answers to a place on the curve; an empty one takes the measured threshold again.

    Raises:
        BadRequestError: There is no such place: the page is older than the measurement.
    """
    found = runtime.measurements.found(collection.id)
    if not place:
        runtime.measurements.choose(collection.id, None)
        return
    steps = found.curve if found else ()
    if not (place.isdecimal() and int(place) < len(steps)):
        raise BadRequestError(field="threshold", value=place, remedy=reader.say("sure_reload"))
    runtime.measurements.choose(collection.id, steps[int(place)].threshold)


def _kept(runtime: Assistant, collection: Collection) -> tuple[Refusal | None, YoujuError | None]:
    """What was measured, or why it cannot be read: the files must be shown all the same."""
    try:
        return runtime.measurements.found(collection.id), None
    except YoujuError as fault:
        return None, fault


def _state(reader: Reader, run: Running | None, fault: YoujuError | None) -> Markup:
    say = reader.say
    error = run.error if run and run.error else None if run else fault
    if error:
        return Markup('<p class="hint fault">{}</p>').format(i18n.error_text(error, reader.language))
    if run:
        if run.stopped.is_set():
            return Markup('<p class="sure-run">{}</p>').format(say("sure_stopping"))
        stop = Markup('<button type="button" class="text" data-docs="sure-stop">{}</button>').format(
            say("stop")
        )
        return Markup(
            '<p class="sure-run"><progress value="{:.2f}" max="1"></progress><span>{} {}</span></p>'
        ).format(run.part, say("sure_running", part=f"{run.part:.0%}"), stop)
    return Markup("")


def _button(runtime: Assistant, reader: Reader, collection: Collection, *, again: bool) -> Markup:
    """The button that measures, or what stands in its way."""
    say = reader.say
    try:
        refusals.check(runtime, reader.user, collection)
    except YoujuError as fault:
        key = {"collection": "sure_few", "model": "sure_quoter"}.get(fault.fields.get("field", ""), "")
        words = say(key, least=refusals.LEAST_DOCUMENTS) if key else i18n.error_text(fault, reader.language)
        return Markup('<p class="hint">{}</p>').format(words)
    return Markup(
        '<p><button type="button" class="{kind}" data-docs="sure-measure">{words}</button></p><p class="hint">{time}</p>'
    ).format(
        kind="plain" if again else "sure-go", words=say("sure_again" if again else "sure_measure"),
        time=say("sure_time", count=refusals.QUESTIONS),
    )  # fmt: skip


def _own(runtime: Assistant, reader: Reader, collection: Collection) -> Markup:
    """People's own questions, and a form for one more."""
    say = reader.say
    try:
        questions = own_questions.load(runtime.settings.home, collection.id)
    except YoujuError as fault:
        return Markup('<p class="hint fault">{}</p>').format(i18n.error_text(fault, reader.language))
    rows = Markup("").join(
        Markup(
            '<li><span>{}</span><small>{}</small><button type="button" class="tool" data-docs="sure-remove" '
            'data-question="{}" title="{delete}" aria-label="{delete}">{}</button></li>'
        ).format(
            own.question,
            own.answer or say("sure_own_none"),
            own.question,
            icon("trash"),
            delete=say("delete"),
        )
        for own in reversed(questions)
    )
    return Markup(
        '<h3>{title}</h3><p class="hint">{lead}</p><form class="own-question" data-own-question>'
        '<input name="question" maxlength="500" required placeholder="{question}" aria-label="{question}">'
        '<input name="answer" maxlength="200" placeholder="{answer}" aria-label="{answer}">'
        '<button class="plain">{add}</button></form><ul class="own-questions">{rows}</ul>'
    ).format(
        title=say("sure_own_title"), lead=say("sure_own_lead", count=own_questions.ENOUGH), question=say("sure_own_question"),
        answer=say("sure_own_answer"), add=say("sure_own_add"), rows=rows,
    )  # fmt: skip


def _measured(runtime: Assistant, reader: Reader, collection: Collection, found: Refusal) -> Markup:
    say = reader.say
    now = [record.id for record in refusals.ready(runtime, reader.user, collection)]
    changed = len(set(found.documents) ^ set(now))
    made = f"{datetime.fromtimestamp(found.made, UTC):%Y-%m-%d}"
    said = say("sure_made", date=made, able=found.answerable, without=found.unanswerable)
    said += " " + say("sure_changed", count=changed) if changed else ""
    return Markup('<p class="sure-verdict">{}</p>{}<p class="hint">{}</p>').format(
        _verdict(reader, found), _slider(reader, found) if found.curve else "", said
    )


def _verdict(reader: Reader, found: Refusal) -> str:
    say, most = reader.say, f"{found.alpha:.0%}"
    if found.chosen is not None:
        return say("sure_chosen", sure=f"{found.chosen:.0%}")
    if found.threshold is None:
        return say("sure_unproved", most=most)
    return say("sure_proved", sure=f"{found.threshold:.0%}", most=most)


def _slider(reader: Reader, found: Refusal) -> Markup:
    say = reader.say
    steps = [_step(reader, step) for step in found.curve]
    at = _place(found)
    back = Markup('<button type="button" class="text" data-docs="sure-choose" data-place="">{}</button>')
    return Markup(
        '{svg}<label class="slide"><span>{less}</span><input type="range" min="0" max="{last}" value="{at}" '
        'aria-label="{name}" data-sure="{steps}"><span>{more}</span></label><p class="sure-step" aria-live="polite">'
        "{now}</p>{back}"
    ).format(
        svg=_curve(reader, found, at), less=say("sure_surer"), more=say("sure_more"), last=len(steps) - 1, at=at,
        name=say("sure_slider"), steps=json.dumps(steps, ensure_ascii=False), now=steps[at],
        back=back.format(say("sure_back")) if found.chosen is not None else "",
    )  # fmt: skip


def _step(reader: Reader, step: Step) -> str:
    return reader.say(
        "sure_step", sure=f"{step.threshold:.0%}", able=f"{step.coverage:.0%}", wrong=f"{step.wrong:.0%}",
        most=f"{step.bound:.0%}",
    )  # fmt: skip


def _place(found: Refusal) -> int:
    """The step in force."""
    threshold = found.own if found.in_force is None else found.in_force
    return min(range(len(found.curve)), key=lambda n: abs(found.curve[n].threshold - threshold))


def _curve(reader: Reader, found: Refusal, at: int) -> Markup:
    """Answered questions to the right, wrong answers upwards: as counted, and at most."""

    def points(name: str) -> str:
        return " ".join(f"{_x(s.coverage):.0f},{_y(getattr(s, name)):.0f}" for s in found.curve)

    step, say = found.curve[at], reader.say
    return Markup(
        '<figure class="risk"><svg viewBox="-2 -6 {w} {h}" role="img" aria-label="{name}">'
        '<line class="axis" x1="0" y1="{low}" x2="{wide}" y2="{low}"/><line class="axis" x1="0" y1="0" x2="0" y2="{low}"/>'
        '<line class="alpha" x1="0" y1="{alpha:.0f}" x2="{wide}" y2="{alpha:.0f}"/>'
        '<polyline class="bound" points="{bound}"/><polyline class="wrong" points="{wrong}"/>'
        '<text x="6" y="10">{top:.0%}</text><text x="{wide}" y="{under}" class="end">{axis}</text>'
        '<circle cx="{x:.0f}" cy="{y:.0f}" r="5"/></svg><figcaption><span class="wrong">{counted}</span>'
        '<span class="bound">{most}</span><span class="alpha">{wanted}</span></figcaption></figure>'
    ).format(
        w=_WIDTH + 8, h=_HEIGHT + 28, under=_HEIGHT + 18, top=_MOST, axis=say("sure_axis"), wide=_WIDTH, low=_HEIGHT, name=say("sure_curve"), alpha=_y(found.alpha),
        bound=points("bound"), wrong=points("wrong"), x=_x(step.coverage), y=_y(step.wrong),
        counted=say("sure_counted"), most=say("sure_most"), wanted=say("sure_wanted", most=f"{found.alpha:.0%}"),
    )  # fmt: skip


def _x(share: float) -> float:
    return share * _WIDTH


def _y(share: float) -> float:
    return _HEIGHT * (1.0 - min(share, _MOST) / _MOST)
