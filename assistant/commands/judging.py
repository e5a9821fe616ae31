"""``youju sentiment``."""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.commands.options import AsJson, note, opened, print_json, progress, with_settings
from assistant.config import Settings
from assistant.errors import BadRequestError, EmptyInputError
from assistant.schema import LABELS, Sentiment, SentimentRow

if TYPE_CHECKING:
    from assistant.assistant import Assistant

sentiment = typer.Typer(add_completion=False)
BAR = 24


@sentiment.command()
@with_settings
def _sentiment(
    settings: Settings,
    text: Annotated[str | None, typer.Argument()] = None,
    *,
    csv: Annotated[Path | None, typer.Option("--csv", help="Judge a column of this file.")] = None,
    column: Annotated[str, typer.Option(help="The column to judge.")] = "text",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where the judged table goes; standard output by default."),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Also weigh each word.")] = False,
    as_json: AsJson = False,
) -> None:
    """Judge a text, or a column of a CSV file, as negative, neutral or positive."""
    if (text is None) == (csv is None):
        raise BadRequestError(field="sentiment", value="the call", remedy="give either TEXT or --csv FILE")
    if csv is not None:
        _judge_table(settings, csv, column, output, as_json=as_json)
        return
    if not (text or "").strip():
        raise EmptyInputError(field="text", remedy="write a sentence to judge")
    with opened(settings) as runtime, progress("sentiment"):
        judged = next(runtime.sentiment(runtime.workspace.store.users.local(), [text or ""], explain=explain))
    if as_json:
        print_json(_judgement(judged))
    else:
        typer.echo(_bars(judged))


def _judge_table(settings: Settings, csv: Path, column: str, output: Path | None, *, as_json: bool) -> None:
    from assistant.tools import table

    if not csv.is_file():
        raise BadRequestError(field="--csv", value=str(csv), remedy="there is no such file")
    rows = table.read(csv.read_bytes())
    texts = table.column(rows, column)
    with opened(settings) as runtime:
        judged = _judge(runtime, texts)
    if output is not None:
        output.write_bytes(table.write(judged, rows))
    if as_json:
        print_json({"rows": [_row(one) for one in judged], "counts": _counts(judged)})
    elif output is None:
        sys.stdout.buffer.write(table.write(judged, rows))
    else:
        note(f"{output}: {', '.join(f'{count} {label}' for label, count in _counts(judged).items())}")


def _judge(runtime: Assistant, texts: list[str]) -> list[SentimentRow]:
    judged = []
    with progress("sentiment") as update:
        for row in runtime.sentiment_rows(runtime.workspace.store.users.local(), texts):
            judged.append(row)
            update(f"row {row.row} of {len(texts)}", row.row / len(texts))
    return judged


def _counts(judged: list[SentimentRow]) -> dict[str, int]:
    return dict(Counter(row.sentiment.label if row.sentiment else "error" for row in judged))


def _row(row: SentimentRow) -> dict[str, Any]:
    judged = _judgement(row.sentiment) if row.sentiment else {}
    return {"row": row.row, "text": row.text, **judged, "error": row.error}


def _judgement(judged: Sentiment) -> dict[str, Any]:
    return {"label": judged.label, **dataclasses.asdict(judged)}


def _bars(judged: Sentiment) -> str:
    lines = ["unsure" if judged.unsure else str(judged.label)]
    for label in LABELS:
        share = getattr(judged, label)
        lines.append(f"  {label:<9}{'█' * round(share * BAR):<{BAR}} {share:.2f}")
    lines += [f"  {weight:+.2f} {word.strip()}" for word, weight in judged.words if weight]
    return "\n".join(lines)
