"""What is written in another shape is read again as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from assistant.errors import ConflictError, TrainingDataError
from assistant.schema import Message
from finetune.data.command import convert as command
from finetune.data.converting import SHAPES, convert
from finetune.data.loading import load

app = typer.Typer()
app.command()(command)
SUFFIXES = ("jsonl", "json", "csv", "tsv", "parquet")
ODD = '"quoted", with;\tcommas\r\nand lines \u2028 有据 👩‍👩‍👧 [1] \\n'
PLAIN = [("Why?", "Because."), ("为什么？", ODD), ("[1] [2]", "- a\n- b")]


def _file(tmp_path: Path, name: str, rows: list[Any]) -> str:
    path = tmp_path / name
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def _examples(path: str | Path) -> list[tuple[Any, ...]]:
    loaded = load([str(path)])
    assert loaded.faults == ()
    return [(each.id, each.messages, each.source, each.task, each.language) for each in loaded.examples]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "preference"])
def test_single_turns_survive_every_shape_and_file(tmp_path: Path, shape: Any, suffix: str) -> None:
    source = _file(tmp_path, "a.jsonl", [{"prompt": ask, "completion": reply} for ask, reply in PLAIN])
    done = convert(source, tmp_path / f"b.{suffix}", shape)
    assert (done.rows, done.left_out, done.warnings) == (3, 0, ())
    assert _examples(tmp_path / f"b.{suffix}") == _examples(source)
    assert load([str(tmp_path / f"b.{suffix}")]).files[0].format == shape


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "preference"])
def test_long_conversations_survive_every_shape_and_file(tmp_path: Path, shape: Any, suffix: str) -> None:
    said = [
        ("system", "Be brief."),
        ("user", " Hi\n"),
        ("assistant", "Ho"),
        ("user", "Why?"),
        ("assistant", "So. "),
    ]
    long = [{"role": role, "content": text} for role, text in said]
    source = _file(tmp_path, "a.jsonl", [{"messages": long, "source": "s"}, {"messages": long[1:3]}])
    convert(source, tmp_path / f"b.{suffix}", shape)
    assert _examples(tmp_path / f"b.{suffix}") == _examples(source)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "prompt", ["Why?", [{"role": "system", "content": "S"}, {"role": "user", "content": "Why?"}]]
)
def test_preferences_survive_every_file(tmp_path: Path, prompt: Any, suffix: str) -> None:
    row = {"prompt": prompt, "chosen": ODD.strip(), "rejected": "[No]", "id": "p", "source": "s"}
    source = _file(tmp_path, "a.jsonl", [row])
    convert(source, tmp_path / f"b.{suffix}", "preference")
    before, after = (load([str(path)]).preferences for path in (source, tmp_path / f"b.{suffix}"))
    assert [(p.id, p.prompt, p.chosen, p.rejected, p.source) for p in after] == [
        (p.id, p.prompt, p.chosen, p.rejected, p.source) for p in before
    ]


def test_a_suite_becomes_conversations(tmp_path: Path) -> None:
    row = {"id": "s", "task": "sentiment", "lang": "zh", "text": "很好", "label": "positive"}
    convert(_file(tmp_path, "a.jsonl", [row]), tmp_path / "b.jsonl", "messages")
    written = json.loads((tmp_path / "b.jsonl").read_text(encoding="utf-8"))
    assert written["messages"][0]["content"].endswith("很好")
    assert (written["id"], written["task"], written["lang"]) == ("s", "sentiment", "zh")


def test_a_table_opens_in_a_spreadsheet_with_its_chinese(tmp_path: Path) -> None:
    convert(
        _file(tmp_path, "a.jsonl", [{"prompt": "为何", "completion": "有据"}]), tmp_path / "b.csv", "alpaca"
    )
    assert (tmp_path / "b.csv").read_bytes().startswith(b"\xef\xbb\xbfid,instruction")


GOOD = {"prompt": "Why?", "completion": "Because."}
TWO = [
    {"role": "user", "content": "a"},
    {"role": "user", "content": "b"},
    {"role": "assistant", "content": "c"},
]


@pytest.mark.parametrize(
    ("rows", "target", "shape", "said"),
    [
        (
            [GOOD, {"prompt": 7, "completion": "x"}, {"prompt": "x"}],
            "b.jsonl",
            "messages",
            r"row 2, prompt: .*\(and 1 more\)",
        ),
        ([GOOD], "b.xlsx", "messages", r"\.xlsx are not written; use one of"),
        ([GOOD], "b", "messages", "unknown are not written"),
        ([GOOD], "b.jsonl", "preference", "only examples; convert it to messages"),
        ([{"prompt": "a", "chosen": "b", "rejected": "c"}], "b.jsonl", "alpaca", "only preferences; convert"),
        ([{"messages": TWO}], "b.jsonl", "alpaca", "row 1: alpaca holds questions and answers in turn"),
    ],
)
def test_what_cannot_be_converted_leaves_nothing_behind(
    tmp_path: Path, rows: list[Any], target: str, shape: Any, said: str
) -> None:
    source = _file(tmp_path, "a.jsonl", rows)
    with pytest.raises(TrainingDataError, match=said):
        convert(source, tmp_path / target, shape)
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    source = _file(tmp_path, "a.jsonl", [GOOD])
    before = Path(source).read_bytes()
    with pytest.raises(ConflictError, match="there already"):
        convert(source, source, "messages")
    assert Path(source).read_bytes() == before


def test_the_command(tmp_path: Path) -> None:
    source = _file(tmp_path, "a.jsonl", [GOOD, {"prompt": "a", "chosen": "b", "rejected": "c"}])
    target = tmp_path / "new" / "b.csv"
    done = CliRunner().invoke(app, [source, str(target), "--format", "sharegpt"])
    assert done.exit_code == 0, done.output
    assert f"{target}: 1 rows (sharegpt)" in done.stdout
    assert "1 rows of another kind were left out" in done.stderr
    assert [each.messages for each in load([str(target)]).examples] == [
        (Message("user", "Why?"), Message("assistant", "Because."))
    ]
    assert [path.name for path in target.parent.iterdir()] == ["b.csv"]
