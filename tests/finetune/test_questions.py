"""Our own questions, in each form that a reader is asked in."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from assistant import prompts
from assistant.evidence.attribution import coverage
from assistant.evidence.words import terms
from finetune import questions

ROWS = [
    json.loads(line)
    for name in ("en.jsonl", "zh.jsonl", "across.jsonl")
    for line in (questions.FOLDER / name).read_text(encoding="utf-8").splitlines()
]
ASKED = {
    "id": "one", "lang": "en", "question": "how long is it?", "source": "paper",
    "passages": [{"title": "Fence", "text": "The fence is 4 m long."}, {"title": "Gate", "text": "It is 2 m wide."}],
    "answer": "4 m. [1]", "wrong": ["2 m. [2]"],
}  # fmt: skip


def test_an_answerable_question_is_written_told_and_judged_both_ways() -> None:
    rows = list(questions.forms(ASKED, random.Random(1)))
    replies = {row.id: row.messages[-1].text for row in rows}
    assert replies == {"one": "4 m. [1]", "one-held": "yes", "one-right": "yes", "one-wrong": "no"}
    shown = rows[0].messages[1].text
    assert "[1] Fence\nThe fence is 4 m long.\n\n[2] Gate\n" in shown
    assert all(row.messages[1].text.startswith(shown) for row in rows[1:])  # computed once, read once


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_unanswerable_one_is_told_and_judged_and_no_refusal_is_written(language) -> None:
    asked = {**ASKED, "lang": language, "answer": None}
    replies = {row.id: row.messages[-1].text for row in questions.forms(asked, random.Random(0))}
    no = prompts.VERIFIED_REPLIES[language][1]
    assert replies == {"one-held": "no", "one-wrong": no}


def test_the_wrong_answer_about_a_passage_is_that_of_another_question() -> None:
    document = {"id": "d", "title": "T", "text": "4 m long, 2 m wide."}
    rows = [
        {"id": name, "lang": "en", "question": f"how {name}?", "documents": [document], "answers": [answer],
         "answerable": True}
        for name, answer in (("long", "4 m"), ("wide", "2 m"))
    ]  # fmt: skip
    made = list(questions.of_passages(rows, random.Random(3)))
    wrong = [row.messages[1].text for row in made if row.id.endswith("-wrong")]
    assert {row.task for row in made} == {"judge"}
    assert wrong
    assert all(("how long" in text) == ("Proposed answer: 2 m" in text) for text in wrong)


def test_a_statement_that_is_partly_so_is_not_so() -> None:
    labels = ("supported", "partly", "unsupported")
    rows = [{"id": n, "lang": "zh", "claim": "是。", "evidence": "是的。", "label": n} for n in labels]
    assert [row.messages[-1].text for row in questions.statements(rows)] == ["是", "否", "否"]


def test_own_questions_are_whole_and_balanced() -> None:
    made = list(questions.own(("en", "zh"), random.Random(0)))
    judged = Counter(row.messages[-1].text for row in made if row.task == "judge")
    yes, no = judged["yes"] + judged["是"], judged["no"] + judged["否"]
    assert 0.5 < yes / no < 2.0
    assert len({row.id for row in made}) == len(made)
    assert {row.task for row in made} == {"grounded", "judge", "rewrite"}


def test_shared_words_do_not_tell_our_own_claims_apart() -> None:
    """Half of each passage's claims are true, and words alone put a true one first little better than chance."""
    rows = [json.loads(line) for line in (questions.FOLDER / "claims.jsonl").read_text().splitlines()]
    labels = Counter((row["source"], row["lang"], row["label"] == "supported") for row in rows)
    assert set(labels.values()) == {5}
    overlap = [coverage(terms(row["claim"]), terms(row["evidence"]), {}) for row in rows]
    true, false = (
        [score for score, row in zip(overlap, rows, strict=True) if (row["label"] == "supported") is wanted]
        for wanted in (True, False)
    )
    first = sum((one > other) + (one == other) / 2 for one in true for other in false)
    assert 0.25 < first / (len(true) * len(false)) < 0.6


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_a_row_names_passages_that_it_has(row) -> None:
    marks = [
        int(text.split("]")[0]) for one in [row["answer"] or "", *row["wrong"]] for text in one.split("[")[1:]
    ]
    assert all(1 <= mark <= len(row["passages"]) for mark in marks)
    assert (row["answer"] is None) == (row["kind"] in ("nearmiss", "other")) or row["kind"] == "cross"
    assert row["answer"] not in row["wrong"]
