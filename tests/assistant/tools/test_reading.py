"""Which paragraphs are read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import FakeGenerator, alike
from hypothesis import example, given
from hypothesis import strategies as st

from assistant.evidence.relevance import Asked
from assistant.schema import Chunk, Hit
from assistant.tools import reading

count = FakeGenerator("").count_text
PIECES = st.sampled_from(
    [
        "# Fees", "Fees", "费用", "A card costs $5. ", "Cards are sent by post within three days. ", "年卡最多可以停15天。",
        "- 5 users", "1. Open the card.", "| Plan | Price |", "Open: Monday", "x" * 90, "字" * 70,
        " ", "\n", "\n\n", "\n \t\n", "\u3000", "\x1c", ".", "。", "",
    ]
)  # fmt: skip


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in reading.paragraphs(text)]


@given(
    st.one_of(
        st.text(alphabet="ab #.。-|:：\n\t 字", max_size=300), st.lists(PIECES, max_size=40).map("".join)
    )
)
@example("Fees\n\n\n")
@example("# A\n\n# B\n\n ")
@example(" \n\n \n")
def test_spans_never_overlap_and_hold_every_character_that_is_not_blank(text: str) -> None:
    spans = reading.paragraphs(text)
    at = 0
    for start, end in spans:
        assert at <= start < end <= len(text)
        assert not text[at:start].strip()
        assert text[start:end] == text[start:end].strip()
        at = end
    assert not text[at:].strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One.\n\nTwo.", ["One.", "Two."]),
        ("Wrapped\nlines of one paragraph.\n \nTwo.", ["Wrapped\nlines of one paragraph.", "Two."]),
        ("# Fees\n\nA card costs $5.\n\nNone.", ["# Fees\n\nA card costs $5.", "None."]),
        ("Fees\n\nA card costs $5.", ["Fees\n\nA card costs $5."]),
        ("费用\n\n年卡40元。", ["费用\n\n年卡40元。"]),
        ("Rules\n\nFees\n\nA card costs $5.", ["Rules\n\nFees\n\nA card costs $5."]),
        ("A card costs $5.\n\nFees", ["A card costs $5.", "Fees"]),
        ("- A card\n\n- A letter", ["- A card", "- A letter"]),
        ("| Gold | $30 |\n\n| Silver | $20 |", ["| Gold | $30 |", "| Silver | $20 |"]),
        ("Plan: Gold; price: $30\n\nPlan: Silver; price: $20", ["Plan: Gold; price: $30", "Plan: Silver; price: $20"]),
        ("Fees\n\n1. A card\n2. A letter", ["Fees\n\n1. A card\n2. A letter"]),
    ],
)  # fmt: skip
def test_a_heading_goes_with_its_paragraph_and_a_row_stands_alone(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


@pytest.mark.parametrize(
    ("sentence", "times", "most"),
    [("A card of this kind costs five pounds. ", 40, 481), ("这种会员卡每年收费四十元。", 60, 193)],
)
def test_a_long_paragraph_is_cut_between_sentences(sentence: str, times: int, most: int) -> None:
    found = cut("Fees\n\n" + sentence * times)
    assert len(found) > 2
    assert found[0].startswith("Fees\n\n" + sentence.strip())
    assert all(len(piece) <= most for piece in found)
    assert all(piece.endswith(sentence.strip()) for piece in found)


def test_a_long_table_is_cut_between_rows() -> None:
    rows = [f"| Row {n} | {'cell ' * 10}|" for n in range(30)]
    found = cut("\n".join(rows))
    assert len(found) > 2
    assert [row for piece in found for row in piece.split("\n")] == rows


TEXT = "".join(
    [
        "Hours\n\nThe shop is open all year.\n\n",
        "Refunds\n\nRefunds are paid within 14 days.\n\n",
        "Late refunds are paid within 30 days.\n\n",
        "Cards\n\nBananas are yellow.\n\n",
        "Gold\n\nThe Gold plan costs $30.",
    ]
)


def hit(text: str, n: int = 1, at: int = 0) -> Hit:
    """A hit whose text begins at ``at`` of its document."""
    return Hit(Chunk(f"d{n}", at, at + len(text), text), f"Title {n}", 1 / n)


def choose(question: str, *hits: Hit, **options: int) -> reading.Reading:
    return reading.choose(Asked(question), hits, alike, count, **options)


@pytest.mark.parametrize("at", [0, 40])
def test_what_is_read_is_the_documents_own_text(at: int) -> None:
    document = "x" * at + TEXT
    found = choose("When are refunds paid?", hit(TEXT, at=at))
    assert found.passages
    for passage in found.passages:
        start = passage.context_start
        assert document[start : start + len(passage.context)] == passage.context
        assert passage.chunk == hit(TEXT, at=at).chunk, "the hit itself is the search's"


def test_a_passage_of_the_context_around_a_hit_keeps_its_place() -> None:
    inner = TEXT.index("Refunds are")
    chunk = Chunk("d1", inner, inner + 10, TEXT[inner : inner + 10])
    shown = TEXT[6:]
    found = choose("When are refunds paid?", replace(hit(TEXT), chunk=chunk, context=shown, context_start=6))
    for passage in found.passages:
        assert TEXT[passage.context_start :].startswith(passage.context)
    assert "Refunds are paid within 14 days." in found.passages[0].context


def test_neighbours_are_one_passage() -> None:
    first, *rest = choose("When are refunds and late refunds paid?", hit(TEXT), most=2).passages
    assert first.context == (
        "Refunds\n\nRefunds are paid within 14 days.\n\nLate refunds are paid within 30 days."
    )
    assert rest == []


def test_a_paragraph_between_two_joins_them() -> None:
    text = "Refunds are paid in 14 days to cards.\n\nThe cards.\n\nRefunds are paid in 30 days to cards."
    (found,) = choose("When are refunds paid to cards?", hit(text)).passages
    assert found.context == text


def test_paragraphs_of_two_documents_are_never_joined() -> None:
    found = choose("When are refunds paid?", hit("Refunds are paid.", 1), hit("Refunds are paid late.", 2))
    assert [passage.chunk.document_id for passage in found.passages] == ["d1", "d2"]


def test_a_paragraph_that_two_hits_hold_is_read_once() -> None:
    one = hit(TEXT)
    other = replace(one, chunk=Chunk("d1", 0, 10, TEXT[:10]), context=TEXT, context_start=0)
    found = choose("When are refunds paid?", one, other)
    assert " ".join(passage.context for passage in found.passages).count("within 14 days") == 1


def test_the_best_paragraph_comes_first_from_whatever_hit() -> None:
    found = choose("When are refunds paid?", hit("Bananas are yellow."), hit(TEXT, 2))
    assert found.passages[0].chunk.document_id == "d2"
    assert found.best is not None
    assert found.best.text == "Refunds\n\nRefunds are paid within 14 days."
    assert found.lead == found.best.lead > 0.1


@pytest.mark.parametrize("most", [1, 2, 3])
def test_no_more_paragraphs_are_read_than_allowed(most: int) -> None:
    hits = [hit(f"Refunds of kind {n} are paid.", n) for n in range(1, 7)]
    assert len(choose("When are refunds paid?", *hits, most=most).passages) == most


def test_paragraphs_over_the_budget_are_left_out_and_a_shorter_one_still_fits() -> None:
    hits = [
        hit("Refunds are paid soon. " + "word " * 60, 1),
        hit("Refunds are paid. " + "字" * 180, 2),
        hit("Refunds are rare. " + "字" * 170, 3),
        hit("Paid leave is short.", 4),
    ]
    passages = choose("When are refunds paid?", *hits).passages
    assert sum(count(passage.context) for passage in passages) <= reading.BUDGET
    assert "Paid leave is short." in [passage.context for passage in passages]
    assert len(passages) == 3


def test_one_paragraph_is_read_however_long_it_is() -> None:
    text = "refunds " * (reading.BUDGET + 50)
    (passage,) = choose("When are refunds paid?", hit(text)).passages
    assert passage.context == text.strip()


def test_nothing_found_is_nothing_read() -> None:
    assert choose("When?") == choose("When?", hit(" \n ")) == reading.Reading((), 0.0, None)


@pytest.mark.parametrize(
    ("text", "heading", "shown"),
    [
        ("Refunds are paid.", "", "Title 1\nRefunds are paid."),
        ("Refunds are paid.", "Fees", "Title 1 · Fees\nRefunds are paid."),
        ("Refunds are paid.", "Title 1", "Title 1\nRefunds are paid."),
        ("# Fees\n\nRefunds are paid.", "Fees", "Title 1\n# Fees\n\nRefunds are paid."),
        ("Fees\n\nRefunds are paid.\n", "Fees", "Title 1\nFees\n\nRefunds are paid."),
    ],
)
def test_a_passage_says_where_it_stands_once(text: str, heading: str, shown: str) -> None:
    one = hit(text)
    assert reading.passage(replace(one, chunk=replace(one.chunk, heading=heading))) == shown


def test_of_two_hits_that_share_words_the_better_is_read() -> None:
    text = "Refunds are paid within 14 days. Refunds go to cards. Cards take a week for refunds."
    hits = [
        replace(
            hit(text),
            chunk=Chunk("d1", start, end, text[start:end]),
            context=text[start:end],
            context_start=start,
        )
        for start, end in ((0, 53), (33, len(text)))
    ]
    (found,) = choose("When are refunds paid within days?", *hits).passages
    assert found.context == text[:53]


def test_a_question_asked_in_both_languages_reads_both_by_turns() -> None:
    english = "Second class trains.\n\nTrains of second class leave hourly.\n\nSecond class trains, again."
    hits = [hit(english), hit("高铁以二等座为标准。", 2)]
    asked = Asked("which class of trains, second class?", "哪种火车")  # a poor translation
    alone = reading.choose(Asked(asked.question), hits, alike, count, most=2)
    both = reading.choose(asked, hits, alike, count, most=2)
    assert "高铁以二等座为标准。" not in [passage.context for passage in alone.passages]
    assert [passage.chunk.document_id for passage in both.passages] == ["d1", "d2"]
