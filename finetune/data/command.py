"""``youju finetune convert``."""

from __future__ import annotations

from typing import Annotated

import typer

from assistant.commands.options import note
from finetune.data import converting


def convert(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A file, a folder, or hub:owner/name.")],
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="A new .jsonl, .json, .csv, .tsv or .parquet.")
    ],
    shape: Annotated[
        converting.Shape, typer.Option("--format", help="Shape of the rows that are written.")
    ] = "messages",
) -> None:
    """Write examples in another shape; the shape of SOURCE is recognized by its columns."""
    done = converting.convert(source, target, shape)
    for fault in done.warnings:
        note(f"{fault.origin.file}, row {fault.origin.row}, {fault.field}: {fault.reason}")
    if done.left_out:
        note(f"{done.left_out} rows of another kind were left out")
    typer.echo(f"{target}: {done.rows} rows ({shape})")
