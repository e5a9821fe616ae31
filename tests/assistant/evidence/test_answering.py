"""Whole answers: marks, spans and verdicts; and the decision to answer at all."""

from __future__ import annotations

import pytest

from assistant.evidence import abstention, answering, attribution, citing
from assistant.evidence.relevance import Candidate
from assistant.schema import Chunk, Hit, Verdict

ONE = "Our shop opened in 1998. Refunds are paid within 14 days. Gift cards are not refunded."
TWO = "The Gold plan costs $30 per month. It includes five users."
ZH = "我们的店于1998年开业。退款在14天内支付。礼品卡不支持退款。"


def hit(text: str, n: int, at: int = 0, dense: float = 0.9, lexical: float | None = 9.0) -> Hit:
    whole = "x" * at + text
    return Hit(
        Chunk(f"d{n}", at, len(whole), text, page=n, heading=f"H{n}"),
        f"T{n}", 1 / n, dense, n, lexical, n, context=whole[3:] if at else "", context_start=3 if at else 0,
    )  # fmt: skip


def nearest(text: str, lead: float) -> list[Candidate]:
    """The sentence that is nearest, and how far it stands above what other questions have."""
    return [Candidate(0, 0, text, lead)]


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


def test_no_hits_are_declined() -> None:
    decision = abstention.decide("Anything?", (), ())
    assert (decision.answer, decision.confidence) == (False, 0.0)


@pytest.mark.parametrize(
    ("question", "passage", "dense", "lexical", "lead"),
    [
        ("When are refunds paid?", ONE, 0.90, 12.0, 0.12),
        ("退款在多少天内支付？", ZH, 0.90, 14.0, 0.10),
        ("退款在多少天内支付？", ONE, 0.87, None, 0.12),
    ],
)
def test_a_question_whose_passage_is_there_is_answered(
    question: str, passage: str, dense: float, lexical: float | None, lead: float
) -> None:
    hits = (
        hit(passage, 1, dense=dense, lexical=lexical),
        hit("Trains run every hour.", 2, dense=0.78, lexical=None),
    )
    assert abstention.decide(question, hits, nearest(passage, lead)).answer


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("Which football team won the league?", ONE),
        ("珠穆朗玛峰有多高？", ZH),
        ("珠穆朗玛峰有多高？", ONE),
        ("How high is Mount Everest?", ZH),
    ],
)
def test_a_question_about_something_else_is_declined(question: str, passage: str) -> None:
    hits = (
        hit(passage, 1, dense=0.77, lexical=None),
        hit("Trains run every hour.", 2, dense=0.765, lexical=None),
    )
    assert not abstention.decide(question, hits, nearest(passage, 0.02)).answer


def test_confidence_rises_with_every_sign_of_an_answer() -> None:
    question = "When are refunds paid?"
    weak = (hit("Trains run every hour.", 1, dense=0.80, lexical=None),)
    worded = (hit(ONE, 1, dense=0.80, lexical=12.0),)
    signs = [(weak, 0.01), (worded, 0.01), (worded, 0.15)]
    confidence = [abstention.decide(question, hits, nearest(ONE, lead)).confidence for hits, lead in signs]
    assert confidence == sorted(confidence)
    assert confidence[0] < 0.2
    assert confidence[-1] > 0.5


def test_cosines_are_compared_among_passages_in_one_language() -> None:
    """A Chinese passage is near to any Chinese question: that says nothing about the English one."""
    english = (hit(ONE, 1, dense=0.80), hit("Trains run every hour.", 2, dense=0.79))
    among = (*english, hit("火车每小时一班。", 3, dense=0.86))
    question = "年终奖怎么计算？"
    for hits in (english, among):
        found = abstention.features(question, hits, nearest(ONE, 0.08))
        assert (found.dense, found.gap) == pytest.approx((0.80, 0.01))
