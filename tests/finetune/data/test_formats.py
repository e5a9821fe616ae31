"""The shapes of rows: what each becomes, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assistant.schema import Message
from finetune.data.loading import load
from finetune.schema import Example, Preference

USER, REPLY = {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}
SAID = (Message("user", "Why?"), Message("assistant", "Because."))


def _read(
    tmp_path: Path, *given: dict[str, Any]
) -> tuple[list[Example | Preference], list[tuple[str, str]], str]:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, given)))
    loaded = load([str(path)])
    faults = [(fault.field, fault.kind) for fault in loaded.faults]
    return [*loaded.examples, *loaded.preferences], faults, loaded.files[0].format


@pytest.mark.parametrize(
    ("row", "shape", "said"),
    [
        ({"messages": [USER, REPLY]}, "messages", SAID),
        (
            {"messages": [{"role": "User ", "text": "Why?"}, {"role": "model", "text": "Because."}]},
            "messages",
            SAID,
        ),
        (
            {"messages": [{"role": "developer", "content": "Be brief."}, USER, REPLY]},
            "messages",
            (Message("system", "Be brief."), *SAID),
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "text", "text": "Wh"}, {"type": "text", "text": "y?"}],
                    },
                    REPLY,
                ]
            },
            "messages",
            SAID,
        ),
        ({"messages": [USER, REPLY], "prompt": "ignored", "task": "grounded"}, "messages", SAID),
        (
            {"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "Because."}]},
            "sharegpt",
            SAID,
        ),
        (
            {"conversation": [USER, REPLY], "system": "Be brief."},
            "sharegpt",
            (Message("system", "Be brief."), *SAID),
        ),
        ({"instruction": "Why?", "input": "", "output": "Because."}, "alpaca", SAID),
        ({"instruction": "Why?", "output": "Because."}, "alpaca", SAID),
        (
            {
                "instruction": "Why?",
                "input": "It rains.",
                "output": "Because.",
                "system": "S",
                "history": [["Hi", "Ho"]],
            },
            "alpaca",
            (
                Message("system", "S"),
                Message("user", "Hi"),
                Message("assistant", "Ho"),
                Message("user", "Why?\n\nIt rains."),
                Message("assistant", "Because."),
            ),
        ),
        ({"prompt": "Why?\n", "completion": " Because."}, "prompt-completion", SAID),
        ({"prompt": [USER], "completion": [REPLY]}, "prompt-completion", SAID),
        ({"prompt": "Why?", "response": "Because."}, "prompt-completion", SAID),
        ({"question": "Why?", "answer": "Because."}, "prompt-completion", SAID),
    ],
)
def test_a_conversation(tmp_path: Path, row: dict[str, Any], shape: str, said: tuple[Message, ...]) -> None:
    (example,), faults, recognized = _read(tmp_path, row)
    assert isinstance(example, Example)
    assert (example.messages, faults, recognized) == (said, [], shape)
    assert example.case is None


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Why?", "chosen": "Because.", "rejected": "No."},
        {"question": "Why?", "chosen": "Because.", "rejected": "No."},
        {"instruction": "Why?", "input": "", "chosen": "Because.", "rejected": "No."},
        {"prompt": [USER], "chosen": [REPLY], "rejected": [{**REPLY, "content": "No."}]},
        {"prompt": "anything", "chosen": [USER, REPLY], "rejected": [USER, {**REPLY, "content": "No."}]},
        {"chosen": [USER, REPLY], "rejected": [USER, {**REPLY, "content": "No."}]},
        {
            "conversations": [{"from": "human", "value": "Why?"}],
            "chosen": {"from": "gpt", "value": "Because."},
            "rejected": {"from": "gpt", "value": "No."},
        },
    ],
)
def test_a_preference(tmp_path: Path, row: dict[str, Any]) -> None:
    (found,), faults, recognized = _read(tmp_path, row)
    assert isinstance(found, Preference)
    assert (found.prompt, found.chosen, found.rejected) == (SAID[:1], "Because.", "No.")
    assert (faults, recognized) == ([], "preference")


def test_an_instruction_with_several_instances_is_a_row_each(tmp_path: Path) -> None:
    row = {
        "id": "t",
        "instruction": "Add.",
        "instances": [{"input": "1+1", "output": "2"}, {"input": "2+2", "output": "4"}],
    }
    found, faults, _ = _read(tmp_path, row)
    assert [(each.id, each.messages[-1].text) for each in found if isinstance(each, Example)] == [
        ("t", "2"),
        ("t-2", "4"),
    ]
    assert faults == []


@pytest.mark.parametrize(
    ("row", "field", "kind"),
    [
        ({"messages": []}, "messages", "empty"),
        ({"messages": "Why?"}, "messages", "type"),
        ({"messages": ["Why?"]}, "messages[0]", "type"),
        ({"messages": [USER]}, "messages", "role"),
        ({"messages": [USER, {"role": "tool", "content": "x"}, REPLY]}, "messages[1].role", "role"),
        ({"messages": [USER, {"content": "x"}]}, "messages[1].from", "role"),
        ({"messages": [USER, {"role": ["assistant"], "content": "x"}]}, "messages[1].role", "role"),
        ({"messages": [{"role": "user"}, REPLY]}, "messages[0].content", "missing"),
        ({"messages": [USER, {**REPLY, "content": {"a": 1}}]}, "messages[1].content", "type"),
        ({"messages": [USER, {**REPLY, "content": [{"type": "image_url"}]}]}, "messages[1].content", "type"),
        (
            {"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": 3}]},
            "conversations[1].value",
            "type",
        ),
        ({"instruction": "", "output": "x"}, "instruction", "empty"),
        ({"instruction": "Why?", "output": None}, "output", "missing"),
        ({"instruction": "Why?", "input": 3, "output": "x"}, "input", "type"),
        ({"instruction": "Why?", "output": "x", "history": ["Hi"]}, "history[0]", "type"),
        ({"instruction": "Why?", "output": "x", "history": 7}, "history", "type"),
        ({"instruction": "Why?", "instances": [{"input": "a"}]}, "instances[0].output", "missing"),
        ({"prompt": "Why?", "chosen": "Same.", "rejected": "Same."}, "rejected", "label"),
        ({"chosen": "Because.", "rejected": "No."}, "prompt", "missing"),
        ({"prompt": "Why?", "chosen": "Because.", "rejected": ""}, "rejected", "empty"),
        ({"prompt": [USER, REPLY], "chosen": "a", "rejected": "b"}, "prompt", "missing"),
        ({"chosen": [USER, REPLY], "rejected": [{**USER, "content": "Else?"}, REPLY]}, "chosen", "role"),
        ({"messages": [USER, REPLY], "id": "\0"}, "id", "text"),
        ({"messages": [USER, REPLY], "source": 7}, "source", "type"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, row: dict[str, Any], field: str, kind: str) -> None:
    found, faults, _ = _read(tmp_path, {"messages": [USER, REPLY]}, row)
    assert (len(found), faults) == (1, [(field, kind)])


def test_a_row_of_no_shape_is_read_as_its_file_s_and_says_what_is_missing(tmp_path: Path) -> None:
    found, faults, _ = _read(tmp_path, {"instruction": "Why?", "output": "x"}, {"instruction": "How?"})
    assert (len(found), faults) == (1, [("output", "missing")])


def test_an_unknown_shape_names_the_columns_seen_and_the_shapes_known(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"title": "a", "body": "b"}\n' * 50)
    loaded = load([str(tmp_path / "a.jsonl")])
    (fault,) = loaded.faults
    assert (fault.origin.row, fault.field, fault.kind, fault.hard) == (0, "file", "format", True)
    assert "body, title" in fault.reason
    assert all(name in fault.reason for name in ("messages", "sharegpt", "alpaca", "grounded", "preference"))
    assert (loaded.files[0].rows, loaded.files[0].format) == (0, "unknown")


@pytest.mark.parametrize(
    ("row", "language"),
    [
        ({"prompt": "Translate: good morning", "completion": "早上好"}, "zh"),
        ({"prompt": "翻译：早上好", "completion": "Good morning"}, "en"),
        ({"prompt": "a", "completion": "b", "lang": "zh-CN"}, "zh"),
        ({"prompt": "a", "completion": "早", "language": "EN_us"}, "en"),
    ],
)
def test_the_language_is_the_answer_s(tmp_path: Path, row: dict[str, Any], language: str) -> None:
    (example,), _, _ = _read(tmp_path, row)
    assert isinstance(example, Example)
    assert example.language == language


def test_one_question_is_one_source_whatever_its_spelling(tmp_path: Path) -> None:
    rows = ["How are  you?", "how are you？", "Who are you?"]
    found, _, _ = _read(tmp_path, *({"prompt": each, "completion": f"{n}"} for n, each in enumerate(rows)))
    sources = [each.source for each in found]
    assert sources[0] == sources[1] != sources[2]


def test_a_question_has_one_source_as_example_and_as_preference(tmp_path: Path) -> None:
    pair = {"prompt": "Why?", "chosen": "Because.", "rejected": "No."}
    found, _, _ = _read(tmp_path, {"messages": [USER, REPLY]}, pair)
    assert len({each.source for each in found}) == 1
