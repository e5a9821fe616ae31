"""Curves: where the numbers stand in the picture, and that no number breaks it."""

from __future__ import annotations

import re

import pytest

from finetune.browser import charts


def places(svg: str) -> list[tuple[float, float]]:
    found = re.search(r'points="([^"]*)"', svg)
    assert found is not None
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in found[1].split())]


def test_a_falling_loss_goes_right_and_down_and_half_way_is_half_the_width() -> None:
    line = places(str(charts.curve("Loss", [(0, 3.0), (25, 2.0), (50, 1.0)], 100)))
    assert [x for x, _ in line] == sorted(x for x, _ in line)
    assert line[0][1] < line[1][1] < line[2][1]
    middle = charts.LEFT + (charts.WIDTH - charts.LEFT - charts.RIGHT) / 2
    assert line[-1][0] == pytest.approx(middle, abs=0.1)


@pytest.mark.parametrize(
    "values", [(1.0,), (0.0, 0.0), (-3.0, 5.0), (1e-9, 2e-4), (0.999, 1.0), (1e5, 3e6), (2, 2.0001)]
)
def test_everything_lies_inside_the_frame(values: tuple[float, ...]) -> None:
    svg = str(charts.curve("x", list(enumerate(values)), 10))
    for x, y in places(svg):
        assert charts.LEFT <= x <= charts.WIDTH - charts.RIGHT
        assert charts.TOP - 0.1 <= y <= charts.HEIGHT - charts.BOTTOM + 0.1
    assert 3 <= svg.count('class="grid"') <= 5


def test_a_long_run_is_drawn_by_means_and_keeps_its_end() -> None:
    points = [(step, 1.0 + step % 2) for step in range(10_000)]
    line = places(str(charts.curve("Loss", points, 10_000)))
    assert len(line) <= charts.MOST
    assert line[-1][0] == pytest.approx(charts.WIDTH - charts.RIGHT, abs=0.1)
    assert len({y for _, y in line}) == 1  # the mean of 1 and 2, everywhere


def test_words_are_escaped_and_nothing_is_drawn_of_nothing() -> None:
    assert "<b>&lt;i&gt;" in str(charts.curve("<i>", [(1, 1.0)], 1))
    assert charts.curve("Loss", [], 10) == ""


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (0.5321, "0.532"),
        (12.41, "12.4"),
        (150, "150"),
        (1240.2, "1,240"),
        (2e-4, "2e-4"),
        (-0.02, "-0.02"),
    ],
)
def test_numbers_are_short(value: float, said: str) -> None:
    assert charts.number(value) == said
