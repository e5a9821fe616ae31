"""The table of commands, and how one is found, run and ended."""

from __future__ import annotations

import importlib
import importlib.metadata
import logging
import os
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from assistant.errors import YoujuError

ENTRY_POINTS = "youju.commands"
"""Packages that bring a command name a ``typer.Typer`` under this group; it is imported when called."""
HELP = """有据 Youju: an assistant over your own documents, every sentence checked against its source.

Every setting has an environment variable (YOUJU_PORT), a line in youju.toml (port = 7860) and a flag
(--port 7860); a flag beats the file, the file beats the environment. `youju serve --help` lists them.

Exit codes: 0 done · 1 it could not be done · 2 bad input · 130 interrupted."""

BUILT_IN = {
    "serve": ("serving", "Open the pages and the API on http://127.0.0.1:7860."),
    "chat": ("asking", "Chat in the terminal; answers stream in with their sources."),
    "ask": ("asking", "Answer one question from your documents."),
    "ingest": ("documents", "Add files and folders to your documents."),
    "search": ("documents", "Show the passages a question finds, and why."),
    "summarize": ("texts", "Summarize a file of any length; - reads standard input."),
    "sentiment": ("texts", "Judge the sentiment of a text, or of a CSV column."),
    "models": ("models", "List, pull and show models."),
    "doctor": ("models", "Check this machine and say what mends what is missing."),
    "users": ("accounts", "Add, list and remove users; for --auth users."),
    "keys": ("accounts", "Make, list and revoke API keys."),
    "version": ("about", "Print the version."),
}
"""Name -> module and line of help."""


class Commands(TyperGroup):
    """Shows every command from this table and the installed entry points; imports only the one called."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for name, line in {**{k: v[1] for k, v in BUILT_IN.items()}, **_plugins()}.items():
            self.commands.setdefault(name, TyperCommand(name, help=line))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Put the real command in the place of the line of help."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, load(name or ""), rest


def load(name: str) -> Any:
    """Import a command by name, ours first."""
    if name in BUILT_IN:
        module = importlib.import_module(f"assistant.commands.{BUILT_IN[name][0]}")
        app = getattr(module, name)
    else:
        app = next(point for point in _points() if point.name == name).load()
    return get_command(app)


def _points() -> Sequence[importlib.metadata.EntryPoint]:
    return list(importlib.metadata.entry_points(group=ENTRY_POINTS))


def _plugins() -> dict[str, str]:
    """Name -> line of help; nothing of the package is imported for it."""
    return {point.name: f"From the package {_origin(point)}." for point in _points()}


def _origin(point: importlib.metadata.EntryPoint) -> str:
    return point.dist.name if point.dist else point.module


app = typer.Typer(
    cls=Commands, help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    rich_markup_mode="markdown", context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


@app.callback()
def _root(
    context: typer.Context,
    home: Annotated[str | None, typer.Option(help="Folder that holds all state.", metavar="DIR")] = None,
    config: Annotated[
        str | None, typer.Option(help="Settings file; youju.toml in home by default.", metavar="FILE")
    ] = None,
) -> None:
    context.obj = {"home": home, "config": config}


def _quiet_libraries() -> None:
    """Keep other people's bars and hints off the terminal; their errors stay. What the user set wins."""
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: Without the program's name; ``sys.argv`` by default.

    Returns:
        The exit code.
    """
    _quiet_libraries()
    try:
        app(None if arguments is None else list(arguments), prog_name="youju")
    except YoujuError as fault:
        typer.secho(f"youju: {fault}", err=True, fg="red")
        return fault.exit_code
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0
