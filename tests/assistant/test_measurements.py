"""Collections are measured in the background, never while somebody is answered, and anew when much has changed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from readers import wait_for
from towns import Shelf

from assistant.engine.protocol import EngineState
from assistant.errors import BadRequestError, EngineError
from assistant.evidence import refusal
from assistant.measurements import Measurements, Running


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "home")


def begun(shelf: Shelf) -> tuple[Measurements, Running]:
    measurements = shelf.assistant.measurements
    measurements.begin(shelf.user, shelf.place)
    run = measurements.of(shelf.place.id)
    assert run is not None
    return measurements, run


def ended(run: Running) -> None:
    wait_for(lambda: run.ended)


def test_it_is_measured_in_the_background_and_kept(shelf: Shelf) -> None:
    measurements, run = begun(shelf)
    ended(run)
    found = measurements.found(shelf.place.id)
    assert found is not None
    assert found.answerable == 4
    assert measurements.of(shelf.place.id) is None


def test_while_somebody_is_answered_it_waits_and_can_be_stopped(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.measurements._PAUSE", 0.01)
    answering = threading.Event()
    answering.set()
    models = shelf.assistant.models
    monkeypatch.setattr(models, "state", lambda: EngineState("ready", running=int(answering.is_set())))
    measurements, run = begun(shelf)
    wait_for(lambda: run.what != "")
    assert not run.ended
    measurements.begin(shelf.user, shelf.place)  # the same one goes on
    assert measurements.of(shelf.place.id) is run
    measurements.stop(shelf.place.id)
    ended(run)
    assert measurements.found(shelf.place.id) is None
    answering.clear()
    measurements, again = begun(shelf)
    ended(again)
    assert measurements.found(shelf.place.id) is not None


def test_what_cannot_be_measured_says_so_at_once(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "few", documents=2)
    with pytest.raises(BadRequestError, match="add documents"):
        shelf.assistant.measurements.begin(shelf.user, shelf.place)


def test_a_fault_is_kept_for_the_page(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = EngineError(reason="no memory", remedy="close something")

    def fails(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr("assistant.refusals.calibrate", fails)
    measurements, run = begun(shelf)
    ended(run)
    assert measurements.of(shelf.place.id) is run
    assert run.error is fault


def test_a_choice_goes_before_what_was_measured_and_survives_the_next_measurement(shelf: Shelf) -> None:
    shelf.calibrate()
    measurements = shelf.assistant.measurements
    measurements.choose(shelf.place.id, 0.125)
    assert shelf.calibrate().in_force == 0.125
    measurements.choose(shelf.place.id, None)
    found = measurements.found(shelf.place.id)
    assert found is not None
    assert found.in_force == found.threshold is not None


def test_it_is_measured_anew_when_a_third_of_the_documents_changed(shelf: Shelf) -> None:
    first = shelf.calibrate()
    workspace, measurements = shelf.assistant.workspace, shelf.assistant.measurements
    workspace.library.delete(shelf.user, first.documents[0])
    measurements.look()
    assert measurements.of(shelf.place.id) is None  # one of four
    workspace.library.ingest(
        shelf.user, shelf.place.id, "new.txt", b"The pier of Arlen is 41 metres long, too."
    )
    measurements.look()
    wait_for(lambda: measurements.found(shelf.place.id) != first)
    again = measurements.found(shelf.place.id)
    assert again is not None
    assert first.documents[0] not in again.documents


def test_what_was_measured_goes_with_its_collection(shelf: Shelf) -> None:
    shelf.calibrate()
    home = shelf.assistant.settings.home
    shelf.assistant.workspace.library.delete_collection(shelf.user, shelf.place.id)
    shelf.assistant.measurements.look()
    assert refusal.measured(home) == []


def test_closing_stops_what_goes_on(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.measurements._PAUSE", 0.01)
    monkeypatch.setattr(shelf.assistant.models, "state", lambda: EngineState("ready", running=1))
    measurements, run = begun(shelf)
    measurements.start()
    measurements.close()
    assert run.ended
    assert measurements.found(shelf.place.id) is None


def test_what_somebody_stopped_is_not_begun_again_by_itself(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shelf.calibrate()
    workspace, measurements = shelf.assistant.workspace, shelf.assistant.measurements
    workspace.library.delete(shelf.user, first.documents[0])
    workspace.library.ingest(
        shelf.user, shelf.place.id, "new.txt", b"The pier of Arlen is 41 metres long, too."
    )
    monkeypatch.setattr("assistant.measurements._PAUSE", 0.01)
    monkeypatch.setattr(shelf.assistant.models, "state", lambda: EngineState("ready", running=1))
    measurements.look()
    run = measurements.of(shelf.place.id)
    assert run is not None
    measurements.stop(shelf.place.id)
    ended(run)
    measurements.look()
    again = measurements.of(shelf.place.id)
    assert again is None
