"""The page Tune: what stays in view when its listeners run side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

from assistant.web.pages.bridge import Action
from finetune.browser.tuning import View


def drawing(view: View, meanwhile: Callable[[], object] = lambda: None) -> dict[Any, Any]:
    """Draw the run in view; ``meanwhile`` happens while it is drawn."""

    def draw() -> dict[Any, Any]:
        found = view.what
        meanwhile()
        return {"run": found}

    return view.newest(draw)


def test_a_drawing_that_ends_late_does_not_put_back_what_the_reader_left() -> None:
    view, shown = View(), []

    def choose() -> None:
        view.what = "r1"
        shown.append(drawing(view))

    shown.append(drawing(view, meanwhile=choose))
    assert shown == [{"run": "r1"}, {}]


def test_a_drawing_is_shown_though_the_next_one_has_begun() -> None:
    """Where each takes longer than the second between two polls, waiting for the last would show nothing."""
    view, first_ended = View(), Event()
    with ThreadPoolExecutor() as threads:

        def begin_next() -> None:
            later.append(threads.submit(drawing, view, first_ended.wait))
            while view.begun < 2:
                pass

        later: list[Any] = []
        assert drawing(view, meanwhile=begin_next) == {"run": None}
        view.what = "r1"
        first_ended.set()
        assert later[0].result() == {"run": None}


def test_the_newest_drawing_is_shown() -> None:
    view = View()
    assert drawing(view) == {"run": None}
    view.what = "r1"
    assert drawing(view) == {"run": "r1"}


def test_a_click_that_overtakes_the_pages_own_question_holds() -> None:
    view = View()
    view.turn(Action("show", {"t": 2}), "r1")
    view.turn(Action("show", {"t": 1}), "")
    assert view.what == "r1"
    view.turn(Action("list", {"t": 3}), "")
    assert view.what == ""
