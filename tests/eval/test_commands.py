"""``youju eval`` on a scripted assistant: folders, going on, exit codes, and what it refuses before it starts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eval_scripted import Scripted

from assistant.commands.app import run as youju
from assistant.errors import EngineError
from assistant.schema import Estimate
from eval import commands, launching, runs
from eval.schema import Case, Undefined

HEADER = {"suite": "mine", "version": 3, "licence": "CC0-1.0"}


@pytest.fixture
def suite(tmp_path: Path) -> str:
    cases = [
        {"id": f"c{n}", "task": "chat", "messages": [{"role": "user", "content": f"question {n}"}]}
        for n in range(8)
    ]
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in (HEADER, *cases)))
    return str(path)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home" / "runs"


@pytest.fixture(autouse=True)
def _unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found in the answers has tests of its own."""
    monkeypatch.setattr(commands, "_reported", lambda found: {})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Scripted]:
    """The subjects of each run; a test may prepare the next ones."""
    made: list[Scripted] = []
    monkeypatch.setattr(launching, "choose", _maker(made, lambda: Scripted()))
    return made


def _maker(made: list[Scripted], make: Callable[[], Scripted]) -> Callable[..., Scripted]:
    def choose(wanted: launching.Wanted, **options: Any) -> Scripted:
        made.append(make())
        made[-1].version = f"{options} {wanted.oracle}"
        return made[-1]

    return choose


def folders(home: Path) -> list[Path]:
    return sorted(home.iterdir())


@pytest.mark.usefixtures("asked")
def test_a_run_goes_into_a_dated_folder_and_each_into_its_own(suite: str, home: Path) -> None:
    assert [youju(["eval", "run", suite]) for _ in range(2)] == [0, 0]
    assert len(folders(home)) == 2
    for folder in folders(home):
        assert folder.name.startswith("20")
        assert "-mine" in folder.name
        found = runs.read(folder)
        assert found.complete
        assert (found.manifest.suite, found.manifest.version) == ("mine", 3)


def test_stopped_the_same_command_goes_on(
    suite: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(case: Case) -> None:
        if len(made[0].asked) == 4:
            raise KeyboardInterrupt

    made: list[Scripted] = []
    monkeypatch.setattr(
        launching, "choose", _maker(made, lambda: Scripted(told=interrupted if not made else _quiet))
    )
    made_first = ["eval", "run", suite, "--limit", "6"]
    assert youju(made_first) == 130
    assert made[0].closed
    assert "same command goes on" in capsys.readouterr().err
    (folder,) = folders(home)
    kept = {each.id for each in runs.read(folder).predictions}
    assert len(kept) < 6
    assert youju(made_first) == 0
    assert folders(home) == [folder]
    assert not kept & set(made[1].asked)
    assert runs.read(folder).complete
    assert "going on" in capsys.readouterr().err


def _quiet(case: Case) -> None:
    """Nothing is said."""


def test_other_options_are_another_run(suite: str, tmp_path: Path, asked: list[Scripted]) -> None:
    out = ["--out", str(tmp_path / "out")]
    assert youju(["eval", "run", suite, *out]) == 0
    assert youju(["eval", "run", suite, "--oracle", *out]) == 2
    assert youju(["eval", "run", suite, "--no-retrieval", *out]) == 2
    assert youju(["eval", "run", suite, "--limit", "3", *out]) == 2
    assert youju(["eval", "run", suite, *out]) == 0
    assert asked[-1].asked == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-suite"], "no such file"),
        (["{suite}", "--limit", "0"], "limit"),
        (["{suite}", "--seed", "-1"], "seed"),
        (["{suite}", "--min", "accuracy"], "METRIC=NUMBER"),
        (["{suite}", "--min", "accuracy=high"], "METRIC=NUMBER"),
        (["{suite}", "--min", "loveliness=1"], "loveliness"),
        (["{suite}", "--two-by-two"], "--base-vs-adapter"),
        (["{suite}", "--base-vs-adapter", "mine", "--no-retrieval"], "leave out"),
        (["{suite}", "--base-vs-adapter", "mine", "--url", "http://x/v1"], "leave out"),
    ],
)
def test_bad_input_is_2_before_anything_is_written(
    suite: str,
    home: Path,
    asked: list[Scripted],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    assert youju(["eval", "run", *(part.format(suite=suite) for part in arguments)]) == 2
    assert said in capsys.readouterr().err
    assert not home.exists()
    assert asked == []


def test_a_dead_engine_is_1_and_says_why(
    suite: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launching, "choose", _maker([], lambda: Scripted(dies_at="c2")))
    assert youju(["eval", "run", suite]) == EngineError.exit_code == 1
    assert "it is gone" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["compare", "{there}", "{there}/x"], ["report", "{there}"]])
def test_what_is_no_run_is_2(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    assert youju(["eval", *(part.format(there=tmp_path) for part in command)]) == 2
    assert "manifest.json" in capsys.readouterr().err


def test_an_adapter_is_run_beside_the_base(
    suite: str, tmp_path: Path, asked: list[Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[list[str]] = []
    monkeypatch.setattr(
        commands,
        "_compare",
        lambda found, *rest, **options: compared.append([run.folder.name for run in found]),
    )
    out = str(tmp_path / "out")
    assert youju(["eval", "run", suite, "--base-vs-adapter", "mine", "--out", out]) == 0
    assert youju(["eval", "run", suite, "--base-vs-adapter", "mine", "--two-by-two", "--out", out]) == 0
    with_, without = ["base", "mine"], ["base-without-retrieval", "mine-without-retrieval"]
    assert compared == [with_, with_ + without]
    assert [len(subject.asked) for subject in asked] == [8, 8, 0, 0, 8, 8]


@pytest.mark.parametrize(
    ("measured", "better", "met"),
    [
        (Estimate(0.7, 0.6, 0.8, 9), "higher", True),
        (Estimate(0.5, 0.4, 0.6, 9), "higher", True),
        (Estimate(0.49, 0.4, 0.6, 9), "higher", False),
        (Estimate(0.49, 0.4, 0.6, 9), "lower", True),
        (Estimate(0.51, 0.4, 0.6, 9), "lower", False),
        (Undefined("no case has it"), "higher", False),
        (None, "higher", False),
    ],
)
def test_the_bar_is_a_mean_and_the_other_way_where_less_is_better(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], measured: Any, better: str, met: bool
) -> None:
    monkeypatch.setattr(commands, "_known", lambda suite: {"score": better})
    found = {"score[lang=zh]": measured} if measured is not None else {}
    assert commands._meets(found, {"score[lang=zh]": 0.5}, Any) is met  # type: ignore[arg-type]
    assert ("score[lang=zh]" in capsys.readouterr().err) is not met


def test_suites_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert youju(["eval", "suites", "--json"]) == 0
    listed = {each["suite"]: each for each in json.loads(capsys.readouterr().out)}
    assert listed["grounded-en"]["n"] >= 60
