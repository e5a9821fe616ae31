"""Trainings on the tiny model, from a TOML to an adapter: whole, killed, stopped, spoilt, two at once."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors.torch import load_file

from assistant import config as settings_of
from assistant.errors import AdapterError, TrainingDataError, TrainingError
from assistant.models import adapters
from finetune import config, running
from finetune.folder import COMPLETE, Folder

RECIPE = """
[model]
name = {model}
[data]
train = ["rows.jsonl"]
held_out = {held_out}
[training]
max_steps = 6
learning_rate = 1e-3
tokens_per_batch = 600
max_length = 300
checkpoint_every = 2
log_every = 1
[evaluation]
every = 3
cases = 4
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    tiny.build(folder / "tiny")
    things = ("cats", "dogs", "birds", "rain", "snow", "bread", "stones", "boats")
    rows = [
        {
            "prompt": f"Number {n}: what do they call {thing} in the {n % 5}. village?",
            "completion": tiny.WORDS[n % 4],
        }
        for n, thing in enumerate(things * 4)
    ]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    pairs = [
        {"prompt": f"Say a word about {thing}.", "chosen": "alpha", "rejected": "beta"} for thing in things
    ]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs), encoding="utf-8")
    for name, held_out in (("whole", 0.2), ("plain", 0.0)):
        text = RECIPE.format(model=json.dumps(str(folder / "tiny")), held_out=held_out)
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def train(place: Path, folder: Path, *changes: str, recipe: str = "plain", **options: Any) -> running.Result:
    read = config.read(place / f"{recipe}.toml", changes)
    home = folder.parent / "home"
    settings = settings_of.load(home=home)
    told = {"resume": False, "plan_only": False, "confirm": lambda _: True, "show": lambda *_: None}
    run = Folder(folder)
    with run.held():
        return running.run(read, settings, run, say=lambda _: None, **{**told, **options})


def weights(run: Path) -> dict[str, Any]:
    return load_file(run / "adapter" / adapters.WEIGHTS)


def same(one: Path, other: Path) -> bool:
    a, b = weights(one), weights(other)
    return a.keys() == b.keys() and all(bool((a[name] == b[name]).all()) for name in a)


@pytest.fixture(scope="module")
def finished(place: Path) -> Path:
    """A run that nobody disturbed."""
    folder = place / "undisturbed" / "run"
    assert train(place, folder).state == "done"
    return folder


@pytest.fixture(scope="module")
def measured(place: Path) -> tuple[Path, running.Result]:
    """A run that was measured while it trained, and that nobody disturbed."""
    folder = place / "whole" / "run"
    return folder, train(place, folder, recipe="whole")


def test_a_run_ends_with_an_adapter_and_everything_about_it(
    place: Path, measured: tuple[Path, running.Result]
) -> None:
    folder, ended = measured
    assert ended.state == "done"
    assert ended.adapter is not None
    assert ended.adapter.base == "tiny"
    for name in ("config.toml", "environment.json", "data.json", "plan.json", "report.json", "README.md"):
        assert (folder / name).stat().st_size, name
    assert json.loads((folder / "status.json").read_text())["state"] == "done"
    held = [json.loads(line) for line in (folder / "held_out.jsonl").read_text().splitlines()]
    assert held
    assert all(case["task"] == "chat" and case["references"] for case in held)
    lines = [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "loss" in line] == [1, 2, 3, 4, 5, 6]
    assert [line["step"] for line in lines if "eval" in line] == [3, 6]
    compared = json.loads((folder / "report.json").read_text())["comparison"]
    assert compared["n"] == len(held)
    plan = json.loads((folder / "plan.json").read_text())
    assert plan["steps"] == 6
    assert 0 < plan["seconds"][0] < plan["seconds"][1]
    assert 0 < plan["peak_bytes"] < plan["available_bytes"]
    assert adapters.read(place / "whole" / "home" / "adapters" / "run").base == "tiny"


def killed(place: Path, folder: Path, recipe: str, step: int) -> None:
    """Begin a run from the command line, and kill it once the checkpoint of a step is there."""
    command = [sys.executable, "-m", "finetune", str(place / f"{recipe}.toml"), "--yes", "--set",
               f'output.folder="{folder}"', "--home", str(folder.parent / "home")]  # fmt: skip
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not (folder / "checkpoints" / f"step-{step:06d}" / COMPLETE).exists():
        assert child.poll() is None, child.stderr.read() if child.stderr else ""
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()


def test_killed_after_a_measurement_it_goes_on_to_the_same_weights(
    place: Path, measured: tuple[Path, running.Result]
) -> None:
    folder = place / "killed-later" / "run"
    killed(place, folder, "whole", 4)
    assert train(place, folder, recipe="whole", resume=True).state == "done"
    assert same(folder, measured[0])


def test_killed_in_the_middle_it_goes_on_to_the_same_weights(place: Path, finished: Path) -> None:
    folder = place / "killed" / "run"
    killed(place, folder, "plain", 2)
    assert not (folder / "adapter").exists()
    half = folder / "checkpoints" / "step-000099"
    half.mkdir()  # as a kill leaves it: no marker
    with pytest.raises(TrainingError, match="holds a run already; go on with --resume"):
        train(place, folder)
    assert train(place, folder, resume=True).state == "done"
    assert not half.exists()
    assert same(folder, finished)


def test_stopped_it_keeps_what_it_learnt_and_goes_on(place: Path, finished: Path) -> None:
    folder = place / "stopped" / "run"

    def stop(step: int, *_: object) -> None:
        if step == 3:
            (folder / "STOP").touch()

    ended = train(place, folder, show=stop)
    assert ended.state == "stopped"
    assert ended.adapter is not None
    status = json.loads((folder / "status.json").read_text())
    assert (status["state"], status["step"]) == ("stopped", 4)
    assert not same(folder, finished)
    assert train(place, folder, resume=True).state == "done"
    assert same(folder, finished)


def test_it_goes_on_from_an_adapter(place: Path, finished: Path) -> None:
    small = "training.learning_rate=1e-9", "training.max_steps=1"
    again = finished.parent / "again"
    assert train(place, again, "model.adapter='run'", *small).state == "done"
    assert same(finished, again), "16 bit weights do not move by so small a step"
    fresh = finished.parent / "fresh"
    assert train(place, fresh, *small).state == "done"
    assert not same(finished, fresh)
    with pytest.raises(AdapterError, match="it was not found"):
        train(place, finished.parent / "none", "model.adapter='nobody'")


def test_preferences_may_go_on_from_an_adapter(place: Path, finished: Path) -> None:
    folder = finished.parent / "preferred"
    changes = (
        "training.method=dpo",
        "training.max_steps=2",
        "data.train=['pairs.jsonl']",
        "model.adapter='run'",
    )
    ended = train(place, folder, *changes)
    assert ended.adapter is not None
    assert {path.name for path in Path(ended.adapter.path).iterdir() if path.is_dir()} == set()
    lines = [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()]
    first = next(line["loss"] for line in lines if "loss" in line)
    assert first == pytest.approx(0.6931, abs=1e-3), "the reference is the adapter that it began with"


def test_a_run_goes_on_only_with_what_it_began_with(place: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes((place / "rows.jsonl").read_bytes())
    folder, data = tmp_path / "run", f"data.train=['{rows}']"
    train(place, folder, data, show=lambda step, *_: (folder / "STOP").touch() if step == 2 else None)
    with pytest.raises(TrainingError, match=r"training\.learning_rate was 0\.001, is 0\.5"):
        train(place, folder, data, "training.learning_rate=0.5", resume=True)
    rows.write_text(rows.read_text(encoding="utf-8").replace("cats", "bats"), encoding="utf-8")
    with pytest.raises(TrainingError, match=r"rows\.jsonl has changed"):
        train(place, folder, data, resume=True)


def test_files_that_are_measured_on_are_not_learnt(place: Path, tmp_path: Path) -> None:
    rows = (place / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    (tmp_path / "test.jsonl").write_text("\n".join(rows[:3]), encoding="utf-8")
    ended = train(place, tmp_path / "run", f"data.test=['{tmp_path / 'test.jsonl'}']", "evaluation.cases=0",
                  plan_only=True)  # fmt: skip
    assert ended.state == "planned"
    data = json.loads((tmp_path / "run" / "data.json").read_text())
    assert (data["train"], data["held_out"]) == (len(rows) - 3, 3)
    assert len((tmp_path / "run" / "held_out.jsonl").read_text().splitlines()) == 3


def test_two_runs_in_one_folder_are_refused(place: Path, tmp_path: Path) -> None:
    with Folder(tmp_path / "run").held(), pytest.raises(TrainingError, match="in use by another run"):
        train(place, tmp_path / "run")


def test_two_processes_train_together_and_one_of_them_writes(place: Path) -> None:
    folder = place / "together" / "run"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
               "-m", "finetune", str(place / "whole.toml"), "--yes", "--home", str(folder.parent / "home")]  # fmt: skip
    alone = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "2 processes train together and must share a folder" in alone.stderr
    ended = subprocess.run(
        [*command, "--set", f'output.folder="{folder}"'], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    lines = [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "loss" in line] == [1, 2, 3, 4, 5, 6]
    assert [line["step"] for line in lines if "eval" in line] == [3, 6]
    assert json.loads((folder / "status.json").read_text())["state"] == "done"
    assert [path.name for path in Folder(folder).complete()] == ["step-000004", "step-000006"]
    assert adapters.read(folder.parent / "home" / "adapters" / "run").base == "tiny"


def test_a_gradient_that_is_no_number_stops_with_the_last_good_step(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from finetune.training import Trainer

    learn = Trainer.compute_loss

    def spoilt(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = learn(self, *args, **kwargs)
        return found * torch.nan if self.state.global_step == 3 else found

    monkeypatch.setattr(Trainer, "compute_loss", spoilt)
    with pytest.raises(
        TrainingError, match=r"gradient of step 4 is not a number; lower training\.learning_rate"
    ):
        train(place, tmp_path / "run")
    kept = Folder(tmp_path / "run").complete()
    assert kept[-1].name == "step-000003"
    assert all(bool(value.isfinite().all()) for value in load_file(kept[-1] / adapters.WEIGHTS).values())
    assert json.loads((tmp_path / "run" / "status.json").read_text())["state"] == "failed"


def test_a_full_disk_leaves_no_half_checkpoint(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    write = torch.save

    def full(value: Any, path: Any, *args: Any, **kwargs: Any) -> None:
        if "optimizer" in str(path):
            raise OSError(28, "No space left on device")
        write(value, path, *args, **kwargs)

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(TrainingError, match=r"No space left on device.*make room"):
        train(place, tmp_path / "run")
    assert list((tmp_path / "run" / "checkpoints").iterdir()) == []


def test_memory_that_is_not_there_is_found_before_the_first_step(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from finetune.training import Trainer

    def none_left(*_: Any, **__: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(Trainer, "compute_loss", none_left)
    with pytest.raises(TrainingError, match=r"does not fit into memory; lower training\.max_length"):
        train(place, tmp_path / "run")
    assert not (tmp_path / "run" / "progress.jsonl").exists()


def test_the_length_that_fits_into_memory_is_named(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from finetune.training import Trainer

    real = Trainer.compute_loss

    def small(self: Any, model: Any, inputs: Any, *more: Any, **named: Any) -> Any:
        if inputs["input_ids"].shape[1] > 100:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return real(self, model, inputs, *more, **named)

    monkeypatch.setattr(Trainer, "compute_loss", small)
    with pytest.raises(
        TrainingError, match=r"a sequence of (\d+) tokens .*max_length to (\d+), which fits"
    ) as said:
        train(place, tmp_path / "run", "training.tokens_per_batch=1200")
    longest, fitting = (int(number) for number in re.findall(r"\d+", str(said.value))[:2])
    assert 50 < fitting <= 100 < longest


def test_a_plan_alone_trains_nothing_and_the_run_may_follow(
    place: Path, finished: Path, tmp_path: Path
) -> None:
    assert train(place, tmp_path / "run", plan_only=True).state == "planned"
    assert not (tmp_path / "run" / "progress.jsonl").exists()
    assert train(place, tmp_path / "run").state == "done"
    assert same(tmp_path / "run", finished), "the plan left no trace in weights or random numbers"


def test_preferences_are_learnt(place: Path, tmp_path: Path) -> None:
    ended = train(
        place, tmp_path / "run", "training.method=dpo", "training.max_steps=4", "data.train=['pairs.jsonl']"
    )
    assert ended.state == "done"
    lines = [json.loads(line) for line in (tmp_path / "run" / "progress.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if "loss" in line]
    assert len(losses) == 4
    assert losses[0] == pytest.approx(0.6931, abs=1e-3), "the adapter begins as the base"
    assert losses[-1] < losses[0]


def test_held_out_pairs_are_measured_and_asked_of_base_and_adapter(place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    ended = train(
        place, folder, "training.method=dpo", "training.max_steps=4", "data.train=['pairs.jsonl']",
        "data.held_out=0.3", "evaluation.every=2", "training.learning_rate=5e-3",
    )  # fmt: skip
    assert ended.state == "done"
    lines = [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()]
    found = [line["eval"] for line in lines if "eval" in line]
    assert len(found) == 2
    assert found[-1]["loss"] < found[0]["loss"] < 0.6931, (
        "of pairs that were not learnt: better than as it began"
    )
    assert found[-1]["preferred"] == 1.0
    held = [json.loads(line) for line in (folder / "held_out.jsonl").read_text().splitlines()]
    assert held
    assert all(case["task"] == "chat" and case["references"] == ["alpha"] for case in held)
    told = json.loads((folder / "data.json").read_text())
    assert told["train"] + told["held_out"] == 8
    assert told["held_out"] == len(held)
    assert json.loads((folder / "report.json").read_text())["comparison"]["n"] == len(held)


def test_a_metric_that_the_held_out_cases_cannot_show_is_refused(place: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r'metric = "accuracy" cannot be measured.*take one of loss'):
        train(place, tmp_path / "run", "evaluation.metric=accuracy", recipe="whole")
    assert not (tmp_path / "run" / "plan.json").exists()


def test_a_tracked_run_is_logged_on_this_machine(place: Path, tmp_path: Path) -> None:
    sets = [f'output.folder="{tmp_path / "run"}"', "output.tracking=true", "training.max_steps=2"]
    command = [sys.executable, "-m", "finetune", str(place / "plain.toml"), "--yes", "--home", str(tmp_path / "home"),
               *(part for each in sets for part in ("--set", each))]  # fmt: skip
    environment = {**os.environ, "TRACKIO_DIR": str(tmp_path / "trackio"), "HF_HUB_OFFLINE": "1"}
    subprocess.run(command, env=environment, check=True, capture_output=True)
    with contextlib.closing(sqlite3.connect(tmp_path / "trackio" / "youju.db")) as logged:
        rows = [json.loads(row[0]) for row in logged.execute("SELECT metrics FROM metrics ORDER BY step")]
    assert len([row for row in rows if "train/loss" in row]) == 2


def test_preferences_without_pairs_are_refused(place: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match="no preference pairs"):
        train(place, tmp_path / "run", "training.method=dpo")


def test_faulty_data_stop_before_anything_is_spent(place: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text(
        '{"prompt": "One?", "completion": ""}\n{"prompt": "Two?", "completion": "alpha"}\n', encoding="utf-8"
    )
    with pytest.raises(TrainingDataError, match=r"bad\.jsonl, row 1"):
        train(place, tmp_path / "run", f"data.train=['{bad}']")
    assert not (tmp_path / "run" / "plan.json").exists()


def test_what_was_measured_before_a_kill_counts_once(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from finetune.watching import Measuring

    folder = Folder(tmp_path)
    model = SimpleNamespace(training=True, eval=lambda: None, train=lambda _: None,
                            save_pretrained=lambda part, **_: Path(part).mkdir())  # fmt: skip
    control = SimpleNamespace(should_training_stop=False)

    def session(*steps: int) -> None:
        watcher = Measuring(folder, lambda _: {"loss": 1.0}, "loss", every=2, patience=2)
        for step in steps:
            watcher.on_step_end(None, SimpleNamespace(global_step=step, max_steps=20), control, model)

    session(2, 4)
    session(4)  # killed after step 4, resumed from step 2
    assert not control.should_training_stop
    session(6)
    assert control.should_training_stop


def test_a_pair_of_a_held_out_source_is_not_learnt(place: Path, tmp_path: Path) -> None:
    from finetune import preparing
    from finetune.data import loading

    pairs = loading.load([str(place / "pairs.jsonl")]).preferences
    test = tmp_path / "test.jsonl"
    asked = {"prompt": pairs[0].prompt[0].text, "chosen": "alpha", "rejected": "gamma"}
    test.write_text(json.dumps(asked) + "\n", encoding="utf-8")
    read = config.read(
        place / "plain.toml", ["data.train=['pairs.jsonl']", f"data.test=['{test}']", "training.method=dpo"]
    )
    settings = settings_of.load(home=place / "h")
    renderer, _ = running._renderer(running.catalog.resolve(read.model.name), settings)
    kept = preparing.prepare(read, settings, renderer, lambda _: None).preferences
    assert [pair.rejected for pair in kept.held_out] == ["gamma"]
    assert [pair.id for pair in kept.train] == [pair.id for pair in pairs[1:]]


def test_the_plan_also_runs_the_sequence_with_the_most_to_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from finetune import planning

    rows = [{"name": name, "input_ids": [1] * size, "labels": [1] * learnt + [-100] * (size - learnt)}
            for name, size, learnt in (("long", 9, 1), ("longer", 10, 2), ("short", 5, 5), ("other", 6, 3))]  # fmt: skip
    ran: list[str] = []
    monkeypatch.setattr(planning, "_run", lambda _, rows: ran.append(rows[0]["name"]) or 1.0)
    model = SimpleNamespace(zero_grad=lambda set_to_none: None)
    planned = planning.plan(SimpleNamespace(train_dataset=rows, model=model), steps=3, per_step=2)
    assert ran == ["longer", "long", "short"]
    assert planned.tokens_per_step == 20


@pytest.mark.parametrize(
    ("seconds", "room", "chosen"),
    [
        ({1: 1.0, 2: 1.2, 4: 1.6, 8: 4.0}, 8, 4),
        ({1: 1.0, 2: 1.2, 4: 1.6, 8: 1.7}, 2, 2),
        ({1: 1.0, 2: 1.99, 4: 2.0, 8: 2.1}, 8, 1),
    ],
    ids=["no larger than what pays", "no larger than what fits", "alone where two take twice as long"],
)
def test_a_gpu_computes_as_many_sequences_at_once_as_fit_and_pay(
    monkeypatch: pytest.MonkeyPatch, seconds: dict[int, float], room: int, chosen: int
) -> None:
    from types import SimpleNamespace

    from finetune import planning

    def run(_: Any, rows: list[Any]) -> float:
        if len(rows) > room:
            raise torch.OutOfMemoryError
        return seconds[len(rows)]

    monkeypatch.setattr(planning, "_run", run)
    monkeypatch.setattr(planning, "_on_gpu", lambda: True)
    monkeypatch.setattr(planning, "_memory", lambda: (1, 100, "a GPU"))
    model = SimpleNamespace(zero_grad=lambda set_to_none: None)
    rows = [{"input_ids": [1] * 9, "labels": [1] * 9}] * 8
    planned = planning.plan(SimpleNamespace(train_dataset=rows, model=model), steps=10, per_step=8)
    assert planned.micro_batch == chosen
    assert planned.seconds_per_step[1] == pytest.approx(8 * seconds[chosen] / chosen * 1.4, abs=0.01)


def test_the_error_is_about_the_sequence_that_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from finetune import planning

    def run(_: Any, rows: list[Any]) -> float:
        if sum(label != -100 for label in rows[0]["labels"]) > 64:
            raise MemoryError
        return 1.0

    monkeypatch.setattr(planning, "_run", run)
    rows = [
        {"input_ids": [1] * size, "labels": [1] * learnt + [-100] * (size - learnt)}
        for size, learnt in ((400, 1), (300, 2), (200, 200))
    ]
    model = SimpleNamespace(zero_grad=lambda set_to_none: None)
    with pytest.raises(TrainingError, match="a sequence of 200 tokens does not fit"):
        planning.plan(SimpleNamespace(train_dataset=rows, model=model), steps=1, per_step=1)


def test_the_peak_is_the_most_that_was_held_not_what_is_held_now() -> None:
    import resource

    import numpy as np

    from finetune import planning

    before = planning._memory()[0]
    block = np.ones(40_000_000)  # 320 MB, touched
    del block
    assert planning._memory()[0] >= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1000
    assert planning._memory()[0] >= before
