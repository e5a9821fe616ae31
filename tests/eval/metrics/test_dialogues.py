"""Turns of conversations: answered or declined rightly, and how near a person's answer."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.schema import Estimate, Message
from eval.metrics import evaluating
from eval.schema import DialogueCase, Prediction, Suite, Undefined

RIGHT = "The bridge was built in 1903."


def case(n: int, answerability: Any, **fields: Any) -> DialogueCase:
    return DialogueCase(f"d{n}", "en", f"When {n}?", RIGHT, answerability, **fields)


def measured(*pairs: tuple[DialogueCase, Prediction]) -> dict[str, Any]:
    cases = tuple(each for each, _ in pairs)
    return evaluating.measure(Suite("s", 1, "", cases, (), ""), cases, [found for _, found in pairs]).metrics


def said(case: DialogueCase, text: str, **fields: Any) -> Prediction:
    return Prediction(case.id, "dialogue", text, **fields)


def test_what_a_person_answers_is_compared_and_what_is_unanswerable_is_declined() -> None:
    answered, declined = case(0, "answerable", collection="a"), case(1, "answerable", collection="b")
    failed, partial = case(2, "answerable", collection="a"), case(3, "partial", collection="b")
    silent, made_up = case(4, "unanswerable", collection="a"), case(5, "unanswerable", collection="b")
    asked_back = case(6, "underspecified", collection="b")
    found = measured(
        (answered, said(answered, f"{RIGHT} [1]")),
        (declined, said(declined, "Not there.", declined=True)),
        (failed, said(failed, "", error="gone")),
        (partial, said(partial, "Unlike zebras.")),
        (silent, said(silent, "Not there.", declined=True)),
        (made_up, said(made_up, "In 1900.")),
        (asked_back, said(asked_back, "Which bridge?")),
    )
    means = {name: value.mean for name, value in found.items() if isinstance(value, Estimate)}
    assert means["refusal_right"] == pytest.approx(2 / 5)
    assert means["declined"] == pytest.approx(2 / 7)
    assert means["declined[answerability=unanswerable]"] == 0.5
    assert means["answer_f1"] == pytest.approx(1 / 4)
    assert 0.25 <= means["answer_chrf"] < 0.3
    assert means["answer_f1[collection=a]"] == 0.5
    assert found["answer_f1"].n == 4


def test_without_an_answer_there_is_nothing_to_compare() -> None:
    silent = [case(n, "unanswerable") for n in range(3)]
    found = measured(*((each, said(each, "", declined=True)) for each in silent))
    assert isinstance(found["answer_f1"], Undefined)
    assert found["refusal_right"].mean == 1.0


def test_turns_of_one_conversation_are_drawn_together() -> None:
    opening = case(0, "answerable")
    later = DialogueCase("d9", "en", "And then?", "x", "partial", (Message("user", opening.question),))
    assert len(set(evaluating.clusters_of([opening, later, case(1, "answerable")]))) == 2
