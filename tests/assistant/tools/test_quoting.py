"""Which words of a document stand as the answer."""

from __future__ import annotations

import pytest
from fakes import alike

from assistant.evidence import relevance
from assistant.evidence.relevance import Asked
from assistant.schema import Chunk, Citation, Hit
from assistant.tools import quoting


def quote(question: str, *passages: str) -> Citation:
    hits = [Hit(Chunk(f"d{n}", 0, len(text), text), f"T{n}", 1 / n) for n, text in enumerate(passages, 1)]
    found = quoting.best(Asked(question), hits, relevance.candidates(Asked(question), hits, alike))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("question", "passage", "quoted"),
    [
        (
            "How does a customer change the PIN?",
            "Cards\n\nCards are sent by post.\n\nPIN Change Steps\n\n1. Verify the customer.\n2. Open the card.\n\nFees\n\nNone.",
            "PIN Change Steps\n\n1. Verify the customer.\n2. Open the card.",
        ),
        (
            "How long are backups kept?",
            "3. Devices\nLaptops are encrypted.\n4. Backups\nBackups are kept for 35 days.\n5. Incidents\nReport them.",
            "4. Backups\nBackups are kept for 35 days.",
        ),
        (
            "How long does the battery last?",
            "How long does the battery last?\n\nIt lasts 14 months.\n\nCan I return it?\n\nYes.",
            "How long does the battery last?\n\nIt lasts 14 months.",
        ),
        (
            "What does the agent enter as the new code?",
            "Codes\n\nChange steps\n\n1. Verify the customer.\n2. Ask for a name.\n3. Enter the new code\n\nFees\n\nNone.",
            "Change steps\n\n1. Verify the customer.\n2. Ask for a name.\n3. Enter the new code",
        ),
        (
            "Is expedited shipping free?",
            "Gold:\n- 5 cards a year\n- Free expedited shipping\n\nBronze:\n- 2 cards a year",
            "Gold:\n- 5 cards a year\n- Free expedited shipping",
        ),
        (
            "What is the annual fee?",
            "Fees:\n- A card costs $5.\n- The annual fee is $200.\n- A letter costs $1.",
            "- The annual fee is $200.",
        ),
        (
            "How many users does the plan include?",
            "The plan includes users of all kinds.\n\nThe plan includes 5 users.",
            "The plan includes 5 users.",
        ),
        (
            "开立账户有什么条件？",
            "开立账户的条件：\n1. 年满 18 岁。\n2. 已通过验证。\n\n其他\n\n无。",
            "开立账户的条件：\n1. 年满 18 岁。\n2. 已通过验证。",
        ),
    ],
)
def test_a_quotation_is_whole_and_no_longer(question: str, passage: str, quoted: str) -> None:
    assert quote(question, passage).text == quoted


def test_the_second_passage_is_quoted_where_it_answers() -> None:
    found = quote("When are refunds paid?", "Salaries are paid monthly.", "Refunds are paid within 14 days.")
    assert (found.n, found.text) == (2, "Refunds are paid within 14 days.")


def test_a_heading_keeps_its_own_line_and_loses_its_marks() -> None:
    text = "## Fees\n\nA new card\ncosts $5."
    text, sentences = quoting.quote(Citation(1, "d", "T", 0, len(text), text), "en")
    assert text == "From the documents:\n\nFees\n\nA new card costs $5. [1]"
    assert all(text[sentence.start : sentence.end] == sentence.text for sentence in sentences)
