"""Running a suite on a scripted assistant: what is written, and what is left when it stops anywhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from eval_scripted import Scripted, suite

from assistant.errors import EngineError
from eval import predictions, runner, runs
from eval.errors import RunError
from eval.runs import Run
from eval.schema import Prediction

SCRIPT = Path(__file__).parents[1] / "eval_scripted.py"


def run(folder: Path, subject: Scripted | None = None, **options: int) -> Run:
    return runner.run(suite(), subject or Scripted(), folder, **options)


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / predictions.NAME).read_text().splitlines()]


def test_a_run_is_whole_and_explains_itself(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    subject = Scripted()
    found = runner.run(suite(), subject, tmp_path / "r", progress=lambda *said: seen.append(said))
    assert found.complete
    assert [each.output for each in found.predictions] == [f"question {n}" for n in range(12)]
    assert found.suite == suite()
    assert runs.read(tmp_path / "r") == found
    assert seen[0] == ("predict", 0, 12)
    assert seen[-1] == ("predict", 12, 12)
    assert found.sessions[0].cases == 12
    assert found.sessions[0].tokens == 24
    assert found.sessions[0].peak_memory_mb > 1
    assert found.sessions[0].seconds.keys() == {"prepare", "predict", "own"}
    assert subject.closed
    assert not (tmp_path / "r" / runner.WORK).exists()


def test_the_manifest_is_there_before_the_first_answer(tmp_path: Path) -> None:
    there: list[bool] = []
    run(tmp_path, Scripted(told=lambda case: there.append((tmp_path / runs.MANIFEST).exists())))
    assert all(there)
    assert len(there) == 12


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    first = run(tmp_path)
    again = Scripted()
    assert run(tmp_path, again).predictions == first.predictions
    assert (again.asked, again.prepared) == ([], 0)


@pytest.mark.parametrize("torn", ['{"id":"c', '{"id":"c3","task":"chat","output":"question 3"}', "\0\0\0"])
def test_a_torn_last_line_is_done_again(tmp_path: Path, torn: str) -> None:
    whole = run(tmp_path).predictions
    file = tmp_path / predictions.NAME
    kept = file.read_text().splitlines(keepends=True)
    lost = {json.loads(line)["id"] for line in kept[5:]}
    file.write_text("".join(kept[:5]) + torn)
    assert len(runs.read(tmp_path).predictions) == 5
    again = Scripted()
    assert run(tmp_path, again).predictions == whole
    assert set(again.asked) == lost
    assert len(lines(tmp_path)) == 12


@pytest.mark.parametrize(
    ("line", "said"), [("no json", "line 13 cannot be read"), ("", "has case"), ('{"id": 1}', "line 13")]
)
def test_a_damaged_line_in_the_middle_is_named(tmp_path: Path, line: str, said: str) -> None:
    run(tmp_path)
    file = tmp_path / predictions.NAME
    again = file.read_text().splitlines()[0]
    file.write_text(file.read_text() + (line or again) + "\n")
    with pytest.raises(RunError, match=said):
        runs.read(tmp_path)


def test_a_prediction_of_another_run_is_named(tmp_path: Path) -> None:
    run(tmp_path)
    with predictions.Predictions(tmp_path) as file:
        file.add(Prediction("foreign", "chat", ""))
    with pytest.raises(RunError, match="foreign"):
        runs.read(tmp_path)


def test_a_failing_case_is_recorded_and_the_others_go_on(tmp_path: Path) -> None:
    found = run(tmp_path, Scripted(failing={"c3", "c7"}))
    assert {each.id: each.error for each in found.predictions if each.error} == {
        "c3": "ValueError: no answer to this",
        "c7": "ValueError: no answer to this",
    }
    assert found.complete


def test_an_engine_that_is_gone_stops_the_run_and_is_no_failure_of_a_case(tmp_path: Path) -> None:
    subject = Scripted(dies_at="c5", pause=0.01)
    with pytest.raises(EngineError, match="it is gone"):
        run(tmp_path, subject)
    kept = runs.read(tmp_path)
    assert not kept.complete
    assert not any(each.error for each in kept.predictions)
    assert subject.stopped.is_set()
    assert kept.sessions[0].cases == len(kept.predictions)
    again = Scripted()
    assert run(tmp_path, again).complete
    assert not {each.id for each in kept.predictions} & set(again.asked)
    assert len(runs.read(tmp_path).sessions) == 2


@pytest.mark.parametrize("other", ["seed", "limit", "suite", "subject"])
def test_another_run_in_the_folder_is_refused_with_the_way_out(tmp_path: Path, other: str) -> None:
    run(tmp_path)
    before = (tmp_path / predictions.NAME).read_bytes(), (tmp_path / runs.MANIFEST).read_bytes()
    asked = suite(sha256="b" * 64) if other == "suite" else suite()
    subject = Scripted(version="2" if other == "subject" else "1")
    options = {"seed": 1} if other == "seed" else {"limit": 3} if other == "limit" else {}
    with pytest.raises(RunError, match=r"another run .*--out") as fault:
        runner.run(asked, subject, tmp_path, **options)
    assert {"suite": "sha256", "subject": "subject.version"}.get(other, other) in str(fault.value)
    assert fault.value.exit_code == 2
    assert before == ((tmp_path / predictions.NAME).read_bytes(), (tmp_path / runs.MANIFEST).read_bytes())


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match="other files"):
        run(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) in (["run.lock", "thesis.txt"], ["thesis.txt"])


@pytest.mark.parametrize("name", [runs.MANIFEST, runs.SUITE])
def test_a_folder_that_is_no_run_is_named(tmp_path: Path, name: str) -> None:
    run(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(RunError, match=name):
        runs.read(tmp_path)


def test_one_process_a_folder(tmp_path: Path) -> None:
    with runs.held(tmp_path), pytest.raises(RunError, match="another process"):
        run(tmp_path)


def test_the_draw_is_by_seed_in_the_suites_order() -> None:
    whole = suite(100)
    drawn = [runner.draw(whole, 10, seed).cases for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0] != whole.cases[:10]
    assert list(drawn[0]) == sorted(drawn[0], key=whole.cases.index)
    assert runner.draw(whole, 100, 0) == runner.draw(whole, None, 0) == whole


def test_the_seed_changes_the_order_of_work_and_not_the_result(tmp_path: Path) -> None:
    orders, found = [], []
    for seed in (0, 1):
        subject = Scripted()
        subject.readers = 1
        found.append(run(tmp_path / str(seed), subject, seed=seed).predictions)
        orders.append(subject.asked)
    assert orders[0] != orders[1]
    assert found[0] == found[1]


def _started(folder: Path, pause: float) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(folder), str(pause)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("predict 4 "):
            return process
    raise AssertionError("it ended early")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_or_killed_it_goes_on(tmp_path: Path, how: signal.Signals) -> None:
    process = _started(tmp_path, pause=1.0)  # on a busy machine the signal may come late
    began = time.monotonic()
    process.send_signal(how)
    output, _ = process.communicate(timeout=30)
    if how is signal.SIGINT:
        assert process.returncode == 130
        assert "interrupted" in output
        assert time.monotonic() - began < runner.LEAVE_S
        assert runs.read(tmp_path).sessions[0].cases >= 4
    kept = {each.id for each in runs.read(tmp_path).predictions}
    assert 4 <= len(kept) < 12
    again = Scripted()
    assert run(tmp_path, again).complete
    assert set(again.asked) == {case.id for case in suite().cases} - kept
    assert len(lines(tmp_path)) == 12
