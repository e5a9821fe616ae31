"""A curve as SVG, drawn in place: one colour, three grid lines, the last value written out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 360, 150
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 22
"""Margins, for the numbers beside the lines."""
MOST = 240
"""Points that are drawn; a longer curve is drawn by the means of its stretches."""
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Scale:
    """From steps and values to places in the picture."""

    right: float
    low: float
    high: float

    def x(self, step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, step / self.right)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share


def curve(title: str, points: Points, steps: int, *, dots: Points = (), said: str = "") -> Markup:
    """A figure of values over steps.

    Args:
        title: Above it.
        points: (step, value), in order; drawn as a line.
        steps: Of the whole run: where the axis ends.
        dots: (step, value), drawn as marks with their value at hand.
        said: Beside the title, the last value in words.
    """
    everything = [*points, *dots]
    if not everything:
        return Markup("")
    values = [value for _, value in everything]
    ticks = _ticks(min(values), max(values))
    right = max(steps, *(step for step, _ in everything), 1)
    scale = _Scale(right, ticks[0], ticks[-1])
    label = f"{title}: {number(values[0])} → {number(everything[-1][1] if not points else points[-1][1])}"
    return Markup(
        "<figure><figcaption><b>{}</b> <span>{}</span></figcaption>"
        '<svg class="curve" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}{}</svg></figure>'
    ).format(
        title, said, WIDTH, HEIGHT, label, _grid(scale, ticks), _axis(scale), _line(scale, _thinned(points)), _dots(scale, dots),
    )  # fmt: skip


def number(value: float) -> str:
    """Short, without needless digits: 0.532, 12.4, 1,240, 2e-4."""
    if value == 0:
        return "0"
    if abs(value) < 0.001:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(3, digits)}f}".rstrip("0").rstrip(".") if digits else f"{value:.0f}"


def _ticks(low: float, high: float) -> list[float]:
    """Three or so round values around the data."""
    if high - low < 1e-12:
        spread = abs(high) * 0.5 or 1.0
        low, high = low - spread, high + spread
    raw = (high - low) / 2
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= raw * 0.999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [place * step for place in range(first, last + 1)]


def _grid(scale: _Scale, ticks: Sequence[float]) -> Markup:
    line = Markup('<path class="grid" d="M{} {:.1f}H{}"/><text x="{}" y="{:.1f}" text-anchor="end">{}</text>')
    return Markup("").join(
        line.format(LEFT, scale.y(tick), WIDTH - RIGHT, LEFT - 6, scale.y(tick) + 4, number(tick))
        for tick in ticks
    )


def _axis(scale: _Scale) -> Markup:
    text = Markup('<text x="{:.1f}" y="{}" text-anchor="{}">{}</text>')
    y = HEIGHT - 6
    return text.format(LEFT, y, "start", 0) + text.format(WIDTH - RIGHT, y, "end", number(round(scale.right)))


def _line(scale: _Scale, points: Points) -> Markup:
    if not points:
        return Markup("")
    places = " ".join(f"{scale.x(step):.1f},{scale.y(value):.1f}" for step, value in points)
    end = points[-1]
    return Markup('<polyline points="{}"/><circle class="end" cx="{:.1f}" cy="{:.1f}" r="3"/>').format(
        places, scale.x(end[0]), scale.y(end[1])
    )


def _dots(scale: _Scale, dots: Points) -> Markup:
    mark = Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="3.5"><title>{}: {}</title></circle>')
    return Markup("").join(
        mark.format(scale.x(step), scale.y(value), number(step), number(value)) for step, value in dots
    )


def _thinned(points: Points) -> Points:
    """The means of equal stretches where there are more points than can be seen."""
    size = math.ceil(len(points) / MOST) or 1
    stretches = [points[start : start + size] for start in range(0, len(points), size)]
    return [(stretch[-1][0], sum(value for _, value in stretch) / len(stretch)) for stretch in stretches]
