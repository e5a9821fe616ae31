"""``youju calibrate COLLECTION``: how sure an answer from it has to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.commands.options import (
    AsJson,
    AsUser,
    acting,
    collection_of,
    note,
    print_json,
    progress,
    searching,
    with_settings,
)
from assistant.config import Settings

if TYPE_CHECKING:
    from assistant.evidence.refusal import Refusal

calibrate = typer.Typer(add_completion=False)
_ROWS = 12
"""Thresholds that are printed; ``--json`` has all."""


@calibrate.command()
@with_settings
def _calibrate(
    settings: Settings,
    collection: Annotated[str, typer.Argument(help="Name of the collection.")],
    *,
    alpha: Annotated[float, typer.Option(help="Wrong answers among those given, at most.")] = 0.1,
    questions: Annotated[int, typer.Option(min=1, help="Drafted from its passages.")] = 60,
    user: AsUser = None,
    as_json: AsJson = False,
) -> None:
    """Measure a collection with questions drafted from it: its answers are that sure, or declined."""
    from assistant import refusals

    with searching(settings) as runtime:
        who = acting(runtime, user)
        place = collection_of(runtime, who, collection)
        assert place is not None, "a name was given"
        with progress(place.name) as update:
            found = refusals.calibrate(runtime, who, place, alpha=alpha, questions=questions, progress=update)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    _tell(place.name, found)


def _tell(name: str, found: Refusal) -> None:
    asked = f"{found.answerable} questions with an answer and {found.unanswerable} without"
    if found.threshold is None:
        note(f"{name}: {asked}: no threshold is proved to keep wrong answers under {found.alpha:.0%}.")
        note("The reader's own stays. More documents, more questions (--questions) or a higher --alpha may.")
    else:
        note(f"{name}: {asked}. Answers from now on are at least {found.threshold:.0%} sure, or declined.")
    typer.echo("at least    answered    wrong    wrong at most (90 %)")
    for step in found.curve[:: max(1, len(found.curve) // _ROWS)]:
        typer.echo(_line(step, found))


def _line(step: Any, found: Refusal) -> str:
    mark = "  <- in force" if step.threshold == found.in_force else ""
    return (
        f"{step.threshold:>8.0%}    {step.coverage:>8.0%}    {step.wrong:>5.0%}    {step.bound:>19.0%}{mark}"
    )
