"""Faulty files are refused by file, row, field, value and way out; clean ones pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny

from assistant.rendering import Renderer
from finetune.checks import Report, check, suites
from finetune.data.loading import load

HERE = Path(__file__).parent
FAULTY = {  # file: row, field, kind, a value in the message, the way out
    "answer-and-refusal.jsonl": (
        2,
        "answerable",
        "conflict",
        "contradicts row 1",
        "keep the right one",
    ),
    "answer-cut-part.jsonl": (2, "messages[1]", "cut", "the limit is 1024", "raise max_length"),
    "answer-cut-whole.jsonl": (2, "messages[1]", "cut", "cut away whole", "shorten the row"),
    "broken-json.jsonl": (2, "line", "json", '{\\"messages\\"', "is no JSON"),
    "card.jsonl": (2, "messages[1]", "personal-card", "453***********66", "[card number]"),
    "conflicting-labels.tsv": (4, "label", "conflict", "negative", "keep the right one"),
    "control-token.jsonl": (2, "messages[1]", "control", "<|im_end|>", "remove it"),
    "duplicate.csv": (4, "text", "duplicate", "“The soup was cold", "leave one of them out"),
    "email.jsonl": (2, "messages[1]", "personal-email", "m***@g***.com", "[email]"),
    "empty-answer.jsonl": (2, "messages[1].content", "empty", "is empty", "leave the row out"),
    "ends-with-user.jsonl": (2, "messages", "role", "the user's", "end with the reply"),
    "gbk.jsonl": (1, "line", "encoding", "byte", "save the file as UTF-8"),
    "identity.jsonl": (2, "messages[0]", "personal-identity", "110*************2X", "leave the row out"),
    "late-system.jsonl": (2, "messages[1]", "role", "“Be short.”", "put a system message first"),
    "llama-token.jsonl": (2, "messages[0]", "control", "[INST]", "remove it"),
    "lost-characters.jsonl": (2, "messages[1]", "text", "the caf\ufffd is", "save the file again as UTF-8"),
    "missing-answer.csv": (3, "output", "empty", "", "write a text"),
    "nothing.jsonl": (0, "file", "empty", "holds no row", "write at least one example"),
    "number-answer.jsonl": (2, "completion", "type", "5", "must be a text"),
    "phone-en.jsonl": (2, "messages[0]", "personal-phone", "(41*********21", "[phone number]"),
    "phone.jsonl": (2, "messages[1]", "personal-phone", "138********78", "[phone number]"),
    "preference-same.jsonl": (1, "rejected", "label", "is the same as chosen", "nothing can be learnt"),
    "preference-turned.jsonl": (2, "chosen", "conflict", "“What?”", "keep one of them"),
    "suite-document.jsonl": (2, "messages[0]", "overlap-suite", "case grounded-en-", "leave the row out"),
    "suite-question.jsonl": (2, "messages[0]", "overlap-suite", "case grounded-en-", "leave the row out"),
    "suite-text.jsonl": (2, "text", "overlap-suite", "case sentiment-zh-", "leave the row out"),
    "two-users.jsonl": (2, "messages[1]", "role", "“今天开门吗？”", "take turns"),
    "unknown-columns.jsonl": (0, "file", "format", "antwort, frage", "known are"),
    "unknown-role.jsonl": (2, "messages[1].role", "role", '"bot"', "use system, user or assistant"),
    "wordless-answer.jsonl": (2, "messages[1]", "empty", "“...”", "write the reply"),
    "wrong-label.jsonl": (1, "label", "label", '"fine"', "use negative, neutral, positive"),
}


@pytest.fixture(scope="module")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    return Renderer(tiny._tokenizer(tmp_path_factory.mktemp("tokenizer")))


def checked(path: Path, renderer: Renderer | None = None, limit: int = 1024) -> Report:
    return check(
        load([str(path)]), renderer=renderer, max_length=limit, suites=suites.built_in(), documents=()
    )


def test_the_table_knows_every_file() -> None:
    assert {path.name for path in (HERE / "faulty").iterdir()} == set(FAULTY)


@pytest.mark.parametrize("name", sorted(FAULTY))
def test_a_faulty_file_is_refused(name: str, renderer: Renderer) -> None:
    row, field, kind, value, way_out = FAULTY[name]
    path = HERE / "faulty" / name
    [fault] = checked(path, renderer).hard
    assert (fault.origin.file, fault.origin.row) == (str(path), row)
    assert (fault.field, fault.kind) == (field, kind)
    assert value in fault.reason
    assert way_out in fault.reason


def test_a_clean_file_passes(renderer: Renderer) -> None:
    report = checked(HERE / "clean.jsonl", renderer)
    assert report.faults == ()
    assert report.counts["rows"] == report.counts["examples"] == sum(report.counts["tasks"].values()) == 24
    assert report.languages.keys() == {"en", "zh"}
    assert len(report.sample) == 3
    assert report.lengths["p50"] <= report.lengths["p95"] <= report.lengths["longest"] <= 1024


def test_masked_values_are_nowhere_in_the_report(renderer: Renderer, tmp_path: Path) -> None:
    """Not in the message of their own fault, and not where another fault quotes the row."""
    row = {
        "text": "请联系 maria.kessler1984@gmail.com 或 13812345678，证件 11010519491231002X。",
        "label": "neutral",
    }
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in (row, row, {**row, "label": "positive"})))
    found = json.dumps([fault["reason"] for fault in checked(path, renderer).json()["faults"]])
    assert "personal" not in found
    for secret in ("maria.kessler", "1381234", "19491231"):
        assert secret not in found


def test_the_mask_shows_what_is_learnt(renderer: Renderer, tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    said = [("user", "问"), ("assistant", "你好 alpha"), ("user", "b"), ("assistant", "退")]
    path.write_text(json.dumps({"messages": [{"role": r, "content": c} for r, c in said]}))
    [row] = checked(path, renderer).sample
    assert "".join(token.text for token in row.tokens if token.learnt) == "你好 alpha<|im_end|>退<|im_end|>"
    assert "".join(token.text for token in row.tokens).count("<|im_start|>") == 5
    assert "\ufffd" not in "".join(token.text for token in row.tokens)
