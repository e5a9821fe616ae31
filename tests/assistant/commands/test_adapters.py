"""`youju adapters` but for the gate: listed, shown, deleted, exported, refused."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

import pytest

from assistant.commands.app import run
from assistant.models import adapters, live
from assistant.schema import AdapterRef

BASE = "smollm2-135m"
_HEADER = b'{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
WHOLE = struct.pack("<Q", len(_HEADER)) + _HEADER + bytes(4)
"""A safetensors file of one number."""


def make(folder: Path, base: str = BASE, weights: bytes = WHOLE) -> AdapterRef:
    folder.mkdir(parents=True)
    (folder / adapters.WEIGHTS).write_bytes(weights)
    config = {"peft_type": "LORA", "base_model_name_or_path": base, "r": 16, "target_modules": ["q_proj"]}
    (folder / adapters.CONFIG).write_text(json.dumps(config))
    (folder / "README.md").write_text("# A card")
    return adapters.read(folder)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(adapters, "SHIPPED", tmp_path / "package")
    home = tmp_path / "home"
    make(tmp_path / "package" / "ours")
    make(home / "adapters" / "mine")
    make(home / "adapters" / "other", base="qwen3-4b")
    make(home / "adapters" / "cut", weights=b"\xff")
    return home


def listed(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, dict[str, object]]:
    assert run(["adapters", "list", "--json", *more]) == 0
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)["adapters"]}


def test_the_list_tells_shipped_live_and_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = listed(capsys)
    assert {name: row["state"] for name, row in rows.items()} == {
        "cut": ["yours"], "mine": ["yours"], "other": ["yours"], "ours": ["shipped", "live"],
    }  # fmt: skip
    assert [name for name, row in rows.items() if row["answers"]] == ["ours"]
    assert "adapter_model.safetensors" in str(rows["cut"]["refused"])
    live.promote(home, adapters.find(home, "mine"), ())
    rows = listed(capsys)
    assert [name for name, row in rows.items() if row["answers"]] == ["mine"]
    assert [name for name, row in listed(capsys, "--adapter", "none").items() if row["answers"]] == []
    assert [name for name, row in listed(capsys, "--adapter", "ours").items() if row["answers"]] == ["ours"]
    assert run(["adapters", "list"]) == 0
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("* mine")]


def test_an_empty_list_says_how_to_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(adapters, "SHIPPED", tmp_path / "nothing")
    assert run(["adapters", "list"]) == 0
    assert "youju finetune" in capsys.readouterr().err


def test_show_tells_how_it_was_trained_and_what_became_of_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ref = adapters.find(home, "mine")
    (Path(ref.path) / "run.json").write_text('{"run": "/runs/7"}')
    live.promote(home, ref, (), forced="a demonstration")
    live.rollback(home, BASE)
    assert run(["adapters", "show", "mine", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["r"], shown["target_modules"], shown["run"], shown["sha256"]) == (
        16,
        ["q_proj"],
        "/runs/7",
        ref.sha256,
    )
    assert [event["do"] for event in shown["history"]] == ["promote", "rollback"]
    assert run(["adapters", "show", "mine"]) == 0
    said = capsys.readouterr().out
    assert "forced: a demonstration" in said
    assert ["answers", "no"] in [line.split() for line in said.splitlines()]
    assert "refused" not in said
    assert run(["adapters", "rollback"]) == 2
    assert "no promoted adapter of this base is live" in capsys.readouterr().err


def test_delete_keeps_what_answers_and_what_a_rollback_brings_back(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("first", "second", "third"):
        live.promote(home, make(home / "adapters" / name), live.stack(home, BASE))
    for name, words in (
        ("third", "is live, or a rollback brings it back"),
        ("second", "is live, or a rollback brings it back"),
        ("ours", "comes with Youju"),
        ("absent", "it was not found"),
        ("../home", "it was not found"),
    ):
        assert run(["adapters", "delete", name, "--yes"]) == 2
        assert words in capsys.readouterr().err
    for name in ("first", "mine", "cut"):  # a broken one too
        assert run(["adapters", "delete", name, "--yes"]) == 0
    left = {path.name for path in (home / "adapters").iterdir() if path.is_dir()}
    assert left == {"second", "third", "other"}


def test_delete_asks_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert run(["adapters", "delete", "mine"]) == 1
    assert (home / "adapters" / "mine" / adapters.WEIGHTS).is_file()


def test_an_export_brings_all_files_back(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["adapters", "export", "mine", str(tmp_path)]) == 0
    path = tmp_path / "mine.zip"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "other" / "adapters")
    there = adapters.find(tmp_path / "other", "mine")
    assert there.sha256 == adapters.find(home, "mine").sha256
    assert (Path(there.path) / "README.md").read_text() == "# A card"
    before = path.read_bytes()
    for target, words in ((path, "it is there already"), (tmp_path / "x.tar", "ends in .zip")):
        assert run(["adapters", "export", "mine", str(target)]) == 2
        assert words in capsys.readouterr().err
    assert run(["adapters", "export", "cut", str(tmp_path)]) == 2
    assert "adapter_model.safetensors" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_who_set_an_adapter_by_name_is_told_that_a_rollback_changes_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live.promote(home, adapters.find(home, "mine"), ())
    assert run(["adapters", "rollback", "--adapter", "mine"]) == 0
    assert "the setting adapter = 'mine' decides here" in capsys.readouterr().err
