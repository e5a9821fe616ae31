"""The one question that a server asks itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeRuntime, TimedGenerator

from assistant import config
from assistant.assistant import Assistant
from assistant.errors import ModelFileError
from assistant.web.trial import Trial


def _asked(look: Callable[[], dict[str, Any]], wait_s: float = 10.0) -> dict[str, Any]:
    deadline = time.monotonic() + wait_s
    while (found := look())["state"] == "running" and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


def test_health_asks_only_where_it_is_told_to_and_then_once(serve: Callable[..., Any]) -> None:
    site = serve()
    turns: list[str] = []
    turn = site.runtime.chat_turn
    site.runtime.chat_turn = lambda user, request, *more: (
        turns.append(request.question),
        turn(user, request, *more),
    )[1]
    client = site.client()  # nobody is signed in
    assert "question" not in client.get("/health").json()
    assert turns == []
    found = _asked(lambda: client.get("/health?ask=true").json()["question"])
    assert (found["state"], found["citations"]) == ("answered", 1)
    assert client.get("/health?ask=true").json()["question"] == found
    assert turns == ["When is the workshop open on weekdays?"]


def test_nothing_of_it_is_kept(serve: Callable[..., Any]) -> None:
    site = serve()
    _asked(lambda: site.client().get("/health?ask=true").json()["question"])
    users = site.runtime.workspace.store.users.list()
    assert not any(user.name == "trial" for user in users)
    kept = b"".join(path.read_bytes() for path in site.runtime.settings.home.rglob("*") if path.is_file())
    assert b"workshop" not in kept


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (ModelFileError(name="m", reason="it is damaged", remedy="pull it"), "it is damaged"),
        (ZeroDivisionError("a secret"), "an internal error: see the server's log"),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_question_that_fails_says_why_and_not_more(tmp_path: Path, fault: Exception, expected: str) -> None:
    runtime = FakeRuntime(tmp_path / "home", TimedGenerator())

    def fails(*given: Any, **more: Any) -> Any:
        raise fault

    runtime.chat_turn = fails  # type: ignore[method-assign]
    found = _asked(Trial(runtime).look)  # type: ignore[arg-type]
    assert found["state"] == "failed"
    assert expected in found["reason"]
    assert "a secret" not in found["reason"]
    runtime.close()


@pytest.mark.weights
def test_the_embedded_model_answers_it(tmp_path: Path, models_dir: Path) -> None:
    settings = config.load(
        home=str(tmp_path / "home"), models_dir=str(models_dir), auth="visitors", samples=False
    )
    runtime = Assistant.open(settings, exclusive=True)
    try:
        found = _asked(Trial(runtime).look, wait_s=200)
        assert found["state"] == "answered", found
        assert found["citations"] >= 1
    finally:
        runtime.close()
