"""The table of commands, and how one is found, run and ended."""

from __future__ import annotations

import importlib
import importlib.metadata
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from assistant.errors import YoujuError

ENTRY_POINTS = "youju.commands"
"""Packages that bring a command name a ``typer.Typer`` or a function here; it is imported when called.

A dotted name adds a command to a group: ``adapters.promote`` is ``youju adapters promote``."""
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
    "calibrate": (
        "calibrating",
        "Measure how sure answers from a collection have to be, and hold them to it.",
    ),
    "summarize": ("texts", "Summarize a file of any length; - reads standard input."),
    "translate": ("texts", "Translate a file between English and Chinese; - reads standard input."),
    "sentiment": ("judging", "Judge the sentiment of a text, or of a CSV column."),
    "models": ("models", "List, pull and show models."),
    "adapters": ("adapters", "List adapters, and say which one answers: only one that is proved better."),
    "deploy": ("deploy", "Put the assistant on Hugging Face Spaces: youju deploy OWNER/NAME."),
    "doctor": ("models", "Check this machine and say what mends what is missing."),
    "users": ("accounts", "Add, list and remove users; for --auth users."),
    "keys": ("accounts", "Make, list and revoke API keys."),
    "version": ("about", "Print the version."),
}
"""Name -> module and line of help."""
LINES = {
    "finetune": "Train an adapter on your examples: youju finetune CONFIG.toml",
    "finetune.check": "Say what is wrong with examples before anything is spent on them.",
    "finetune.convert": "Write examples of any shape in another one.",
    "eval": "Measure the assistant on questions with known answers; compare two runs.",
    "adapters.compare": "Say which of two adapters is better, by the cases of the gate.",
    "adapters.merge": "Write an adapter and its base as one full model, or as GGUF.",
    "adapters.promote": "Put an adapter live, if it is proved better than the one that is.",
    "adapters.push": "Publish an adapter on the Hugging Face Hub, with its card.",
}
"""Of our own packages that join by an entry point: their line is shown without importing them."""


class Late(TyperCommand):
    """A line of help; the command that it stands for is imported when it is called."""

    def __init__(self, path: str, line: str) -> None:
        super().__init__(path.rpartition(".")[2], help=line)
        self._path = path

    def make_context(self, *given: Any, **extra: Any) -> Any:
        """Of the real command."""
        return load(self._path).make_context(*given, **extra)


class Commands(TyperGroup):
    """Shows every command from this table and the installed entry points; imports only the one called."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        _add(self, {name: line for name, (_, line) in BUILT_IN.items()})
        _add(self, _plugins(""))


def load(path: str) -> Any:
    """Import a command by its path, ours first; a group gets what other packages add to it."""
    if path in BUILT_IN:
        module = importlib.import_module(f"assistant.commands.{BUILT_IN[path][0]}")
        found = getattr(module, path)
    else:
        found = next(point for point in _points() if point.name == path).load()
    command = get_command(found if isinstance(found, typer.Typer) else _alone(found))
    if isinstance(command, TyperGroup):
        _add(command, _plugins(path))
    return command


def _alone(function: Callable[..., None]) -> typer.Typer:
    alone = typer.Typer(add_completion=False)
    alone.command()(function)
    return alone


def _add(group: TyperGroup, lines: Mapping[str, str]) -> None:
    for path, line in lines.items():
        late = Late(path, line)
        group.commands.setdefault(late.name or path, late)


def _points() -> Sequence[importlib.metadata.EntryPoint]:
    return list(importlib.metadata.entry_points(group=ENTRY_POINTS))


def _plugins(group: str) -> dict[str, str]:
    """Path -> line of help, of what joins a group, ``""`` being the root; nothing is imported for it."""
    return {point.name: _line(point) for point in _points() if point.name.rpartition(".")[0] == group}


def _line(point: importlib.metadata.EntryPoint) -> str:
    origin = _origin(point)
    return LINES.get(point.name, "") if origin == "youju" else f"From the package {origin}."


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
