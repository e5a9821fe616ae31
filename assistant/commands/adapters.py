"""``youju adapters``: which there are, and which one answers. Measuring and training join by entry points."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.commands.options import AsJson, note, print_json, with_settings
from assistant.config import Settings
from assistant.errors import AdapterError, BadRequestError, ConflictError, StorageError, YoujuError
from assistant.models import adapters as folders
from assistant.models import live
from assistant.models.catalog import resolve
from assistant.schema import AdapterRef

adapters = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="List adapters, and say which one answers: only one that is proved better.",
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Of `youju adapters list`.")]
SHOWN = ("r", "lora_alpha", "use_rslora", "use_dora", "target_modules")
"""Of an adapter's config."""


@adapters.command("list")
@with_settings
def _list(settings: Settings, *, as_json: AsJson = False) -> None:
    """List the adapters of every base; a star marks the one that answers."""
    rows = [_row(settings, name, path) for name, path in folders.folders(settings.home).items()]
    if as_json:
        print_json({"adapters": rows})
        return
    if not rows:
        note("no adapter yet: `youju finetune CONFIG.toml` makes one")
    for row in rows:
        mark = "*" if row["answers"] else " "
        state = row["refused"] or ", ".join(row["state"])
        typer.echo(f"{mark} {row['name']:<26}{row['base']:<18}{row['size_bytes'] / 1e6:>7.1f} MB  {state}")


@adapters.command("show")
@with_settings
def _show(settings: Settings, name: Name, *, as_json: AsJson = False) -> None:
    """Show an adapter: base, size, hash, how it was trained, and when it went live or was taken off."""
    ref = folders.find(settings.home, name)
    past = [asdict(event) for event in live.history(settings.home) if event.name == name]
    row = {**_row(settings, name, Path(ref.path)), "sha256": ref.sha256, **_trained(ref), "history": past}
    if as_json:
        print_json(row)
        return
    for key, value in row.items():
        if key != "history" and value != "":
            typer.echo(f"{key:<16}{_said(value)}")
    for event in past:
        why = f", forced: {event['forced']}" if event["forced"] else ""
        typer.echo(f"{event['at']:<28}{event['do']}{why}  {event['gate'] or ''}")


@adapters.command("rollback")
@with_settings
def _rollback(settings: Settings, *, as_json: AsJson = False) -> None:
    """Take the promoted adapter of the model in use off; the one before answers again, at once."""
    taken, now = live.rollback(settings.home, _base(settings))
    if as_json:
        print_json({"taken_off": taken.name, "live": now.name if now else None})
        return
    note(f"{taken.name} is off; {f'{now.name} answers' if now else 'the bare model answers'} now")
    _warn(settings)


@adapters.command("delete")
@with_settings
def _delete(
    settings: Settings, name: Name, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """Delete an adapter's folder. The live one and the one that a rollback brings back are kept."""
    path = _own(settings, name)
    for base in {event.base for event in live.history(settings.home)}:
        if name in (event.name for event in live.stack(settings.home, base)[-2:]):
            detail = "is live, or a rollback brings it back: promote another one first"
            raise ConflictError(kind="adapter", value=name, detail=detail)
    if not yes:
        typer.confirm(f"Delete {path}?", abort=True)
    gone = path.with_name(f".{path.name}.deleted")
    try:
        shutil.rmtree(gone, ignore_errors=True)
        path.rename(gone)  # in one step: nobody ever sees half an adapter
        shutil.rmtree(gone)
    except OSError as fault:
        raise StorageError(what=path, reason=fault.strerror, remedy="look at its permissions") from None
    note(f"deleted {name}")


@adapters.command("export")
@with_settings
def _export(
    settings: Settings,
    name: Name,
    target: Annotated[
        Path, typer.Argument(metavar="FILE.zip", help="To write; a folder gets NAME.zip in it.")
    ],
) -> None:
    """Write an adapter as one file: weights, config, card and the run that made it, as peft reads them."""
    ref = folders.find(settings.home, name)
    folders.verify(ref, ref.base)
    path = target / f"{name}.zip" if target.is_dir() else target
    if path.suffix != ".zip":
        raise BadRequestError(field="FILE", value=path, remedy="give a name that ends in .zip, or a folder")
    if path.exists():
        raise BadRequestError(field="FILE", value=path, remedy="it is there already: give another name")
    part = path.with_name(f".{path.stem}.part.zip")
    try:
        shutil.make_archive(str(part.with_suffix("")), "zip", Path(ref.path).parent, name)
        part.replace(path)
    except OSError as fault:
        part.unlink(missing_ok=True)
        remedy = "give a folder that can be written"
        raise StorageError(what=path, reason=fault.strerror, remedy=remedy) from None
    note(f"written: {path} ({path.stat().st_size / 1e6:.1f} MB)")


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _row(settings: Settings, name: str, path: Path) -> dict[str, Any]:
    origin = "shipped" if path.parent == folders.SHIPPED else "yours"
    row: dict[str, Any] = {"name": name, "base": "?", "folder": str(path), "size_bytes": folders.size(path)}
    row |= {"refused": "", "answers": False, "state": [origin]}
    try:
        ref = folders.read(path)
        row["base"] = ref.base
        folders.verify(ref, ref.base)
        if _answers(settings, ref):
            row |= {"answers": True, "state": [origin, "live"]}
    except YoujuError as fault:
        row["refused"] = f"refused: {fault.fields.get('reason', fault)}"
    return row


def _answers(settings: Settings, ref: AdapterRef) -> bool:
    """It is what a request without a name gets, with its own base in use."""
    if settings.adapter != "live":
        return ref.name == settings.adapter and ref.base == _base(settings)
    return live.current(settings.home, ref.base) == ref


def _trained(ref: AdapterRef) -> dict[str, Any]:
    """What its config says, and where the run that made it is."""
    config = json.loads((Path(ref.path) / folders.CONFIG).read_text(encoding="utf-8"))
    run = Path(ref.path) / "run.json"
    found = {name: config[name] for name in SHOWN if name in config}
    return found | (
        {"run": json.loads(run.read_text(encoding="utf-8")).get("run", "")} if run.is_file() else {}
    )


def _own(settings: Settings, name: str) -> Path:
    """The folder of an adapter of the user's.

    Raises:
        AdapterError: There is none, or it is shipped.
    """
    path = folders.folders(settings.home).get(name)
    if path is None:
        folders.find(settings.home, name)
    if path is None or path.parent == folders.SHIPPED:
        remedy = "set adapter = none to do without it"
        raise AdapterError(name=name, reason="it comes with Youju and is not deleted", remedy=remedy)
    return path


def _base(settings: Settings) -> str:
    return resolve(settings.model).name


def _warn(settings: Settings) -> None:
    """Who has set an adapter by name is not served by the pointer."""
    if settings.adapter != "live":
        note(f"but the setting adapter = {settings.adapter!r} decides here, not what is live")
