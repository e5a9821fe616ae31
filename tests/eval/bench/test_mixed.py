"""The tables of the benchmark, and how a question counts as found."""

from __future__ import annotations

import pytest

from assistant.retrieval import documents
from assistant.retrieval.chunking import split
from assistant.schema import Chunk, Hit
from eval.bench import mixed


def test_every_question_about_a_table_has_a_row_that_answers_it() -> None:
    passages = {
        key: [
            Hit(chunk, key, 1.0)
            for document in documents.read(path.name, path)
            for chunk in split(document, lambda text: len(text) // 3, 256)
        ]
        for key, path in mixed.tables()
    }
    questions = list(mixed.table_questions())
    assert {question.document for question in questions} == set(passages)
    for question in questions:
        found = [hit for hit in passages[question.document] if question.found(hit, {question.document})]
        assert 1 <= len(found) <= 2, question.text


@pytest.mark.parametrize(
    ("evidence", "whole", "documents", "found"),
    [
        (("H-704", "18.00"), True, {"d"}, True),
        (("H-704", "19.00"), True, {"d"}, False),
        (("18.00", "19.00"), False, {"d"}, True),
        ((), False, {"d", "copy of d"}, True),
        ((), False, {"e"}, False),
    ],
)
def test_found_is_the_document_and_its_evidence(
    evidence: tuple[str, ...], whole: bool, documents: set[str], found: bool
) -> None:
    question = mixed.Question("set", "what?", "d", "held", False, evidence=evidence, whole=whole)
    assert question.found(Hit(Chunk("x", 0, 20, "no: H-704\nday: 18.00"), "t", 1.0), documents) is found


def test_a_document_stays_in_its_part() -> None:
    parts = [mixed.part(f"xquad/{number}") for number in range(200)]
    assert set(parts) == set(mixed.PARTS)
    assert parts == [mixed.part(f"xquad/{number}") for number in range(200)]
