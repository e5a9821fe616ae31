"""Whole answers: marks, spans and verdicts, and whether they answer the question."""

from __future__ import annotations

import pytest

from assistant.evidence import answering, attribution, citing
from assistant.schema import Chunk, Hit, Verdict

ONE = "Our shop opened in 1998. Refunds are paid within 14 days. Gift cards are not refunded."
TWO = "The Gold plan costs $30 per month. It includes five users."
ZH = "我们的店于1998年开业。退款在14天内支付。礼品卡不支持退款。"


DAYS = "The desk is open on Saturday. The desk is closed on Sunday."
WEEK = "The desk is open Monday to Friday."
DAYS_ZH = "前台周六营业。前台周日休息。"
WEEK_ZH = "前台周一至五营业。"


def hit(text: str, n: int, at: int = 0) -> Hit:
    whole = "x" * at + text
    return Hit(
        Chunk(f"d{n}", at, len(whole), text, page=n, heading=f"H{n}"),
        f"T{n}", 1 / n, context=whole[3:] if at else "", context_start=3 if at else 0,
    )  # fmt: skip


HITS = (hit(ONE, 1, at=20), hit(TWO, 2), hit(ZH, 3))


@pytest.mark.parametrize(
    ("text", "clean", "numbers"),
    [
        ("Refunds are paid within 14 days [1].", "Refunds are paid within 14 days [1].", [1]),
        ("退款在14天内支付［3］。", "退款在14天内支付[3]。", [3]),
        ("退款在14天内支付【3】。", "退款在14天内支付[3]。", [3]),
        ("Both hold [1, 2].", "Both hold [1][2].", [1, 2]),
        ("Both hold [1-3].", "Both hold [1][2][3].", [1, 2, 3]),
        ("Unknown [9].", "Unknown.", []),
        ("Half known [1, 9].", "Half known [1].", [1]),
        ("Zero [0] and year [1998].", "Zero and year [1998].", []),
    ],
)
def test_marks_are_brought_to_one_form(text: str, clean: str, numbers: list[int]) -> None:
    found, citations = citing.cited(text, HITS)
    assert found == clean
    assert [citation.n for citation in citations] == numbers


def test_spans_are_exact_in_the_document() -> None:
    document = "x" * 20 + ONE
    _, (citation,) = citing.cited("Refunds are paid within 14 days [1].", HITS)
    assert document[citation.start : citation.end] == citation.text == "Refunds are paid within 14 days."
    assert (citation.document_id, citation.page, citation.heading) == ("d1", 1, "H1")


@pytest.mark.parametrize(
    ("text", "result", "verdict", "cited"),
    [
        (
            "Refunds are paid within 14 days [1].",
            "Refunds are paid within 14 days [1].",
            Verdict.SUPPORTED,
            (1,),
        ),
        (
            "Refunds are paid within 14 days [2].",
            "Refunds are paid within 14 days. [1]",
            Verdict.SUPPORTED,
            (1,),
        ),
        ("Refunds are paid within 14 days.", "Refunds are paid within 14 days. [1]", Verdict.SUPPORTED, (1,)),
        ("The moon is made of cheese [1].", "The moon is made of cheese.", Verdict.NO_SOURCE, ()),
        (
            "Refunds are paid within 30 days [1].",
            "Refunds are paid within 30 days [1].",
            Verdict.CONTRADICTED,
            (1,),
        ),
        ("退款在14天内支付。", "退款在14天内支付。[3]", Verdict.SUPPORTED, (3,)),
        ("退款在30天内支付。[3]", "退款在30天内支付。[3]", Verdict.CONTRADICTED, (3,)),
    ],
)
def test_marks_are_mended(text: str, result: str, verdict: Verdict, cited: tuple[int, ...]) -> None:
    found, citations, (sentence,) = answering.examine(text, HITS)
    assert found == result
    assert (sentence.verdict, sentence.citations) == (verdict, cited)
    assert tuple(citation.n for citation in citations) == cited


def test_offsets_fit_the_new_text() -> None:
    text = "Here is the answer:\n\n- Refunds are paid within 14 days [2]\n- The Gold plan costs $30 [7] per month."
    found, _, sentences = answering.examine(text, HITS)
    assert [found[sentence.start : sentence.end] for sentence in sentences] == [one.text for one in sentences]
    assert [sentence.citations for sentence in sentences] == [(1,), (2,)]
    assert found.startswith("Here is the answer:\n\n- ")


@pytest.mark.parametrize("text", ["", "   ", "[1]", "[9]"])
def test_an_empty_answer(text: str) -> None:
    found, _, sentences = answering.examine(text, HITS)
    assert all(sentence.verdict is Verdict.NO_SOURCE for sentence in sentences)
    assert "[9]" not in found


def test_a_summary_sentence_finds_both_its_places() -> None:
    text = "Alder opened in 1900. " + "Nothing happened here. " * 3 + "Birch closed in 1950."
    spans = attribution.sources("Alder opened in 1900 and Birch closed in 1950.", text)
    assert {text[one.start : one.end] for one in spans} >= {"Alder opened in 1900.", "Birch closed in 1950."}


@pytest.mark.parametrize(
    ("question", "passage", "answer", "verdict", "reason"),
    [
        # the kind of thing asked for
        ("How many days do refunds take?", ONE, "Refunds are paid within 14 days [1].", Verdict.SUPPORTED, ""),
        ("How many gift cards are refunded?", ONE, "Gift cards are not refunded [1].", Verdict.PARTLY, "kind:"),
        ("When did the shop open?", ONE, "Our shop opened in 1998 [1].", Verdict.SUPPORTED, ""),
        ("When are gift cards refunded?", ONE, "Gift cards are not refunded [1].", Verdict.PARTLY, "kind:"),
        ("退款多少天内支付？", ZH, "退款在14天内支付[1]。", Verdict.SUPPORTED, ""),
        ("礼品卡退多少钱？", ZH, "礼品卡不支持退款[1]。", Verdict.PARTLY, "kind:"),
        ("Are gift cards refunded?", ONE, "Gift cards are not refunded [1].", Verdict.SUPPORTED, ""),
        # the day asked for
        ("Is the desk open on Saturday?", DAYS, "The desk is closed on Sunday [1].", Verdict.PARTLY, "day:"),
        ("Is the desk open on Saturday?", DAYS, "The desk is open on Saturday [1].", Verdict.SUPPORTED, ""),
        ("Is the desk open on Wednesday?", WEEK, "The desk is open Monday to Friday [1].", Verdict.SUPPORTED, ""),
        ("Is the desk open?", DAYS, "The desk is closed on Sunday [1].", Verdict.SUPPORTED, ""),
        ("周六营业吗？", DAYS_ZH, "前台周日休息[1]。", Verdict.PARTLY, "day:"),
        ("周六营业吗？", DAYS_ZH, "前台周六营业[1]。", Verdict.SUPPORTED, ""),
        ("周三营业吗？", WEEK_ZH, "前台周一至五营业[1]。", Verdict.SUPPORTED, ""),
        # what is worse than partly stays so
        ("How many gift cards?", ONE, "Gift cards are refunded [1].", Verdict.CONTRADICTED, "negation:"),
        ("When is the moon full?", ONE, "The moon is made of cheese [1].", Verdict.NO_SOURCE, "overlap:"),
    ],
)  # fmt: skip
def test_what_answers_another_question_is_partly_supported_at_most(
    question: str, passage: str, answer: str, verdict: Verdict, reason: str
) -> None:
    _, _, (sentence,) = answering.examine(answer, [hit(passage, 1)], question)
    assert sentence.verdict is verdict
    assert sentence.reason.startswith(reason)
    assert bool(reason) == bool(sentence.reason)


def test_a_number_anywhere_in_the_answer_is_the_number_asked_for() -> None:
    said = "Gift cards are not refunded [1]. Refunds are paid within 14 days [1]."
    _, _, sentences = answering.examine(said, HITS, "How many days do refunds take?")
    assert [sentence.verdict for sentence in sentences] == [Verdict.SUPPORTED, Verdict.SUPPORTED]


@pytest.mark.parametrize(
    ("answer", "passage", "verdict", "cited"),
    [
        ("退款在14天内支付[1]。", ONE, Verdict.PARTLY, (1,)),
        ("Refunds are paid within 14 days [1].", ZH, Verdict.PARTLY, (1,)),
        ("Refunds are paid within 14 days.", ZH, Verdict.PARTLY, (1,)),
        ("退款在30天内支付[1]。", ONE, Verdict.NO_SOURCE, ()),
        ("Refunds are paid within 30 days [1].", ZH, Verdict.NO_SOURCE, ()),
    ],
)
def test_across_languages_the_mark_stays_where_the_numbers_agree(
    answer: str, passage: str, verdict: Verdict, cited: tuple[int, ...]
) -> None:
    _, citations, (sentence,) = answering.examine(answer, [hit(passage, 1)])
    assert (sentence.verdict, sentence.citations) == (verdict, cited)
    assert tuple(citation.n for citation in citations) == cited


def test_a_reader_that_judges_supports_a_paraphrase_and_cites_it() -> None:
    text = "You get your money back in two weeks at the latest."
    plain = answering.examine(text, HITS)[2][0]
    judged = answering.examine(text, HITS, judge=lambda sentences: [4.0] * len(sentences))[2][0]
    assert plain.verdict is not Verdict.SUPPORTED
    assert (judged.verdict, judged.reason) == (Verdict.SUPPORTED, "")
    assert judged.citations


def test_a_reader_that_judges_is_not_overruled_by_shared_words() -> None:
    text = "Gift cards and refunds are paid within 14 days. [1]"
    plain = answering.examine(text, HITS)[2][0]
    judged = answering.examine(text, HITS, judge=lambda sentences: [-4.0] * len(sentences))[2][0]
    assert plain.verdict is Verdict.SUPPORTED
    assert judged.verdict is Verdict.PARTLY
    assert judged.reason.startswith("judged:")


def test_each_sentence_is_judged_once_and_without_its_marks() -> None:
    asked: list[str] = []

    def judge(sentences):
        asked.extend(sentences)
        return [3.0] * len(sentences)

    answering.examine(
        "## Refunds\n\nRefunds are paid within 14 days. [1] It includes five users. [2]", HITS, judge=judge
    )
    assert asked == ["Refunds are paid within 14 days.", "It includes five users."]
