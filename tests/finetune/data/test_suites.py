"""Rows of suites: exactly what serving asks, and the answer that is wanted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assistant import prompts
from assistant.schema import Message
from finetune.data.loading import Loaded, load

RAIN, SNOW = "It rains from clouds.", "Snow fell on Monday."


def _load(tmp_path: Path, *given: dict[str, Any]) -> Loaded:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(each, ensure_ascii=False) for each in given))
    return load([str(path)])


def _grounded(**other: Any) -> dict[str, Any]:
    documents = [{"id": f"d{n}", "title": "t", "text": text} for n, text in enumerate((RAIN, SNOW))]
    given = {
        "id": "q",
        "task": "grounded",
        "lang": "en",
        "question": "When did it snow?",
        "documents": documents,
    }
    return {**given, "answers": ["monday", "on Monday"], "answerable": True, **other}


@pytest.mark.parametrize(
    ("other", "reply"),
    [
        ({}, "monday [2]"),
        ({"answers": ["Rain comes from clouds"]}, "Rain comes from clouds [1]"),
        ({"answers": [], "answerable": False}, "Not in the documents."),
        ({"answers": [], "answerable": False, "lang": "zh"}, "文档中没有提到。"),
    ],
)
def test_grounded(tmp_path: Path, other: dict[str, Any], reply: str) -> None:
    row = _grounded(**other)
    (example,) = _load(tmp_path, row).examples
    asked = prompts.grounded(row["question"], [RAIN, SNOW], row["lang"])
    assert example.messages == (*asked, Message("assistant", reply))
    assert (example.task, example.language, example.case) == ("grounded", row["lang"], row)


def test_sentiment_and_summary_ask_as_serving_does(tmp_path: Path) -> None:
    text = "The hall was cold.  Nobody came."
    felt = {"id": "s", "task": "sentiment", "lang": "en", "text": text, "label": "negative", "score": -2.5}
    short = {
        "id": "u",
        "task": "summarize",
        "lang": "zh",
        "text": text,
        "references": ["大厅很冷。", "没有人来。"],
    }
    said = [example.messages for example in _load(tmp_path, felt, short).examples]
    assert said[0] == (*prompts.sentiment(text), Message("assistant", prompts.SENTIMENT_REPLIES[0]))
    assert said[1] == (*prompts.summary(text, "sentence", "prose", "zh"), Message("assistant", "大厅很冷。"))


def test_a_summary_of_several_sentences_is_learnt_as_a_paragraph(tmp_path: Path) -> None:
    text = "The hall was cold.  Nobody came."
    row = {
        "id": "u",
        "task": "summarize",
        "lang": "en",
        "text": text,
        "references": ["It was cold. All stayed away."],
    }
    (example,) = _load(tmp_path, row).examples
    assert example.messages[:-1] == tuple(prompts.summary(text, "paragraph", "prose", "en"))


def test_a_table_of_texts_and_labels_needs_no_task(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n很好,positive\nbad,negative\nso,1\n", encoding="utf-8")
    loaded = load([str(tmp_path / "a.csv")])
    assert [(each.language, each.case and each.case["label"]) for each in loaded.examples] == [
        ("zh", "positive"),
        ("en", "negative"),
    ]
    assert [(fault.origin.row, fault.field) for fault in loaded.faults] == [(4, "label")]


def test_a_chat_case_ends_with_its_reference(tmp_path: Path) -> None:
    row = {
        "id": "c",
        "task": "chat",
        "messages": [{"role": "user", "content": "Hi"}],
        "references": ["Hello."],
    }
    (example,) = _load(tmp_path, row).examples
    assert example.messages == (Message("user", "Hi"), Message("assistant", "Hello."))


def test_a_suite_s_first_line_gives_its_licence_and_is_no_row(tmp_path: Path) -> None:
    loaded = _load(tmp_path, {"suite": "mine", "version": 2, "licence": "CC0-1.0"}, _grounded())
    assert (len(loaded.examples), loaded.faults, loaded.files[0].licence) == (1, (), "CC0-1.0")


@pytest.mark.parametrize(
    ("other", "field", "kind"),
    [
        ({"question": ""}, "question", "empty"),
        ({"documents": []}, "documents", "empty"),
        ({"documents": ["a text"]}, "documents[0]", "type"),
        ({"documents": [{"id": "d"}]}, "documents[0].text", "missing"),
        ({"answers": []}, "answers", "empty"),
        ({"answers": "Monday"}, "answers", "type"),
        ({"answers": [None]}, "answers[0]", "missing"),
        ({"answerable": False}, "answers", "label"),
        ({"answerable": "yes"}, "answerable", "type"),
        ({"lang": "fr"}, "lang", "language"),
    ],
)
def test_a_wrong_case_is_named(tmp_path: Path, other: dict[str, Any], field: str, kind: str) -> None:
    loaded = _load(tmp_path, _grounded(), _grounded(**other))
    assert len(loaded.examples) == 1
    assert [(fault.field, fault.kind, fault.hard) for fault in loaded.faults] == [(field, kind, True)]


def test_an_answer_that_no_document_holds_would_teach_a_false_citation(tmp_path: Path) -> None:
    loaded = _load(tmp_path, _grounded(), _grounded(answers=["Nobody knows"]))
    assert len(loaded.examples) == 1
    assert [(fault.origin.row, fault.kind, fault.hard) for fault in loaded.faults] == [(2, "uncited", False)]


def test_rows_linked_by_documents_have_one_source(tmp_path: Path) -> None:
    texts = {name: f"The {name} stood on a hill." for name in "abcde"}
    rows = [
        _grounded(
            id=f"q{n}",
            answers=["a hill"],
            documents=[{"id": name, "title": "", "text": texts[name]} for name in names],
        )
        for n, names in enumerate(["ab", "c", "bc", "d", "D", "e"])
        if names != "D"
    ]
    sources = [example.source for example in _load(tmp_path, *rows).examples]
    assert sources[0] == sources[1] == sources[2]
    assert len(set(sources)) == 3


def test_a_row_s_own_source_stands(tmp_path: Path) -> None:
    rows = [_grounded(id="a", source="article 1"), _grounded(id="b", source="article 2")]
    assert [example.source for example in _load(tmp_path, *rows).examples] == ["article 1", "article 2"]
