"""What the page shows of files, runs and results; every word in both languages, every foreign text escaped."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import pytest
import tune_runs

from assistant.schema import Language
from assistant.store.records import User
from assistant.web.pages import plugins
from assistant.web.pages.bridge import Reader
from finetune import reading
from finetune.browser import choices, faults, run_views, said, shelf, views, words, works
from finetune.page import PAGE

plugins._join(PAGE)
ADA = User("ada", "ada", "admin")
BOTH: tuple[Language, Language] = ("en", "zh")
IDLE = works.Found("none", {})


def reader(language: Language) -> Reader:
    return Reader(ADA, language)


def kept(place: Path) -> shelf.Kept:
    (place / "recipe.toml").parent.mkdir(parents=True, exist_ok=True)
    (place / "recipe.toml").touch()
    return shelf.Kept(place.name, place, place / "run", reading.status(place / "run"))


def fields(said: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(said) if name}


def test_both_languages_say_everything() -> None:
    english, chinese = words.WORDS["en"], words.WORDS["zh"]
    assert english.keys() == chinese.keys()
    assert [key for key in english if fields(english[key]) != fields(chinese[key])] == []


def test_only_an_administrator_is_shown_the_way() -> None:
    from finetune.browser import tuning

    for role, allowed in (("admin", True), ("member", False), ("guest", False)):
        user = User("u", "u", role)  # type: ignore[arg-type]
        assert (PAGE.shown_to(user), tuning.may(user)) == (allowed, allowed)


@pytest.mark.parametrize("language", BOTH)
def test_the_list_names_file_row_field_and_reason(language: Language) -> None:
    html = str(faults.html(reader(language), works.Found("done", tune_runs.CHECK), "/downloads/x"))
    hard, soft = html.split('<details class="faults soft">')
    assert hard.count("<tr><td>") == 2
    assert "<td>reviews.jsonl</td><td>17</td><td><code>output</code></td>" in hard
    assert "is empty: write a text" in hard
    assert soft.count("<tr><td>") == 1
    assert 'href="/downloads/x"' in soft
    assert ("内容为空" in hard) == (language == "zh")


def test_a_row_of_a_file_is_never_code() -> None:
    nasty: dict[str, Any] = {
        "faults": [{"file": "<i>.csv", "row": 1, "field": "<b>", "reason": "<script>alert(1)</script>", "kind": "x"}],
        "sample": [{"file": "a", "row": 1, "left_out": 0, "tokens": [["<img src=x>", True]]}],
    }  # fmt: skip
    html = str(faults.html(reader("en"), works.Found("done", nasty), ""))
    assert "<script>" not in html
    assert "<img" not in html
    assert "<mark>&lt;img" in html


def test_a_cell_of_the_list_begins_no_formula() -> None:
    content = {
        "faults": [{"file": "a.csv", "row": 1, "field": "f", "reason": '=HYPERLINK("x")', "kind": "type"}]
    }
    assert "'=HYPERLINK" in faults.table(content).decode("utf-8-sig")


def test_the_start_is_there_only_when_nothing_stops() -> None:
    clean = works.Found("done", {**tune_runs.CHECK, "faults": tune_runs.CHECK["faults"][2:]})
    for found, busy, there in (
        (clean, False, True),
        (clean, True, False),
        (works.Found("done", tune_runs.CHECK), False, False),
        (works.Found("working", {}), False, False),
        (works.Found("done", {"counts": {"examples": 0}}), False, False),
    ):
        html = str(choices.begin(reader("en"), found, busy=busy))
        assert ('data-do="start"' in html) == there


@pytest.mark.parametrize(("language", "time"), [("en", "11–15 min"), ("zh", "11–15 分钟")])
def test_the_plan_says_time_and_memory_and_warns_where_it_does_not_fit(language: Language, time: str) -> None:
    html = str(views.plan(reader(language), works.Found("done", tune_runs.PLAN)))
    assert time in html.replace("\u2009", " ")
    assert "1.4 GB" in html.replace("\u2009", " ")
    assert "danger" not in html
    tight = {**tune_runs.PLAN, "peak_bytes": 9e9}
    assert "danger" in str(views.plan(reader(language), works.Found("done", tight)))


@pytest.mark.parametrize("language", BOTH)
@pytest.mark.parametrize(
    ("state", "can"), [("training", "stop"), ("stopped", "resume"), ("failed", "resume"), ("done", "")]
)
def test_a_run_offers_what_can_be_done_with_it(
    tmp_path: Path, language: Language, state: str, can: str
) -> None:
    place = tmp_path / "2026-11-23T00-10-00-reviews"
    tune_runs.progress(tune_runs.status(place / "run", state, message="<no> room"))
    html = str(run_views.run(reader(language), kept(place), starting=False, said_last=""))
    assert [do for do in ("stop", "resume") if f'data-do="{do}"' in html] == ([can] if can else [])
    assert html.count("<svg") == 3
    assert ("data-poll-page" in html) == (state == "training")
    assert "<no>" not in html
    assert ("&lt;no&gt; room" in html) == (state == "failed")


def test_a_run_that_ended_before_it_wrote_says_its_last_words(tmp_path: Path) -> None:
    place = tmp_path / "2026-11-23T00-10-00-reviews"
    html = str(run_views.run(reader("en"), kept(place), starting=False, said_last="no model"))
    assert "It ended: no model" in html
    waiting = str(run_views.run(reader("en"), kept(place), starting=True, said_last=""))
    assert "Starting" in waiting
    assert "data-poll-page" in waiting


@pytest.mark.parametrize("language", BOTH)
def test_the_result_says_both_values_the_interval_and_the_finding(tmp_path: Path, language: Language) -> None:
    place = tmp_path / "2026-11-23T00-10-00-reviews"
    tune_runs.report(tune_runs.status(place / "run", "done", adapter="reviews"))
    html = str(run_views.result(reader(language), kept(place), {}, IDLE, live=""))
    assert [f">{value}</td>" in html for value in ("0.520", "0.860")] == [True, True]
    assert "+0.340 [+0.240, +0.440]" in html
    assert {"en": "about 340 more cases", "zh": "340"}[language] in html.replace("\u2009", " ")
    assert 'data-do="promote"' in html
    live = str(run_views.result(reader(language), kept(place), {}, IDLE, live="reviews"))
    assert 'data-do="rollback"' in live
    assert 'data-do="promote"' not in live


@pytest.mark.parametrize(
    ("state", "said"), [("done", "held out no examples"), ("stopped", "When the training ends")]
)
def test_a_result_without_figures_says_why(tmp_path: Path, state: str, said: str) -> None:
    place = tmp_path / "2026-11-23T00-10-00-reviews"
    tune_runs.status(place / "run", state, adapter="reviews")
    assert said in str(run_views.result(reader("en"), kept(place), {}, IDLE, live=""))


@pytest.mark.parametrize(
    ("outcome", "said"),
    [("promote", "Better"), ("worse", "it is worse"), ("unclear", "be told from what was measured")],
)
def test_the_gate_says_what_it_decided_and_on_what(tmp_path: Path, outcome: str, said: str) -> None:
    place = tmp_path / "2026-11-23T00-10-00-reviews"
    tune_runs.report(tune_runs.status(place / "run", "done", adapter="reviews"))
    gate = reading.mapping(next(tune_runs.gate(tmp_path, "x", outcome).glob("*.json")))
    html = str(run_views.result(reader("en"), kept(place), gate, IDLE, live=""))
    assert said in html
    assert "Right citations" in html
    assert "about 212 more cases would tell" in html


@pytest.mark.parametrize(
    ("low", "high", "en", "zh"),
    [
        (3, 4, "3–4 s", "3–4 秒"),
        (600, 840, "10–14 min", "10–14 分钟"),
        (80, 120, "80 s to 2 min", "80 秒到 2 分钟"),
        (6000, 6000, "about 1.7 h", "约 1.7 小时"),
    ],
)
def test_times_are_ranges(low: float, high: float, en: str, zh: str) -> None:
    assert said.span(reader("en"), low, high) == en
    assert said.span(reader("zh"), low, high).replace("\u2009", " ") == zh
