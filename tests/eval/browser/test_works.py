"""Runs that the page begins: one at a time, stopped and gone on with; suites of one's own."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import eval_scripted
import pytest
from demo_runtime import DemoRuntime

from assistant.errors import BadRequestError, ConflictError, NotFoundError
from assistant.store.records import User
from assistant.web import files
from assistant.web.pages import labels, plugins
from assistant.web.pages.bridge import InView, Reader
from eval import runs
from eval.browser import evaluating, shelf, words, works
from eval.errors import SuiteError
from eval.page import PAGE

plugins._join(PAGE)
LINE = {"id": "s1", "task": "sentiment", "lang": "en", "text": "Good.", "label": "positive"}


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[DemoRuntime]:
    made = DemoRuntime(tmp_path / "home")
    yield made
    if (work := works.current()) is not None:
        work.stopped.set()
        ended(work)
    made.close()


def ended(work: works.Work) -> None:
    end = time.monotonic() + 30
    while work.busy:
        assert time.monotonic() < end
        time.sleep(0.02)


def begin(runtime: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, pause: float) -> works.Work:
    monkeypatch.setattr(works, "subject_of", lambda runtime, adapter: eval_scripted.Scripted(pause=pause))
    return works.begin(runtime, "ada", folder, eval_scripted.suite(), "none", None)


def test_a_run_ends_with_its_report_and_is_shown_once(
    runtime: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = begin(runtime, tmp_path / "run", monkeypatch, 0.0)
    ended(work)
    assert work.error is None
    assert (work.done, work.of) == (12, 12)
    assert (tmp_path / "run" / "report.html").exists()
    assert not work.finished("bob")
    assert work.finished("ada")
    assert not work.finished("ada")


def test_there_is_one_run_at_a_time_and_it_is_stopped_by_its_owner_only(
    runtime: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = begin(runtime, tmp_path / "run", monkeypatch, 0.3)
    with pytest.raises(ConflictError):
        begin(runtime, tmp_path / "other", monkeypatch, 0.0)
    while work.done < 4:
        time.sleep(0.02)
    works.stop("bob")
    assert not work.stopped.is_set()
    works.stop("ada")
    ended(work)
    assert work.error is None
    assert 4 <= len(runs.read(tmp_path / "run").predictions) < 12
    again = begin(runtime, tmp_path / "run", monkeypatch, 0.0)
    ended(again)
    assert runs.read(tmp_path / "run").complete


@pytest.fixture
def drawn(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The page over the names of its places, and a run that goes on."""
    user = runtime.workspace.store.users.local()
    work = works.Work(user.id, shelf.new_folder(runtime, user, "scripted"), "scripted")
    monkeypatch.setattr(works._Server, "work", work)
    places = ("head", "suite", "adapter", "now", "listed", "pair", "a", "b", "detail")
    page = evaluating._Page(runtime, labels.Labels(), *places)
    yield work, lambda do: page.act(Reader(user, "en"), json.dumps({"do": do}), InView())
    work.stage = "done"


def test_a_run_that_ends_before_it_is_drawn_brings_its_list(
    drawn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, act = drawn
    now = evaluating.views.now
    assert act("poll").keys() == {"now"}
    monkeypatch.setattr(
        evaluating.views, "now", lambda *given: (setattr(work, "stage", "done"), now(*given))[1]
    )
    assert "listed" in act("poll")


def test_a_run_that_ends_after_its_list_was_read_is_asked_for_again(
    drawn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, act = drawn
    kept = evaluating.shelf.kept

    def end_after(*given: Any) -> Any:
        found = kept(*given)
        work.stage = "done"
        return found

    monkeypatch.setattr(evaluating.shelf, "kept", end_after)
    shown = act("show")
    assert "data-poll-page" in shown["now"]
    assert "detail" not in shown, "it may be shown after a report that was asked for later"


def test_a_suite_of_ones_own_is_kept_once_it_is_whole(runtime: Any, tmp_path: Path) -> None:
    user = runtime.workspace.store.users.local()
    good, bad = tmp_path / "客户 2.jsonl", tmp_path / "bad.jsonl"
    good.write_text(json.dumps(LINE), encoding="utf-8")
    bad.write_text(json.dumps({**LINE, "label": "glad"}), encoding="utf-8")
    name = shelf.take(runtime, user, good)
    assert name == "own:客户-2.jsonl"
    assert len(shelf.suite(runtime, user, name).cases) == 1
    with pytest.raises(SuiteError, match=r"^bad\.jsonl, line 1, field label"):
        shelf.take(runtime, user, bad)
    assert [each for each in shelf.suites(runtime, user) if each.startswith("own:")] == [name]
    assert not good.exists()
    assert not bad.exists()
    other = User("other", "other", "admin")
    with pytest.raises(BadRequestError):
        shelf.suite(runtime, other, name)


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "suites", "nothing"])
def test_a_folder_that_is_no_run_of_the_user_is_not_found(runtime: Any, name: str) -> None:
    with pytest.raises(NotFoundError):
        shelf.folder(runtime, runtime.workspace.store.users.local(), name)


def test_only_an_administrator_may(runtime: Any) -> None:
    assert evaluating.may(runtime.workspace.store.users.local())
    assert not evaluating.may(User("m", "m", "member"))
    assert not evaluating.may(User("g", "g", "guest"))


def test_both_languages_say_everything() -> None:
    english, chinese = words.WORDS["en"], words.WORDS["zh"]
    assert english.keys() == chinese.keys()
    for key, said in english.items():
        assert _fields(said) == _fields(chinese[key]), key


def _fields(said: str) -> set[str]:
    import string

    return {name for _, name, _, _ in string.Formatter().parse(said) if name}


def test_runs_go_with_all_else_of_a_user(runtime: Any, tmp_path: Path) -> None:
    user, other = runtime.workspace.store.users.local(), User("other", "other", "admin")
    for each in (user, other):
        path = tmp_path / "mine.jsonl"
        path.write_text(json.dumps(LINE), encoding="utf-8")
        shelf.take(runtime, each, path)
    files.forget(runtime, user)
    assert "own:mine.jsonl" not in shelf.suites(runtime, user)
    assert "own:mine.jsonl" in shelf.suites(runtime, other)
