"""What the page starts: checks, plans, runs, the gate. The programs are played by a script, but are processes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tune_runs

from assistant.config import Settings
from assistant.errors import BadRequestError, ConflictError, NotFoundError, UnsupportedFileError
from assistant.store.records import User
from assistant.web.pages import labels, plugins
from assistant.web.pages.bridge import Reader
from finetune import reading
from finetune.browser import shelf, tuning, works
from finetune.page import PAGE

plugins._join(PAGE)
ADA, BOB = User("ada", "ada", "admin"), User("bob", "bob", "admin")
PLAYED = """
import json, os, pathlib, sys, time
words = sys.argv[1:]
if words[:2] == ["finetune", "check"]:
    if any("broken" in word for word in words):
        sys.exit("youju: it cannot be read")
    print(pathlib.Path(os.environ["PLAYED_CHECK"]).read_text())
    sys.exit(2 if "hard" in pathlib.Path(os.environ["PLAYED_CHECK"]).name else 0)
if words[0] == "adapters":
    print("better: it may go live")
    sys.exit(int(os.environ.get("PLAYED_GATE", "0")))
import tomllib
folder = pathlib.Path(tomllib.loads(pathlib.Path(words[1]).read_text())["output"]["folder"])
folder.mkdir(parents=True, exist_ok=True)
if "--plan" in words:
    (folder / "plan.json").write_text(json.dumps({"steps": 7}))
    sys.exit()
def told(state, step):
    text = json.dumps({"state": state, "step": step, "steps": 500, "pid": os.getpid()})
    (folder / "part").write_text(text)
    (folder / "part").replace(folder / "status.json")
first = json.loads((folder / "status.json").read_text())["step"] if "--resume" in words else 0
for step in range(first, 500):
    told("training", step)
    if (folder / "STOP").exists():
        told("stopped", step)
        sys.exit()
    time.sleep(0.05)
"""


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    home = tmp_path / "home"
    home.mkdir()
    script = tmp_path / "played.py"
    script.write_text(PLAYED)
    monkeypatch.setattr(works, "PROGRAM", (sys.executable, "-S", str(script)))
    says(tmp_path, monkeypatch, {**tune_runs.CHECK, "faults": []})
    yield SimpleNamespace(settings=Settings(home=home, models_dir=home / "models", model="smollm2-135m"))
    for path in list(works._Server.children):
        works.end(path)


def says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: dict[str, Any], name: str = "clean.json"
) -> None:
    (tmp_path / name).write_text(json.dumps(check))
    monkeypatch.setenv("PLAYED_CHECK", str(tmp_path / name))


def add(runtime: Any, tmp_path: Path, name: str = "reviews.jsonl", user: User = ADA) -> None:
    (tmp_path / name).write_text('{"prompt": "a", "completion": "b"}\n')
    shelf.take(runtime, user, [tmp_path / name])


def until(true: Callable[[], Any]) -> Any:
    end = time.monotonic() + 60
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def checked(runtime: Any) -> works.Found:
    works.check(runtime, ADA)
    return until(lambda: (found := works.checked(runtime, ADA)).state != "working" and found)


def state_of(runtime: Any, name: str) -> str:
    status = shelf.find(runtime, ADA, name).status
    return status.state if status else ""


def test_files_are_kept_checked_and_dropped(runtime: Any, tmp_path: Path) -> None:
    assert works.checked(runtime, ADA).state == "none"
    add(runtime, tmp_path, "客户 问答.csv")
    assert [path.name for path in shelf.files(runtime, ADA)] == ["客户-问答.csv"]
    assert not (tmp_path / "客户 问答.csv").exists()
    assert shelf.files(runtime, BOB) == []
    assert checked(runtime).content["counts"]["rows"] == 1240
    shelf.drop(runtime, ADA, "客户-问答.csv")
    works.check(runtime, ADA)
    assert works.checked(runtime, ADA).state == "none"
    with pytest.raises(NotFoundError):
        shelf.drop(runtime, ADA, "../../secret")


def test_a_file_of_no_known_type_is_refused_and_none_of_them_is_kept(runtime: Any, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}")
    (tmp_path / "b.exe").write_text("")
    with pytest.raises(UnsupportedFileError, match=r"b\.exe"):
        shelf.take(runtime, ADA, [tmp_path / "a.jsonl", tmp_path / "b.exe"])
    assert shelf.files(runtime, ADA) == []
    assert not (tmp_path / "b.exe").exists()


def test_a_check_that_fails_says_why(runtime: Any, tmp_path: Path) -> None:
    add(runtime, tmp_path, "broken.jsonl")
    found = checked(runtime)
    assert (found.state, found.said) == ("failed", "it cannot be read")


def test_faults_that_stop_start_nothing(
    runtime: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(runtime, tmp_path)
    with pytest.raises(BadRequestError):
        works.start(runtime, ADA, "quick", "mine")  # not checked
    says(tmp_path, monkeypatch, tune_runs.CHECK, "hard.json")
    assert checked(runtime).state == "done"
    with pytest.raises(BadRequestError):
        works.start(runtime, ADA, "quick", "mine")
    assert shelf.runs(runtime, ADA) == []


def test_a_plan_belongs_to_its_recipe_and_its_files(runtime: Any, tmp_path: Path) -> None:
    add(runtime, tmp_path)
    checked(runtime)
    works.plan(runtime, ADA, "quick")
    until(lambda: works.planned(runtime, ADA, "quick").state == "done")
    assert works.planned(runtime, ADA, "quick").content == {"steps": 7}
    assert works.planned(runtime, ADA, "thorough").state == "none"
    add(runtime, tmp_path, "more.jsonl")
    checked(runtime)
    assert works.planned(runtime, ADA, "quick").state == "none"


def test_a_run_is_started_stopped_and_gone_on_with(runtime: Any, tmp_path: Path) -> None:
    add(runtime, tmp_path)
    checked(runtime)
    kept = works.start(runtime, ADA, "quick", "mine")
    until(lambda: state_of(runtime, kept.name) == "training")
    with pytest.raises(ConflictError):
        works.start(runtime, BOB, "quick", "other") if shelf.files(runtime, BOB) else works.alone(runtime)
    with pytest.raises(ConflictError):
        shelf.remove(runtime, ADA, kept.name)
    with pytest.raises(NotFoundError):
        shelf.find(runtime, BOB, kept.name)
    works.stop(shelf.find(runtime, ADA, kept.name))
    until(lambda: state_of(runtime, kept.name) == "stopped")
    stopped = shelf.find(runtime, ADA, kept.name)
    until(lambda: not works.working(stopped))
    works.resume(runtime, stopped)
    assert not (stopped.run / reading.STOP).exists()
    until(lambda: state_of(runtime, kept.name) == "training")
    works.end(stopped.log)
    assert state_of(runtime, kept.name) == "broken"
    shelf.remove(runtime, ADA, kept.name)
    assert shelf.runs(runtime, ADA) == []


def test_a_new_server_finds_the_run_at_work(
    runtime: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(runtime, tmp_path)
    checked(runtime)
    kept = works.start(runtime, ADA, "quick", "mine")
    until(lambda: state_of(runtime, kept.name) == "training")
    child = works._Server.children[kept.log]
    monkeypatch.setattr(works._Server, "children", {})  # what a new process knows
    try:
        assert works.busy(runtime)
        again = shelf.find(runtime, ADA, kept.name)
        works.stop(again)
        until(lambda: state_of(runtime, kept.name) == "stopped")
        assert child.wait(10) == 0
    finally:
        child.kill()
        child.wait()


def test_the_data_of_a_run_stays_when_the_next_files_come(runtime: Any, tmp_path: Path) -> None:
    add(runtime, tmp_path)
    checked(runtime)
    kept = works.start(runtime, ADA, "quick", "mine")
    shelf.drop(runtime, ADA, "reviews.jsonl")
    assert (kept.place / "data" / "reviews.jsonl").read_text().startswith('{"prompt"')
    assert str(kept.place / "data" / "reviews.jsonl") in kept.recipe.read_text()


@pytest.mark.parametrize("name", ["", "../x", "Großes", "-x", "x" * 61, "a b"])
def test_a_name_that_no_adapter_may_have_is_refused(runtime: Any, tmp_path: Path, name: str) -> None:
    add(runtime, tmp_path)
    checked(runtime)
    with pytest.raises(BadRequestError):
        works.start(runtime, ADA, "quick", name)


def test_the_name_offered_is_free(runtime: Any, tmp_path: Path) -> None:
    add(runtime, tmp_path)
    assert shelf.free_name(runtime, ADA) == "reviews"
    tune_runs.adapter(runtime.settings.home, "reviews")
    assert shelf.free_name(runtime, ADA) == "reviews-2"
    checked(runtime)
    with pytest.raises(ConflictError):
        works.start(runtime, ADA, "quick", "reviews")


@pytest.mark.parametrize(("code", "state"), [(0, "done"), (1, "done"), (2, "failed")])
def test_the_gate_ends_with_a_word_or_says_why_not(
    runtime: Any, monkeypatch: pytest.MonkeyPatch, code: int, state: str
) -> None:
    monkeypatch.setenv("PLAYED_GATE", str(code))
    place = runtime.settings.home / "runs" / "ada" / "tune" / "2026-11-23T00-10-00-mine"
    tune_runs.status(place / "run", "done", adapter="mine")
    (place / "recipe.toml").write_text("")
    kept = shelf.find(runtime, ADA, place.name)
    assert works.promoted(kept).state == "none"
    works.promote(runtime, kept)
    found = until(lambda: (found := works.promoted(kept)).state != "working" and found)
    assert (found.state, found.said) == (state, "better: it may go live")


def test_a_gate_that_ends_while_it_is_drawn_is_asked_for_again(
    runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = runtime.settings.home / "runs" / "ada" / "tune" / "2026-11-23T00-10-00-mine"
    tune_runs.status(place / "run", "done", adapter="mine")
    (place / "recipe.toml").write_text("")
    state: list[works.State] = ["working"]

    def nothing_yet(*_: Any) -> dict[str, Any]:
        state[0] = "done"
        return {}

    monkeypatch.setattr(works, "promoted", lambda _: works.Found(state[0], {}))
    monkeypatch.setattr(tuning.live, "gate", nothing_yet)
    parts = tuning._Parts()
    parts.run, parts.result = "run", "result"
    page = tuning._Page(runtime, labels.Labels(), parts, "upload")
    assert "data-poll-page" in page._run(Reader(ADA, "en"), place.name)["result"]


def test_runs_of_a_terminal_are_seen_on_ones_own_machine_only(runtime: Any) -> None:
    tune_runs.status(runtime.settings.home / "training" / "night", "done")
    assert [kept.name for kept in shelf.runs(runtime, ADA)] == ["night"]
    shared = SimpleNamespace(settings=runtime.settings.model_copy(update={"auth": "users"}))
    assert shelf.runs(shared, ADA) == []
