"""Charts as SVG that stands in the page itself: in the page's colours, light or dark, its words are text."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from markupsafe import Markup, escape

from assistant.schema import Estimate, Language
from eval.report import words
from eval.report.curves import Curve, Point
from eval.report.findings import Confusion

INK, SOFT, LINE, ACCENT = "#010101", "#020202", "#030303", "#040404"
_VARIABLES = {INK: "var(--ink)", SOFT: "var(--soft)", LINE: "var(--line)", ACCENT: "var(--accent)"}
"""Colours that nobody would choose, replaced by those of the page."""
_SIZE = (4.6, 3.6)
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "youju",
    "font.size": 10.5,
    "font.family": "sans-serif",
    "text.parse_math": False,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "text.color": INK,
}
_TEXT = re.compile(r"(<text\b[^>]*>)([^<]*)(</text>)")
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)


def reliability(points: Sequence[Point], language: Language = "en") -> Markup:
    """Confidence against how often it was right, with intervals; the diagonal is as it should be."""
    with _drawn(language) as (axes, out):
        axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle=(0, (4, 3)), label="as it should be")
        shares = [point.share for point in points]
        below = [point.share - point.low for point in points]
        above = [point.high - point.share for point in points]
        axes.errorbar(
            [point.confidence for point in points], shares, yerr=[below, above], color=ACCENT, fmt="o-",
            markersize=5, linewidth=1.6, elinewidth=1, capsize=2,
        )  # fmt: skip
        _unit(axes, "confidence", "share that was right")
        axes.legend(loc="upper left")
    return out[0]


def risk_coverage(curve: Curve, language: Language = "en") -> Markup:
    """The error among the surest answers, as more of them are given."""
    with _drawn(language) as (axes, out):
        axes.fill_between(curve.coverage, curve.risk, color=ACCENT, alpha=0.12, linewidth=0)
        axes.plot(curve.coverage, curve.risk, color=ACCENT, linewidth=1.8)
        _unit(axes, "share answered", "error among them")
        axes.set_ylim(0, max(0.1, min(1.0, 1.15 * max(curve.risk))))
    return out[0]


def slices(name: str, found: Mapping[str, Estimate], language: Language = "en") -> Markup:
    """A metric over all cases and over each slice, with its interval."""
    rows = list(reversed(list(found.items())))
    marks = {"fmt": "o", "markersize": 5, "elinewidth": 1.6, "capsize": 3}
    with _drawn(language, (4.6, 1.1 + 0.36 * len(rows))) as (axes, out):
        for place, (label, value) in enumerate(rows):
            error = [[value.mean - value.low], [value.high - value.mean]]
            axes.errorbar([value.mean], [place], xerr=error, color=INK if label == name else ACCENT, **marks)
        axes.set_yticks(range(len(rows)), [_kind(name, label, value) for label, value in rows])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        low, high = min(0.0, *(value.low for _, value in rows)), max(1.0, *(value.high for _, value in rows))
        axes.set_xlim(low, high)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        axes.set_xlabel("score")
    return out[0]


def _kind(name: str, label: str, value: Estimate) -> str:
    kind = "all" if label == name else label.removeprefix(name).strip("[]")
    return f"{kind}  n = {value.n}"


def confusion(found: Confusion, language: Language = "en") -> Markup:
    """Truth by answer; the darker, the larger the share of the truth's row."""
    rows, columns = len(found.truths), len(found.answers)
    with _drawn(language, (4.6, 1.0 + 0.62 * rows)) as (axes, out):
        for y, counts in enumerate(found.counts):
            for x, count in enumerate(counts):
                share = count / max(1, sum(counts))
                box = {"color": ACCENT, "alpha": 0.06 + 0.4 * share, "linewidth": 0}
                axes.barh([y], [0.96], left=[x - 0.48], height=0.92, **box)
                axes.text(x, y, f"{count}  ({share:.0%})", ha="center", va="center", color=INK)
        axes.set_xticks(range(columns), found.answers)
        axes.set_yticks(range(rows), found.truths)
        axes.set_xlim(-0.5, columns - 0.5)
        axes.set_ylim(rows - 0.5, -0.5)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    return out[0]


def _unit(axes: Any, x: str, y: str) -> None:
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid()
    axes.set_axisbelow(True)


@contextmanager
def _drawn(language: Language, size: tuple[float, float] = _SIZE) -> Iterator[tuple[Any, list[Markup]]]:
    """Axes to draw on; afterwards the SVG is the one item of the list."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    out: list[Markup] = []
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        yield axes, out
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None})
    out.append(_inline(drawn.getvalue(), language))


def _inline(svg: str, language: Language) -> Markup:
    """Nothing but the drawing: no header, no metadata, no names that another chart on the page has too."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"/>', "", svg)
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r'\1 class="chart" role="img"', svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    for color, variable in _VARIABLES.items():
        svg = svg.replace(color, variable)
    svg = re.sub(r"font-family: [^;\"]*; ?", "", svg)
    if language == "zh":
        svg = _TEXT.sub(_translated, svg)
    return Markup(re.sub(r">\s+<", "><", svg).replace("\n", " "))


def _translated(found: re.Match[str]) -> str:
    word, _, rest = found[2].strip().partition("  ")
    said = str(escape(words.CHARTS.get(word, word)))
    return f"{found[1]}{said}{'  ' + rest if rest else ''}{found[3]}"
