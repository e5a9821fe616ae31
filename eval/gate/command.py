"""``youju adapters promote`` and ``compare``: measure, decide, and only then put an adapter live."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.commands.options import AsJson, note, with_settings
from assistant.config import Settings
from assistant.errors import AdapterError, BadRequestError
from assistant.models import adapters, live
from assistant.models.catalog import resolve
from assistant.schema import AdapterRef

if TYPE_CHECKING:
    from eval.gate.measuring import Plan
    from eval.gate.record import Record
    from eval.schema import Suite

HELD_OUT = "held_out.jsonl"
Name = Annotated[str, typer.Argument(metavar="NAME", help="Of `youju adapters list`.")]
Suites = Annotated[
    list[str] | None,
    typer.Option(
        "--suite", metavar="SUITE", help="What it was made for; its run's held-out cases by default."
    ),
]
Guards = Annotated[
    list[str] | None,
    typer.Option("--guard", metavar="SUITE", help="More cases of chat or documents that must not be lost."),
]
Margins = Annotated[
    list[str] | None,
    typer.Option(
        "--margin",
        metavar="KIND=VALUE",
        help="What is lost by less is no worse; task=0.05, all of alone, chat, citations, abstention 0.1.",
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Draw so many of the task's cases.")]
Seeds = Annotated[
    int, typer.Option(min=1, max=20, help="Answer each case by so many seeds, at temperature 0.7.")
]


@with_settings
def promote(
    settings: Settings,
    name: Name,
    *,
    suite: Suites = None,
    guard: Guards = None,
    margin: Margins = None,
    limit: Limit = None,
    seeds: Seeds = 1,
    force: Annotated[
        str | None, typer.Option(metavar="REASON", help="Put it live unmeasured; the reason is recorded.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put an adapter live if it is proved better than what is live, and chats, cites and declines no worse.

    Exit codes: 0 it is live · 1 it is not: worse, or it can't be told · 2 it can't be used.
    """
    from eval.gate import hosting
    from eval.gate import record as records

    ref, before = _candidate(settings, name), live.stack(settings.home, _base(settings))
    if force is not None:
        _force(settings, ref, before, force)
        return
    plan = _plan(ref, suite or [], guard or [], margin or [], limit, seeds)
    record = hosting.measured(settings, ref, _live(settings), plan)
    path = records.save(record, settings.home / hosting.GATES)
    _show(record, path, as_json=as_json)
    if record.decision.outcome != "promote":
        note(f"{name} is not put live; `--force REASON` does it all the same")
        raise typer.Exit(1)
    live.promote(settings.home, ref, before, gate=str(path))
    note(f"{name} is live")
    _warn(settings)


@with_settings
def compare(
    settings: Settings,
    name: Name,
    other: Annotated[
        str,
        typer.Argument(
            metavar="[OTHER]", help="Compared with; what is live by default, none: the bare model."
        ),
    ] = "live",
    *,
    suite: Suites = None,
    guard: Guards = None,
    margin: Margins = None,
    limit: Limit = None,
    seeds: Seeds = 1,
    as_json: AsJson = False,
) -> None:
    """Say whether an adapter is better than another one, by the questions of `promote`; nothing goes live."""
    from eval.gate import hosting
    from eval.gate import record as records

    ref = _candidate(settings, name)
    against = _live(settings) if other == "live" else None if other == "none" else _candidate(settings, other)
    plan = _plan(ref, suite or [], guard or [], margin or [], limit, seeds)
    record = hosting.measured(settings, ref, against, plan)
    _show(record, records.save(record, settings.home / hosting.GATES), as_json=as_json)


def _candidate(settings: Settings, name: str) -> AdapterRef:
    """The adapter, seen to be whole and of the base in use.

    Raises:
        AdapterError: It is not.
    """
    ref = adapters.find(settings.home, name)
    adapters.verify(ref, _base(settings))
    return ref


def _live(settings: Settings) -> AdapterRef | None:
    return live.current(settings.home, _base(settings))


def _base(settings: Settings) -> str:
    if settings.base_url:
        remedy = "adapters go on a model of this machine: leave base_url out"
        raise BadRequestError(field="base_url", value=settings.base_url, remedy=remedy)
    return resolve(settings.model).name


def _force(settings: Settings, ref: AdapterRef, before: Sequence[live.Event], reason: str) -> None:
    from eval.gate import hosting
    from eval.gate import record as records

    if not reason.strip():
        raise BadRequestError(field="--force", value="without a reason", remedy="say why: it is recorded")
    with hosting.tried(settings, ref):
        found = records.latest(settings.home / hosting.GATES, ref.sha256)
    live.promote(settings.home, ref, before, gate=str(found) if found else None, forced=reason.strip())
    note(f"{ref.name} is live without proof; recorded: {reason.strip()}")
    _warn(settings)


def _plan(
    ref: AdapterRef,
    suites: Sequence[str],
    guards: Sequence[str],
    margins: Sequence[str],
    limit: int | None,
    seeds: int,
) -> Plan:
    from eval import loading
    from eval.gate import measuring

    more = [loading.load(each) for each in guards]
    return measuring.plan(_tasks(ref, suites), _margins(margins), guards=more, limit=limit, seeds=seeds)


def _tasks(ref: AdapterRef, given: Sequence[str]) -> list[Suite]:
    """What the adapter was made for: the suites given, or the held-out cases of its run.

    Raises:
        BadRequestError: Neither is there.
        SuiteError: A suite cannot be used.
    """
    from eval import loading

    if given:
        return [loading.load(each) for each in given]
    folder = Path(ref.path)
    for place in (folder, _run_of(folder)):
        if place is not None and (place / HELD_OUT).is_file():
            return [loading.load(place / HELD_OUT)]
    remedy = "say what it was made for: --suite FILE (`youju eval suites` lists ours)"
    raise BadRequestError(
        field="--suite", value=f"{ref.name}: its run's {HELD_OUT} is not there; nothing", remedy=remedy
    )


def _run_of(folder: Path) -> Path | None:
    """The run that made an adapter, as its run.json says."""
    try:
        return folder / str(json.loads((folder / "run.json").read_text(encoding="utf-8"))["run"])
    except (FileNotFoundError, KeyError):
        return None
    except (OSError, ValueError, TypeError) as fault:
        remedy = "mend it, or give --suite FILE"
        raise AdapterError(
            name=folder.name, reason=f"run.json cannot be read ({fault})", remedy=remedy
        ) from None


def _margins(given: Sequence[str]) -> dict[str, float]:
    """``kind=value`` read.

    Raises:
        BadRequestError: It is not of that form.
    """
    from eval.gate.questions import MARGINS

    found: dict[str, float] = {}
    for each in given:
        kind, _, value = each.partition("=")
        try:
            found[kind] = float(value)
        except ValueError:
            found[kind] = -1.0
        if kind not in MARGINS or not 0 <= found[kind] <= 1:
            remedy = f"write KIND=NUMBER, KIND one of {', '.join(MARGINS)}, NUMBER from 0 to 1"
            raise BadRequestError(field="--margin", value=repr(each), remedy=remedy)
    return found


def _show(record: Record, path: Path, *, as_json: bool) -> None:
    from eval.gate import record as records

    typer.echo(path.read_text(encoding="utf-8") if as_json else records.table(record))
    note(f"written: {path}")


def _warn(settings: Settings) -> None:
    """Who has set an adapter by name is not served by the pointer."""
    if settings.adapter != "live":
        note(f"but the setting adapter = {settings.adapter!r} decides here, not what is live")
