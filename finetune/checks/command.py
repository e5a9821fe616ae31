"""``youju finetune check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.commands.options import AsJson, note, print_json, with_settings
from assistant.config import Settings
from assistant.errors import YoujuError
from finetune.data.loading import load

if TYPE_CHECKING:
    from assistant.rendering import Renderer


@with_settings
def check(
    settings: Settings,
    data: Annotated[
        list[str], typer.Argument(metavar="DATA…", help="Files, folders, or hub:owner/name of examples.")
    ],
    *,
    max_length: Annotated[int, typer.Option(min=16, help="Tokens of a row that are trained on.")] = 1024,
    suite: Annotated[
        list[Path] | None,
        typer.Option(help="A suite of your own that will measure; ours are looked at anyway."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with examples before anything is spent on them; nothing is written.

    Exit code 2 where a fault stops the training.
    """
    from finetune.checks import checking, showing, suites

    report = checking.check(
        load(data),
        renderer=renderer(settings),
        max_length=max_length,
        suites=[*suites.built_in(), *(suite or ())],
        documents=suites.documents(settings),
    )
    if as_json:
        print_json(report.json())
    else:
        showing.show(report)
    raise typer.Exit(2 if report.hard else 0)


def renderer(settings: Settings) -> Renderer | None:
    """That of the model in use; ``None``, and a line that says so, where it is not on this machine."""
    from assistant.models import catalog, pull
    from assistant.rendering import Renderer

    try:
        entry = catalog.resolve(settings.model)
        folder = pull.require(entry, settings.models_dir)
    except YoujuError as fault:
        note(f"Lengths and masks are not checked: {fault}")
        return None
    from transformers import AutoTokenizer

    return Renderer(
        AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False),
        pull.template_sha256(entry, folder) or None,
    )
