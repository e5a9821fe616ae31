"""What comparing two runs found: its shape, comparison.json, and the table on a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from assistant.schema import Estimate

NAME = "comparison.json"
HEADS = ("metric", "A", "B", "B less A, 95 % interval", "p", "n", "won", "lost", "verdict")
Better = Literal["higher", "lower", "neither"]
Verdict = Literal["better", "worse", "no_worse", "different", "unclear"]
"""Of b beside a; ``different`` only where neither way is the better one."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One metric of both runs, on the cases that take part in it in both."""

    metric: str
    better: Better
    a: float
    b: float
    difference: Estimate
    """Of b less a."""
    p: float
    adjusted_p: float
    """By Holm, over the metrics of the comparison in which any case differs."""
    test: str
    verdict: Verdict
    disagreement: float
    """Share of the cases that differ."""
    detectable: float
    """The smallest difference that these cases show in four of five trials."""
    more: int | None
    """About so many more cases are needed for a verdict; ``None`` where there is one."""
    won: tuple[str, ...]
    """Ids of the cases that are better in b; higher, where neither way is."""
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs of the same suite."""

    suite: str
    version: int
    a: str
    """The folder of the one."""
    b: str
    differs: tuple[str, ...]
    """Fields of the manifests in which they do."""
    n: int
    """Cases done in both."""
    left_out: int
    """Cases done in one only."""
    margin: float
    """What is lost by less is no worse."""
    metrics: tuple[Compared, ...]
    undefined: Mapping[str, str]
    """Metrics without a value, and why."""


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """What comparison.json holds."""
    return asdict(comparison)


def save(comparison: Comparison | Mapping[str, Comparison], folder: Path) -> Path:
    """Write comparison.json, whole or not at all; of several comparisons, each by its name."""
    found: Any = (
        as_dict(comparison)
        if isinstance(comparison, Comparison)
        else {name: as_dict(each) for name, each in comparison.items()}
    )
    path, part = folder / NAME, folder / f"{NAME}.part"
    part.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return part.replace(path)


def table(comparison: Comparison) -> str:
    """The comparison as text for a terminal."""
    head = f"{comparison.suite} version {comparison.version}: {comparison.n} cases in both runs"
    if comparison.left_out:
        head += f", {comparison.left_out} in one only left out"
    lines = [head, f"A  {comparison.a}", f"B  {comparison.b}", ""]
    rows: list[tuple[str, ...]] = [HEADS, *(_line(each, comparison.margin) for each in comparison.metrics)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines += [f"{name}: no value; {reason}" for name, reason in comparison.undefined.items()]
    return "\n".join(line.rstrip() for line in lines)


def said(compared: Compared, margin: float) -> str:
    """A verdict in words."""
    if compared.verdict == "no_worse":
        return f"no worse than {margin:g}"
    if compared.verdict != "unclear":
        return compared.verdict
    shown = (
        f"{compared.difference.n} cases, {compared.disagreement:.0%} of them with a difference, "
        f"can show only about {compared.detectable:.2g}"
    )
    if compared.more is None:
        return f"can't tell: {shown}"
    return f"can't tell: about {compared.more} more cases needed; {shown}"


def _line(each: Compared, margin: float) -> tuple[str, ...]:
    gap = each.difference
    return (
        each.metric,
        f"{each.a:.3f}",
        f"{each.b:.3f}",
        f"{gap.mean:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}]",
        f"{each.adjusted_p:.3f}",
        str(gap.n),
        str(len(each.won)),
        str(len(each.lost)),
        said(each, margin),
    )
