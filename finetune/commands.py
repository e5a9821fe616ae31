"""``youju finetune``: from a file of examples to an adapter, and what went before."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from assistant.commands.options import note, with_settings
from assistant.config import Settings
from assistant.errors import TrainingError
from finetune import config as recipes
from finetune import ranks
from finetune.folder import Folder

if TYPE_CHECKING:
    from finetune.planning import Plan

RUNS = "training"
"""Below the data folder: one folder a run."""
LAST = "last"


class _Default(TyperGroup):
    """What is no command is the recipe of ``run``."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """See ``click.Group``."""
        if args and args[0] not in self.commands:
            args = ["run", *args]
        return super().resolve_command(ctx, list(_spelt_out(args)))


def _spelt_out(args: list[str]) -> Iterator[str]:
    """``--resume`` without a run means the last one."""
    for arg, following in zip(args, [*args[1:], "-"], strict=True):
        yield arg
        if arg == "--resume" and following.startswith("-"):
            yield LAST


app = typer.Typer(
    cls=_Default,
    add_completion=False,
    no_args_is_help=True,
    help="Train an adapter on your examples: youju finetune CONFIG.toml",
)


@app.command()
@with_settings
def run(
    settings: Settings,
    recipe: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="A TOML file, or a shipped recipe's name.")
    ],
    *,
    resume: Annotated[
        str | None,
        typer.Option(metavar="[RUN]", help="Go on with a run: its folder or name; without one, the last."),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Measure time and memory, and stop there.")] = False,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="PART.KEY=VALUE", help="Change a key of the TOML.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before the first step.")] = False,
) -> None:
    """Check the data, measure the plan, train, and compare with the base. The default command."""
    if not all(importlib.util.find_spec(name) for name in ("trl", "datasets")):
        raise TrainingError(reason="its packages are not installed", remedy="pip install 'youju[train]'")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    config = recipes.read(recipe, changes or ())
    folder = Folder(_asked(settings, config, resume) if resume else _fresh(settings, config, recipe))
    from finetune import running

    with folder.held(), _bar() as update:
        ended = running.run(
            config,
            settings,
            folder,
            resume=bool(resume),
            plan_only=plan,
            confirm=lambda planned: _agreed(planned, yes=yes),
            show=lambda step, steps, line: update(f"step {step} of {steps}, {line}", step / steps),
            say=note if ranks.first() else lambda _: None,
        )
    if ended.state == "planned":
        _tell(ended.plan)
        note(f"planned, not trained; {folder.path}")
    elif ended.adapter is not None:
        note(f"{ended.state}: adapter {ended.adapter.name}, {folder.path}")
        note(f"put it live if it is proved better: youju adapters promote {ended.adapter.name}")


@app.command()
@with_settings
def stop(
    settings: Settings, name: Annotated[str, typer.Argument(metavar="RUN", help="Its name, or its folder.")]
) -> None:
    """Stop a run at its next step and keep what it has learnt."""
    folder = _resumed(settings, name)
    (folder / "STOP").touch()
    note(f"asked to stop: {folder}; go on later with --resume {folder.name}")


@app.command()
@with_settings
def runs(settings: Settings) -> None:
    """List the runs, newest last. One that is broken was killed, perhaps for want of memory: see --resume."""
    from finetune import reading

    for folder in _all(settings):
        status = reading.status(folder) or reading.Status("?")
        typer.echo(f"{folder.name}\t{status.state}\t{status.step}/{status.steps}\t{status.message}".rstrip())


def _bar() -> AbstractContextManager[Callable[[str, float], None]]:
    """The progress bar, of the first process only."""
    from assistant.commands.options import progress

    return progress("training") if ranks.first() else nullcontext(lambda *_: None)


def _agreed(planned: Plan, *, yes: bool) -> bool:
    if not ranks.first():
        return True
    _tell(planned)
    return yes or ranks.several() > 1 or not os.isatty(0) or typer.confirm("Start?", default=True, err=True)


def _tell(planned: Plan) -> None:
    low, high = planned.seconds
    note(
        f"{planned.steps} steps of up to {planned.tokens_per_step} tokens on {planned.device}: "
        f"{_time(low)} to {_time(high)}, {planned.peak_bytes / 1e9:.1f} of "
        f"{planned.available_bytes / 1e9:.1f} GB of memory"
    )
    for advice in planned.advice:
        note(advice)


def _time(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 120
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )


def _fresh(settings: Settings, config: recipes.Config, recipe: Path) -> Path:
    if config.output.folder:
        return Path(config.output.folder).expanduser().resolve()
    if ranks.several() > 1:
        raise TrainingError(
            reason=f"{ranks.several()} processes train together and must share a folder",
            remedy="name one: --set output.folder='\"FOLDER\"'",
        )
    name = config.output.name or recipe.stem
    return settings.home / RUNS / f"{name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"


def _asked(settings: Settings, config: recipes.Config, name: str) -> Path:
    """The folder of the run to go on with; a recipe that names its folder has no other last run."""
    return _resumed(settings, config.output.folder or name if name == LAST else name)


def _resumed(settings: Settings, name: str) -> Path:
    known = _all(settings)
    if name == LAST and known:
        return known[-1]
    for path in (Path(name).expanduser(), settings.home / RUNS / name):
        if (path / "status.json").is_file():
            return path.resolve()
    listed = ", ".join(path.name for path in known) or "none"
    raise TrainingError(reason=f"there is no run {name!r}", remedy=f"there are: {listed}")


def _all(settings: Settings) -> list[Path]:
    place = settings.home / RUNS
    found = [path.parent for path in place.glob("*/status.json")] if place.is_dir() else []
    return sorted(found, key=lambda path: (path / "status.json").stat().st_mtime)
