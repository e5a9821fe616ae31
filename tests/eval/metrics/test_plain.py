"""Plain questions: one form for what is written in many, and the outcome that each kind asks for."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from assistant.schema import Estimate
from eval.loading import load
from eval.metrics import evaluating, plain
from eval.metrics.normal_form import normal, occurs
from eval.schema import PlainCase, Prediction, Suite


@pytest.mark.parametrize(
    "alike",
    [
        ("1,200 euros", "1200 €", "€1\u202f200", "**1200** euros [1]", "1200 euros [2, 3]"),
        ("forty-two days", "42 days", "四十二 days"),
        ("10 %", "10 per cent", "ten percent", "百分之十"),
        (
            "25 March",
            "March 25th",
            "the 25th of March".removeprefix("the "),
            "3月25日",
            "3 月 25 号",
            "Mar. 25",
        ),
        ("Friday", "周五", "星期五", "礼拜五"),
        ("Sunday", "周日", "星期天"),
        ("15:30", "3:30 pm", "3:30 p.m.", "下午三点半", "下午3点30分"),
        ("8:00", "08:00", "8 am", "早上八点", "8 o'clock"),
        ("13:00", "中午1点", "1 p.m."),
        ("两个月", "2 个月", "二个月"),
        ("350 元", "¥350", "三百五十元"),
        ("-5 度", "零下 5 度", "minus five 度"),
        ("2.5", "2.50"),
        ("20-day leave", "20 day leave", "20‑day leave"),
        ("yes", "Answer: Yes", "“Yes”".removesuffix("”")),
        ("二〇二四年", "2024 年"),
    ],
)
def test_alike(alike: tuple[str, ...]) -> None:
    assert len({normal(text) for text in alike}) == 1, [normal(text) for text in alike]


@pytest.mark.parametrize(
    ("wanted", "text", "there"),
    [
        ("5", "It takes 5 days.", True),
        ("5", "It takes 15 days.", False),
        ("5", "It takes 5.2 days.", False),
        ("5", "At 5:30.", False),
        ("5", "Room E5.", False),
        ("25", "on the 25th", True),
        ("no", "I know", False),
        ("no", "No, it is not.", True),
        ("month", "two months", True),
        ("class B", "class Box", False),
        ("^yes", "Yes, on Fridays.", True),
        ("^yes", "Oh yes.", False),
        ("friday", "每周五可以", True),
        ("24个月", "整机保修 24 个月", True),
        ("", "anything", False),
        ("[1]", "anything [1]", False),
        ("周三", "每周三次", False),
    ],
)
def test_a_string_occurs_as_whole_words_and_numbers(wanted: str, text: str, there: bool) -> None:
    assert occurs(wanted, text) is there


LEAVE = PlainCase(
    "q", "en", "direct", "How many?", must=("24", "twenty-five"), must_not=("30",), answerable=True
)
BOTH = PlainCase(
    "q", "en", "list", "Which?", must=("tea",), all=(("tea",), ("milk", "cream")), answerable=True
)
PREMISE = PlainCase(
    "q", "en", "premise", "Why Friday?", must=("tuesday",), must_not=("friday",), answerable=False
)
MISS = PlainCase("q", "en", "nearmiss", "How many in Rome?", answerable=False)
HELLO = PlainCase("q", "en", "smalltalk", "hello")
TITLES = PlainCase("q", "en", "smalltalk", "Which documents?", must=("handbook",))
TASK = PlainCase("q", "en", "task", "Summarize it.", must=("never looked at",))


@pytest.mark.parametrize(
    ("case", "answer", "expected"),
    [
        (LEAVE, "24 days", "right"),
        (LEAVE, "25 days", "right"),
        (LEAVE, "26 days", "wrong"),
        (LEAVE, "24, or 30", "wrong"),
        (LEAVE, "", "wrong"),
        (LEAVE, None, "declined"),
        (BOTH, "Tea with cream.", "right"),
        (BOTH, "Tea.", "wrong"),
        (PREMISE, None, "right"),
        (PREMISE, "It is Tuesday.", "right"),
        (PREMISE, "Because.", "wrong"),
        (PREMISE, "Tuesday, not Friday", "wrong"),
        (MISS, None, "right"),
        (MISS, "24", "wrong"),
        (HELLO, "Hello!", "right"),
        (HELLO, " ", "wrong"),
        (HELLO, None, "declined"),
        (TITLES, "The Handbook.", "right"),
        (TITLES, "Some.", "wrong"),
        (TASK, "It says this.", "right"),
        (TASK, None, "declined"),
    ],
)
def test_each_kind_asks_for_its_own(case: PlainCase, answer: str | None, expected: str) -> None:
    found = Prediction("q", "plain", answer or "Not there.", declined=answer is None)
    assert plain.outcome(case, Prediction("q", "plain", answer) if answer == "" else found) == expected
    assert plain.outcome(case, Prediction("q", "plain", "24 tea tuesday", error="gone")) == "missing"


def measured(*pairs: tuple[PlainCase, Prediction]) -> dict[str, Any]:
    cases = tuple(case for case, _ in pairs)
    return evaluating.measure(Suite("s", 1, "", cases, (), ""), cases, [found for _, found in pairs]).metrics


@pytest.mark.parametrize(
    ("evidence", "passage", "shown"),
    [
        ("Salaries come on the 25th, or before.", "Pay. Salaries come on the 25th, or before. Or so.", 1.0),
        ("Salaries come on the 25th.", "Salaries come on the 26th.", 0.0),
        ("You get 1,200 euros, a lot.", "You get €1200, a lot.", 1.0),
        ("CK-2,校准套件,Kit for pH,64,480,2", "article: CK-2 产品: 校准套件 what: Kit for pH eur: 64 cny: 480 days: 2", 1.0),
        ("CK-2,校准套件,Kit for pH,64,480,2", "article: CK-2 产品: 校准套件 what: Kit for pH eur: 640 cny: 480 days: 2", 0.0),
    ],
)  # fmt: skip
def test_evidence_is_shown_as_prose_or_as_the_cells_of_a_row(
    evidence: str, passage: str, shown: float
) -> None:
    asked = [case(n, evidence=evidence) for n in range(2)]
    found = measured(*((each, Prediction(each.id, "plain", "24", passages=("-", passage))) for each in asked))
    assert found["evidence_shown"].mean == shown


def case(n: int, kind: str = "direct", **fields: Any) -> PlainCase:
    given = {"must": ("24",), "answerable": True, "document": f"d{n}", "evidence": "1,200 euros a year"}
    return PlainCase(f"q{n}", "en", kind, "How many?", **{**given, **fields})


def test_the_figures_of_a_run() -> None:
    said = [
        (case(0), Prediction("q0", "plain", "24", passages=("You get 1200 euros a year for courses.",))),
        (case(1), Prediction("q1", "plain", "30", passages=("1200 dollars a year",))),
        (case(2), Prediction("q2", "plain", "", declined=True, passages=("none",))),
        (case(3), Prediction("q3", "plain", "", error="gone")),
        (case(4, "nearmiss", answerable=False, must=()), Prediction("q4", "plain", "12")),
        (case(5, "smalltalk", answerable=None, must=()), Prediction("q5", "plain", "Hello!")),
    ]
    found = measured(*said)
    means = {name: value.mean for name, value in found.items() if isinstance(value, Estimate)}
    assert means["right_answers"] == 0.25
    assert means["declined_answerable"] == 0.25
    assert means["wrong_answers"] == pytest.approx(2 / 3)
    assert means["handled"] == pytest.approx(2 / 6)
    assert means["evidence_shown"] == 0.25
    assert (means["handled[kind=smalltalk]"], means["handled[kind=nearmiss]"]) == (1.0, 0.0)
    assert found["handled"].low < means["handled"] < found["handled"].high


def test_questions_to_one_document_are_drawn_together() -> None:
    assert evaluating.clusters_of([case(1), case(1), case(2, document="")]) == [
        "document d1",
        "document d1",
        "case q2",
    ]


# --- beside the rules of the people who wrote the questions -------------------------------------------------


def made_up(question: PlainCase, others: list[PlainCase]) -> list[tuple[str, bool]]:
    """Answers of every sort: right ones dressed up, half lists, wrong strings beside right ones, refusals."""
    own = [*question.answers, *question.must, *question.must_not, question.evidence]
    groups = [" und ".join(group[0] for group in question.all[:n]) for n in range(1, len(question.all) + 1)]
    strange = [word for other in others[:6] for word in (*other.answers, *other.must)]
    mixed = [f"{right} / {wrong}" for right in question.must[:2] for wrong in question.must_not]
    texts = [*own, *groups, *strange, *mixed, "", "   ", "No.", "Yes, 5 of them.", "不是，周五下午三点。"]
    dressed = [f"From the documents: **{text}** [1]." for text in texts] + [
        f"约{text}，以上。" for text in texts
    ]
    return [(text, declined) for text in [*texts, *dressed] for declined in (False, True)]


@pytest.mark.data
def test_every_judgement_is_that_of_the_questions_own_rules(data_dir: Path) -> None:
    folder = data_dir / "plain"
    spec = importlib.util.spec_from_file_location("plain_score", folder / "score.py")
    assert spec is not None
    assert spec.loader is not None
    score = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(score)
    suite = load(folder / "visible.jsonl")
    cases = [each for each in suite.cases if isinstance(each, PlainCase)]
    outcomes: set[str] = set()
    for place, question in enumerate(cases):
        theirs = {
            "kind": question.kind,
            "must": question.must,
            "all": question.all,
            "must_not": question.must_not,
        }
        for text, declined in made_up(question, cases[place + 1 :] + cases[:place]):
            expected, _ = score.judge(theirs, {"text": text, "declined": declined})
            found = plain.outcome(question, Prediction(question.id, "plain", text, declined=declined))
            assert found == expected, (question.id, text, declined)
            outcomes.add(found)
    assert outcomes == {"right", "wrong", "declined"}
