"""The page Tune: what stays in view when its listeners run side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from finetune.browser.tuning import View


def drawing(view: View, meanwhile: Callable[[], object] = lambda: None) -> dict[Any, Any]:
    """Draw the run in view; ``meanwhile`` happens while it is drawn."""

    def draw() -> dict[Any, Any]:
        found = view.run
        meanwhile()
        return {"run": found}

    return view.newest(draw)


def test_a_drawing_that_ends_late_does_not_put_back_what_the_reader_left() -> None:
    view, shown = View(), []

    def choose() -> None:
        view.run = "r1"
        shown.append(drawing(view))

    shown.append(drawing(view, meanwhile=choose))
    assert shown == [{"run": "r1"}, {}]


def test_the_newest_drawing_is_shown() -> None:
    view = View()
    assert drawing(view) == {"run": ""}
    view.run = "r1"
    assert drawing(view) == {"run": "r1"}
