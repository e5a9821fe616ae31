"""The panel that says how sure answers from a collection have to be: its states, its slider, whose it is."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from readers import wait_for
from towns import Shelf

from assistant.errors import BadRequestError, NotFoundError
from assistant.evidence import refusal
from assistant.web.pages import documents, sureness
from assistant.web.pages.bridge import InView, Reader


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "home")


@pytest.fixture(params=["en", "zh"])
def reader(request: Any, shelf: Shelf) -> Reader:
    return Reader(shelf.user, request.param)


class Page:
    """The documents page of a shelf; what is drawn in its detail."""

    def __init__(self, shelf: Shelf, reader: Reader) -> None:
        self._page = documents._Page(shelf.assistant, "body", "detail", "progress")  # type: ignore[arg-type]
        self._shelf, self._reader, self._view = shelf, reader, InView()

    def act(self, name: str, **fields: str) -> str:
        action = {"do": name, "collection": self._shelf.place.id, **fields}
        return str(self._page.act(self._reader, json.dumps(action), self._view).get("detail", ""))


def steps(html: str) -> list[str]:
    found = re.search(r'data-sure="([^"]*)"', html)
    assert found
    return list(json.loads(unescape(found[1])))


def line(shelf: Shelf, reader: Reader) -> str:
    place = shelf.assistant.workspace.store.collections.get(reader.user, shelf.place.id)
    return str(sureness.line(shelf.assistant, reader, place))


def test_from_never_measured_to_a_choice_and_back(shelf: Shelf, reader: Reader) -> None:
    page = Page(shelf, reader)
    assert 'data-docs="sure"' in line(shelf, reader)
    assert 'data-docs="sure-measure"' in page.act("sure")
    assert "data-sure=" not in page.act("sure")
    page.act("sure-measure")
    wait_for(lambda: shelf.assistant.measurements.found(shelf.place.id) is not None)
    html = page.act("sure-poll")
    found = shelf.assistant.measurements.found(shelf.place.id)
    assert found is not None
    assert len(steps(html)) == len(found.curve)
    assert "data-poll-sure" not in html
    assert reader.say("sure_unproved", most="10%") in unescape(html)  # twelve questions prove no tenth
    html = page.act("sure-choose", place="0")
    assert shelf.assistant.measurements.found(shelf.place.id).in_force == found.curve[0].threshold  # type: ignore[union-attr]
    assert reader.say("sure_chosen", sure=f"{found.curve[0].threshold:.0%}") in html
    assert f"{found.curve[0].threshold:.0%}" in line(shelf, reader)
    page.act("sure-choose", place="")
    assert shelf.assistant.measurements.found(shelf.place.id) == found


@pytest.mark.parametrize("place", ["99", "-1", "x", "²"])
def test_a_place_that_is_not_on_the_curve_is_refused(shelf: Shelf, reader: Reader, place: str) -> None:
    shelf.calibrate()
    with pytest.raises(BadRequestError, match="threshold"):
        Page(shelf, reader).act("sure-choose", place=place)


def test_own_questions_are_listed_escaped_and_removed(shelf: Shelf, reader: Reader) -> None:
    page = Page(shelf, reader)
    html = page.act("sure-add", question='<b>"pier"?', answer="52 metres")
    assert "&lt;b&gt;&#34;pier&#34;?" in html
    assert "<b>" not in html
    nothing = f"<small>{reader.say('sure_own_none')}</small>"
    assert nothing not in html
    html = page.act("sure-add", question="a pool?", answer=" ")
    assert nothing in html
    html = page.act("sure-remove", question='<b>"pier"?')
    assert "pier" not in html


def test_too_few_documents_say_how_many_it_takes(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "few", documents=2)
    html = Page(shelf, Reader(shelf.user, "en")).act("sure")
    assert "from 3 documents on" in html
    assert "sure-measure" not in html


def test_documents_that_came_since_are_counted(shelf: Shelf) -> None:
    shelf.calibrate()
    shelf.assistant.workspace.library.ingest(
        shelf.user, shelf.place.id, "n.txt", b"Arlen has a lighthouse, too."
    )
    assert "1 document came or went since" in Page(shelf, Reader(shelf.user, "en")).act("sure")


def test_a_damaged_file_is_told_and_measured_over(shelf: Shelf) -> None:
    shelf.calibrate()
    home, name = shelf.assistant.settings.home, shelf.assistant.models.calibration_name(None)
    refusal.path_of(home, shelf.place.id, name).write_text("{")
    page, reader = Page(shelf, Reader(shelf.user, "en")), Reader(shelf.user, "en")
    assert "Not measured" in line(shelf, reader)
    assert "youju calibrate" in page.act("sure")
    page.act("sure-measure")
    wait_for(lambda: "data-sure=" in page.act("sure-poll"))


def test_nobody_measures_or_chooses_for_anothers_collection(shelf: Shelf) -> None:
    shelf.calibrate()
    other = Reader(shelf.assistant.workspace.store.users.create("other", "a long password"), "en")
    for name in ("sure", "sure-measure", "sure-stop", "sure-choose"):
        with pytest.raises(NotFoundError):
            Page(shelf, other).act(name, place="0")
    assert line_of_common(shelf, other) == ""


def line_of_common(shelf: Shelf, other: Reader) -> str:
    """Of a collection that is not the reader's own."""
    return str(sureness.line(shelf.assistant, other, shelf.place))
