"""``youju finetune check`` from outside: exit code, JSON, nothing written; and real rows."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import tiny
import typer
from typer.testing import CliRunner, Result

from assistant import config
from assistant.commands.options import opened
from assistant.rendering import Renderer
from assistant.retrieval.files import Files
from assistant.schema import Document
from finetune.checks import check as look
from finetune.checks import command, suites
from finetune.data.loading import load

HERE = Path(__file__).parent
CLEAN, EMAIL = HERE / "clean.jsonl", HERE / "faulty" / "email.jsonl"


@pytest.fixture
def renderer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Renderer:
    found = Renderer(tiny._tokenizer(tmp_path / "tokenizer"))
    monkeypatch.setattr(command, "renderer", lambda settings: found)
    return found


def run(*given: object) -> Result:
    app = typer.Typer()
    app.command()(command.check)
    return CliRunner().invoke(app, [str(each) for each in given])


def test_a_clean_file_ends_with_0_and_writes_nothing(renderer: Renderer, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    result = run(CLEAN)
    assert result.exit_code == 0, result.output
    assert "nothing stops the training" in result.output
    assert "⟦" in result.output
    assert sorted(tmp_path.rglob("*")) == before


def test_a_fault_ends_with_2_and_says_where(renderer: Renderer) -> None:
    result = run(EMAIL, CLEAN)
    assert result.exit_code == 2
    assert f"{EMAIL}, row 2, messages[1]: holds an e-mail address (m***@g***.com)" in result.output


def test_json_is_one_object_of_the_page_s_shape(renderer: Renderer) -> None:
    result = run(EMAIL, "--json", "--max-length", 500)
    assert result.exit_code == 2
    found = json.loads(result.stdout)
    assert found["faults"] == [
        {"file": str(EMAIL), "row": 2, "field": "messages[1]", "kind": "personal-email", "hard": True,
         "reason": found["faults"][0]["reason"]}
    ]  # fmt: skip
    assert found["counts"] == {
        "rows": 2, "examples": 2, "preferences": 0, "hard": 1, "soft": 0, "tasks": {"chat": 2}
    }  # fmt: skip
    assert found["languages"] == {"en": 2}
    assert found["lengths"]["limit"] == 500
    assert [text for text, learnt in found["sample"][0]["tokens"] if learnt][-1] == "<|im_end|>"


def test_without_the_model_lengths_are_left_out_and_said_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = run(CLEAN, "--models-dir", tmp_path)
    assert result.exit_code == 0, result.output
    assert "Lengths and masks are not checked" in result.output


def test_a_suite_that_is_not_there_is_named(renderer: Renderer, tmp_path: Path) -> None:
    result = run(CLEAN, "--suite", tmp_path / "none.jsonl")
    assert "none.jsonl" in str(result.exception)


def test_documents_of_the_index_are_compared(renderer: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    row = json.loads(CLEAN.read_text().splitlines()[-1])
    monkeypatch.setattr(suites, "documents", lambda settings: iter([f"Minutes. {row['text']}"]))
    result = run(CLEAN)
    assert result.exit_code == 0
    assert "row 24, text: shares 100% of its words with a document of yours" in result.output


@pytest.mark.data
def test_real_rows_raise_no_false_alarm(data_dir: Path) -> None:
    """Summaries, grounded rows and reviews by people: what is found among 3,000 of them was looked at by hand."""
    sources = [str(data_dir / name) for name in ("grounded", "summarize", "sentiment/zh.dev.jsonl")]
    report = look(
        load(sources, limit=3000), renderer=None, max_length=1024, suites=suites.built_in(), documents=()
    )
    kinds = Counter(fault.kind for fault in report.hard)
    assert report.counts["examples"] == 3000
    assert set(kinds) <= {"duplicate", "conflict", "personal-email", "personal-phone"}, kinds
    assert sum(kinds.values()) <= 6, report.hard


def test_the_documents_are_those_that_are_ready(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settings = config.load(home=str(home))
    assert list(suites.documents(settings)) == []
    assert not home.exists(), "looking must not make a home"
    with opened(settings) as runtime:
        user = runtime.workspace.store.users.local()
        place = runtime.workspace.store.collections.default(user).id
        files = Files(home / "files", home / "staging")
        for name in ("ready", "waiting"):
            record = runtime.workspace.store.documents.add(
                user, place, title=name, filename=f"{name}.txt", media_type="text/plain", sha256=name, size=1
            )
            files.write(Document(record.id, name, f"The text of {name}.", name, "text/plain"))
            if name == "ready":
                runtime.workspace.store.documents.set_state(user, record.id, "ready")
    assert list(suites.documents(settings)) == ["The text of ready."]
