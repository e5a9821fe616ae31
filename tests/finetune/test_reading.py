"""A run folder in whatever state: what is read of it, and that nothing in it breaks the page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tune_runs

from finetune import reading


def test_a_run_that_goes_on_says_how_far_it_is(tmp_path: Path) -> None:
    found = reading.status(tune_runs.status(tmp_path, "training", 30, 60))
    assert found is not None
    assert found.alive
    assert (found.state, found.step, found.steps, found.left) == ("training", 30, 60, (500.0, 700.0))


def test_a_run_whose_process_is_gone_is_broken(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    found = reading.status(tune_runs.status(tmp_path, "training", pid=child.pid))
    assert found is not None
    assert found.state == "broken"
    assert not found.alive


def test_a_number_that_another_process_has_by_now_is_not_the_run(tmp_path: Path) -> None:
    run = tune_runs.status(tmp_path, "training")  # of this process …
    os.utime(run / "status.json", (1.0, 1.0))  # … but written long before it began
    found = reading.status(run)
    assert found is not None
    assert found.state == "broken"


@pytest.mark.parametrize("state", ["stopped", "done", "failed"])
def test_a_run_that_ended_stays_ended_whatever_its_process(tmp_path: Path, state: str) -> None:
    found = reading.status(tune_runs.status(tmp_path, state, message="why", adapter="reviews"))
    assert found is not None
    assert (found.state, found.alive, found.message, found.adapter) == (state, False, "why", "reviews")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"state": "dancing"}',
        '{"state": 5}',
        "\xff",
        '{"state": "training", "pid": true}',
    ],
)
def test_a_damaged_status_reads_as_none_or_broken(tmp_path: Path, content: str) -> None:
    (tmp_path / "status.json").write_text(content, encoding="latin-1")
    found = reading.status(tmp_path)
    assert found is None or found.state == "broken"


@pytest.mark.parametrize("left", [None, [], ["soon"], float("nan"), {"low": 1}])
def test_odd_times_are_no_times(tmp_path: Path, left: Any) -> None:
    found = reading.status(tune_runs.status(tmp_path, "training", seconds_left=left))
    assert found is not None
    assert found.left is None


def test_what_a_kill_undid_and_a_resume_did_again_is_there_once(tmp_path: Path) -> None:
    lines = [{"step": step, "loss": 3.0} for step in (1, 2, 3, 4)]
    again = [{"step": step, "loss": 2.0} for step in (3, 4, 5)]
    text = "\n".join(json.dumps(line) for line in [*lines, *again])
    (tmp_path / "progress.jsonl").write_text(text + '\n{"step": 6, "lo')  # and a line half written
    found = [(point.step, point.loss) for point in reading.points(tmp_path)]
    assert found == [(1, 3.0), (2, 3.0), (3, 2.0), (4, 2.0), (5, 2.0)]


def test_a_step_told_twice_keeps_its_loss_and_its_measure(tmp_path: Path) -> None:
    lines = [{"step": 10, "loss": 1.5}, {"step": 10, "eval": {"accuracy": 0.8}}, {"step": 11, "loss": 1.4}]
    (tmp_path / "progress.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = reading.points(tmp_path)
    assert [point.loss for point in found if point.loss] == [1.5, 1.4]
    assert [dict(point.measured) for point in found if point.measured] == [{"accuracy": 0.8}]


def test_numbers_that_are_none_are_left_out(tmp_path: Path) -> None:
    line = '{"step": 1, "loss": NaN, "learning_rate": "high", "eval": {"accuracy": Infinity, "f1": 0.5, "n": null}}'
    (tmp_path / "progress.jsonl").write_text(line)
    (point,) = reading.points(tmp_path)
    assert point.loss is None
    assert point.learning_rate is None
    assert dict(point.measured) == {"f1": 0.5}


def test_an_empty_folder_is_no_run(tmp_path: Path) -> None:
    assert reading.status(tmp_path) is None
    assert reading.points(tmp_path) == ()
    assert reading.mapping(tmp_path / "report.json") == {}
