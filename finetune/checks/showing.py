"""The report in the terminal: what stops, what to look at, and what is learnt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import typer
from rich.console import Console
from rich.text import Text

from finetune.checks.report import Report, said
from finetune.checks.sample import Shown
from finetune.schema import Fault

_EACH = 5
"""Warnings of one kind that are shown."""


def show(report: Report) -> None:
    """Print it; faults that stop are all shown."""
    counts = report.counts
    typer.echo(
        f"{counts['rows']:,} rows: {counts['examples']:,} examples, {counts['preferences']:,} preferences"
        + _shares(counts["tasks"])
        + _shares(report.languages)
    )
    if report.lengths:
        said_lengths = (
            "half of the rows up to {p50:,}, 95 % up to {p95:,}, the longest {longest:,} of {limit:,}"
        )
        typer.echo(f"Length in tokens: {said_lengths.format(**report.lengths)}")
    console = Console(highlight=False, soft_wrap=True)
    for row in report.sample:
        _mask(console, row)
    if report.soft:
        typer.echo(f"~ {len(report.soft):,} to look at")
        _some(report.soft)
    if not report.hard:
        typer.echo("✓ nothing stops the training")
        return
    typer.secho(f"✕ {len(report.hard):,} must be mended before training", fg="red")
    for fault in report.hard:
        typer.echo(f"  {said(fault)}")
    typer.echo('To train on the other rows all the same, write check = "warn" below [data] in the recipe.')


def _shares(counts: Mapping[str, int]) -> str:
    return f"; {', '.join(f'{name} {count:,}' for name, count in counts.items())}" if counts else ""


def _some(faults: Sequence[Fault]) -> None:
    shown: Counter[str] = Counter()
    for fault in faults:
        shown[fault.kind] += 1
        if shown[fault.kind] <= _EACH:
            typer.echo(f"  {said(fault)}")
    for kind, count in shown.items():
        if count > _EACH:
            typer.echo(f"  … and {count - _EACH:,} more of the kind {kind}; --json lists them all")


def _mask(console: Console, row: Shown) -> None:
    """A row's tokens: learnt ones green, or, where nobody sees colours, between ⟦ and ⟧."""
    text = Text(f"{row.origin.file}, row {row.origin.row}, token by token; learnt is ")
    text.append("green" if console.is_terminal else "⟦in brackets⟧", "bold green")
    text.append(f"\n… {row.left_out} tokens …\n" if row.left_out else "\n")
    learning = False
    for token in row.tokens:
        if not console.is_terminal and token.learnt != learning:
            text.append("⟦" if token.learnt else "⟧")
        learning = token.learnt
        text.append(token.text.replace("\n", "↵\n"), "bold green" if learning else "dim")
        text.append("·" if not console.is_terminal else "", "dim")
    text.append("⟧" if learning and not console.is_terminal else "")
    console.print(text)
