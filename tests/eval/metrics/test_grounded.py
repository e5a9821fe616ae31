"""Figures of questions: SQuAD 2.0's official definitions, scikit-learn, and by hand; English and Chinese."""

import collections
import re
import string
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support, roc_auc_score

from assistant.schema import Estimate
from eval.metrics import answers, evaluating, of, scores
from eval.metrics.grounded import aurc, auroc
from eval.schema import Cited, GroundedCase, Passage, Prediction, Suite, Undefined

PARIS = Passage("paris", "Paris", "The tower was opened in 1889. It is 330 m high.")
OTHER = Passage("other", "Rome", "Rome has seven hills.")
LEAVE = Passage("leave", "休假", "满五年的员工每年有12天年假。")


def squad(answer: str, golds: list[str]) -> tuple[float, float]:
    """Exact match and F1 as published with SQuAD 2.0."""

    def normalize(text: str) -> str:
        text = "".join(ch for ch in text.lower() if ch not in set(string.punctuation))
        return " ".join(re.compile(r"\b(a|an|the)\b", re.UNICODE).sub(" ", text).split())

    def f1(gold: str, found: str) -> float:
        one, two = normalize(gold).split(), normalize(found).split()
        same = sum((collections.Counter(one) & collections.Counter(two)).values())
        if not one or not two:
            return float(one == two)
        if same == 0:
            return 0.0
        precision, recall = same / len(two), same / len(one)
        return 2 * precision * recall / (precision + recall)

    kept = [gold for gold in golds if normalize(gold)] or [""]
    return max(float(normalize(g) == normalize(answer)) for g in kept), max(f1(g, answer) for g in kept)


TEXT = st.lists(
    st.sampled_from(
        ["the", "A", "an", "Tower", "tower,", "1889", "U.S.", "don't", "-", "é", "330", "Ⅻ", "\n"]
    ),
    max_size=7,
).map(" ".join)


@given(TEXT, st.lists(TEXT, max_size=3))
def test_english_answers_as_squad_has_them(answer: str, golds: list[str]) -> None:
    exact, f1 = squad(answer, golds)
    assert answers.exact(answer, golds, "en") == exact
    assert answers.f1(answer, golds, "en") == pytest.approx(f1, abs=1e-9)


@pytest.mark.parametrize(
    ("answer", "gold", "exact", "f1"),
    [
        ("12天", "１２天", 1, 1),
        ("是“12天”。", "12天", 0, 2 * 3 / (4 + 3)),
        ("北京 大学", "北京大学", 1, 1),
        ("上海", "北京", 0, 0),
        ("", "北京", 0, 0),
    ],
)
def test_chinese_answers_by_hand(answer: str, gold: str, exact: float, f1: float) -> None:
    assert answers.exact(answer, [gold], "zh") == exact
    assert answers.f1(answer, [gold], "zh") == pytest.approx(f1, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "gold", "language", "there"),
    [
        ("It was opened in 1889.", "1889", "en", True),
        ("It has 15 floors.", "5", "en", False),
        ("In the Tower of London", "tower of the London", "en", True),
        ("每年有１２天年假", "12天", "zh", True),
        ("每年有10天年假", "12天", "zh", False),
    ],
)
def test_an_answer_stands_in_a_text(text: str, gold: str, language: str, there: bool) -> None:
    assert answers.holds(text, [gold], language) is there  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "output",
    ["1889 [1].", "From the documents: 1889 [1][2]", "文档原文：1889【1】", "From the documents:\n1889"],
)
def test_marks_and_lead_are_no_part_of_an_answer(output: str) -> None:
    assert answers.exact(answers.said(Prediction("q", "grounded", output)), ["1889"], "en") == 1


def cases() -> tuple[GroundedCase, ...]:
    return (
        GroundedCase("q1", "en", "When?", (PARIS, OTHER), ("1889",), True),
        GroundedCase(
            "q2",
            "en",
            "How high is the tower that one sees from all of the town?",
            (PARIS,),
            ("330 m",),
            True,
        ),
        GroundedCase("q3", "en", "Who built it?", (PARIS,), (), False),
        GroundedCase("q4", "zh", "几天年假？", (LEAVE,), ("12天",), True),
        GroundedCase("q5", "zh", "病假几天？", (LEAVE,), (), False),
        GroundedCase("q6", "zh", "满几年？", (LEAVE,), ("五年",), True),
    )


SUITE = Suite("s", 1, "", cases(), (PARIS, OTHER, LEAVE), "")
FOUND = [
    Prediction("q1", "grounded", "1889 [1].", citations=(Cited(1, "paris", 0, 29), Cited(2, "other", 0, 4)),
               verdicts=("supported",), confidence=0.9),
    Prediction("q2", "grounded", "Not in the documents.", declined=True, confidence=0.3),
    Prediction("q3", "grounded", "Not in the documents.", declined=True, confidence=0.2),
    Prediction("q4", "grounded", "有12天。", citations=(Cited(1, "leave", 0, 5),), verdicts=("supported", "partly"),
               confidence=0.8),
    Prediction("q5", "grounded", "5天", citations=(Cited(1, "leave", 0, 5),), verdicts=("no_source",), confidence=0.6),
    Prediction("q6", "grounded", "", error="engine gone"),
]  # fmt: skip


def found(predictions: list[Prediction] = FOUND) -> dict[str, Estimate | Undefined]:
    return evaluating.measure(SUITE, SUITE.cases, predictions).metrics


def test_six_questions_by_hand() -> None:
    got = {name: value.mean for name, value in found().items() if isinstance(value, Estimate)}
    zh = 2 * 3 / (4 + 3)
    expected = {
        "em": 2 / 6,
        "f1": (1 + 0 + 1 + zh + 0 + 0) / 6,
        "f1_answerable": (1 + 0 + zh + 0) / 4,
        "em_answerable": 1 / 4,
        "contains_answer": 2 / 4,
        "refusal_precision": 1 / 2,
        "refusal_recall": 1 / 2,
        "refusal_f1": 1 / 2,
        # Of the six pairs of (0.2, 0.6) and (0.9, 0.3, 0.8) one stands the wrong way: 0.6 and 0.3.
        "refusal_auroc": 5 / 6,
        "citation_precision": 2 / 4,
        "citation_recall": 2 / 2,
        "supported_share": (1 + 0.5 + 0) / 3,
    }
    risks = [0, 1 - zh, 1, 1, 0]
    expected["aurc"] = float(np.mean(np.cumsum(risks) / np.arange(1, 6)))
    whole = {name: value for name, value in got.items() if "[" not in name}
    assert whole == pytest.approx(expected, abs=1e-9)
    assert got["f1[lang=en]"] == pytest.approx(2 / 3)
    assert got["em[answerable=no]"] == pytest.approx(1 / 2)


def test_n_counts_the_cases_that_take_part() -> None:
    counted = {name: value.n for name, value in found().items()}
    assert [counted[name] for name in ("f1", "f1_answerable", "refusal_precision", "supported_share")] == [
        6,
        4,
        2,
        3,
    ]
    assert evaluating.measure(SUITE, SUITE.cases, FOUND).failed == 1


def test_scores_of_one_case_are_those_that_are_means() -> None:
    got = scores(SUITE.cases[0], FOUND[0], SUITE)
    assert got == {"em": 1, "f1": 1, "f1_answerable": 1, "em_answerable": 1, "contains_answer": 1}


@pytest.mark.parametrize(
    ("change", "name", "reason"),
    [
        ({"confidence": None}, "refusal_auroc", "confidence"),
        ({"confidence": None}, "aurc", "confidence"),
        ({"declined": False}, "refusal_precision", "declined"),
        ({"citations": ()}, "citation_precision", "cited"),
        ({"verdicts": ()}, "supported_share", "checked"),
    ],
)
def test_what_is_not_defined_says_why(change: dict[str, object], name: str, reason: str) -> None:
    value = found([replace(each, **change) for each in FOUND])[name]  # type: ignore[arg-type]
    assert isinstance(value, Undefined)
    assert reason in value.reason


def test_one_kind_of_question_has_no_auroc() -> None:
    some = [(case, each) for case, each in zip(SUITE.cases, FOUND, strict=True) if case.answerable]  # type: ignore[union-attr]
    value = evaluating.measure(SUITE, [a for a, _ in some], [b for _, b in some]).metrics["refusal_auroc"]
    assert isinstance(value, Undefined)


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.9]), st.booleans()), min_size=2, max_size=40))
def test_auroc_as_scikit_learn_has_it(drawn: list[tuple[float, bool]]) -> None:
    rows = np.array(drawn, dtype=float)
    if len(set(rows[:, 1])) < 2:
        assert np.isnan(auroc(rows))
    else:
        assert auroc(rows) == pytest.approx(roc_auc_score(rows[:, 1], 1 - rows[:, 0]), abs=1e-9)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=40))
def test_refusing_as_scikit_learn_has_it(drawn: list[tuple[bool, bool]]) -> None:
    made = tuple(
        GroundedCase(str(i), "en", "?", (replace(PARIS, id=str(i)),), () if no else ("x",), not no)
        for i, (no, _) in enumerate(drawn)
    )
    said = [Prediction(str(i), "grounded", "x", declined=declined) for i, (_, declined) in enumerate(drawn)]
    suite = Suite("s", 1, "", made, (), "")
    truth, refused = zip(*drawn, strict=True)
    expected = precision_recall_fscore_support(truth, refused, average="binary", zero_division=np.nan)
    known = {metric.name: metric for metric in of(suite)}
    for name, value in zip(("refusal_precision", "refusal_recall", "refusal_f1"), expected, strict=False):
        rows = [known[name].row(case, each, suite) for case, each in zip(made, said, strict=True)]
        got = known[name].aggregate(np.array([row for row in rows if row is not None]))
        assert got == pytest.approx(value, abs=1e-9, nan_ok=True)


def test_equal_confidence_makes_no_order() -> None:
    rows = np.array([[0.5, 0.0], [0.5, 1.0], [0.1, 1.0]])
    assert aurc(rows) == aurc(rows[::-1]) == pytest.approx((0.5 + 0.5 + 2 / 3) / 3)
