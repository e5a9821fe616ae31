"""A row of a table is found and shown as a row."""

import pytest

from assistant.retrieval import tables
from assistant.retrieval.chunking import split
from assistant.schema import Chunk, Document, Hit, Mark

MARKDOWN = "| Plan | Price |\n|---|---|\n| Basic | 12 EUR |\n| Team | 39 EUR |\n| Scale | 119 EUR |"
RECORDS = "no: H-704\nitem: Mixer\n\nno: H-705\nitem: Saw\n\nno: H-706\nitem: Drill"
NAMES = "| Plan | Price |"


def cut(text: str, *marks: Mark, size: int = 40) -> list[tuple[str, str]]:
    chunks = split(Document("d", "t", text, "", "text/plain", marks), lambda part: len(part.split()), size)
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    return [(chunk.text, chunk.header) for chunk in chunks]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (MARKDOWN, [("| Basic | 12 EUR |", ""), ("| Team | 39 EUR |", NAMES), ("| Scale | 119 EUR |", NAMES)]),
        ("Day | Open\nMonday | 9\nSunday | no", [("Monday | 9", ""), ("Sunday | no", "Day | Open")]),
        ("H-1 | 12\nH-2 | 13\nH-3 | 14", [("H-1 | 12", ""), ("H-2 | 13", ""), ("H-3 | 14", "")]),
        ("| a | b |\n|---+---|\n| x | 1 |\n|   | 2 |\n|---+---|\n| y | 3 |", [("|   | 2 |\n|---+---|", ""), ("| y | 3 |", "| a | b |")]),
        (RECORDS, [(row, "") for row in RECORDS.split("\n\n")]),
    ],
    ids=["markdown", "html or word", "no names of columns", "a row of two lines", "csv or excel"],
)  # fmt: skip
def test_rows_are_known_by_their_form(text: str, found: list[tuple[str, str]]) -> None:
    rows = list(tables.rows(text))
    assert [row.header for row in rows] == [header for _, header in found]
    assert all(text[row.start : row.end].endswith(end) for row, (end, _) in zip(rows, found, strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "Note: be early.\n\nWarning: be late.\n\nTip: be there.",
        "Run cat a | grep b.\n\nThen go on.",
        "- one\n- two\n- three",
        "First: one\nSecond: two\n\nAnd then prose follows.",
        "",
    ],
    ids=["remarks", "a pipe", "a list", "one record", "nothing"],
)
def test_what_is_no_table_is_left_alone(text: str) -> None:
    assert list(tables.rows(text)) == []


def test_a_row_is_a_chunk_and_knows_its_columns() -> None:
    text = f"Plans\n\n{MARKDOWN}\n\nAnnual payment gives two months free."
    head = "Plans\n\n| Plan | Price |\n|---|---|\n| Basic | 12 EUR |"
    assert cut(text, Mark(0, "heading", "Plans")) == [
        (head, ""),
        ("| Team | 39 EUR |", NAMES),
        ("| Scale | 119 EUR |", NAMES),
        ("Annual payment gives two months free.", ""),
    ]


def test_several_headings_over_a_table_go_with_its_first_row() -> None:
    text = f"Shops\n\nPlans\n\n{MARKDOWN}"
    first, *_ = cut(text, Mark(0, "heading", "Shops"), Mark(7, "heading", "Plans"))
    assert first[0].startswith("Shops\n\nPlans\n\n| Plan")


def test_every_part_of_a_long_row_knows_whose_row_it_is() -> None:
    people = ["\n".join([f"name: {who}", *(f"field {n}: {who}{n}" for n in range(9))]) for who in "abc"]
    for text, header in cut("\n\n".join(people), size=12):
        who = {line.split(": ")[1][0] for line in text.split("\n")}
        assert len(who) == 1
        assert f"name: {who.pop()}" in f"{header}\n{text}"


@pytest.mark.parametrize(
    ("context", "passage"),
    [
        ("", f"{NAMES}\n| Team | 39 EUR |"),
        ("| Team | 39 EUR |\n| Scale | 119 EUR |", f"{NAMES}\n| Team | 39 EUR |\n| Scale | 119 EUR |"),
        (MARKDOWN, MARKDOWN),
    ],
)
def test_a_model_reads_a_row_under_the_names_of_its_columns(context: str, passage: str) -> None:
    chunk = Chunk("d", 0, 17, "| Team | 39 EUR |", header=NAMES)
    assert Hit(chunk, "t", 1.0, context=context).passage == passage


RULED = "Codes\n\n| Code | Cause | Cure |\n|---|---|---|\n| E-1 | no net | wait |\n| E-2 | | restart |\n\nCall us."


@pytest.mark.parametrize(
    ("text", "header", "spelled"),
    [
        (RULED, "", "Codes\n\nCode: E-1; Cause: no net; Cure: wait\nCode: E-2; Cure: restart\n\nCall us."),
        ("| E-2 | | restart |", "| Code | Cause | Cure |", "Code: E-2; Cure: restart"),
        ("| Code | Cure |\n| E-2 | restart |", "| Code | Cure |", "Code: E-2; Cure: restart"),
        ("| | Basic | Team |\n|---|---|---|\n| Price | 9 | 29 |", "", "Price; Basic: 9; Team: 29"),
        ("套餐 | 价格\n--- | ---\n基础 | 9元", "", "套餐: 基础; 价格: 9元"),
        ("| E-2 | a cell too many | restart |", "| Code | Cure |", "| E-2 | a cell too many | restart |"),
        ("No table.\n---\nOr is it | one?", "", "No table.\n---\nOr is it | one?"),
        ("Name: Ada\nAge: 36", "", "Name: Ada\nAge: 36"),
    ],
)
def test_rows_are_spelled_out_with_the_names_of_their_columns(text: str, header: str, spelled: str) -> None:
    assert tables.spelled_out(text, header) == spelled
