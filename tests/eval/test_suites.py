"""The built-in suites are fair measuring sticks: whole, balanced, without doubles, every answer in its text."""

from collections import Counter
from collections.abc import Mapping
from itertools import combinations

import pytest

from eval.loading import BUILT_IN, built_in, load
from eval.metrics import checks
from eval.schema import ChatCase, GroundedCase, SentimentCase, Suite, SummarizeCase

SMALLEST = 60
WINDOW = {"en": 20, "zh": 8}
"""Characters in a row that two texts can share by chance."""
NEAR = 0.3
"""Share of the shorter text's windows that makes two texts one."""


SUITES = {name: load(name) for name in built_in()}


def having(kind: type) -> pytest.MarkDecorator:
    """Ask for each built-in suite with such cases."""
    names = [name for name, suite in SUITES.items() if any(isinstance(case, kind) for case in suite.cases)]
    return pytest.mark.parametrize("suite", [SUITES[name] for name in names], ids=names)


def windows(text: str, width: int) -> set[str]:
    return {text[start : start + width] for start in range(max(1, len(text) - width + 1))}


def alike(texts: Mapping[str, str], width: int) -> list[tuple[str, str]]:
    parts = {name: windows(text, width) for name, text in texts.items()}
    return [
        (one, other)
        for one, other in combinations(parts, 2)
        if len(parts[one] & parts[other]) > NEAR * min(len(parts[one]), len(parts[other]))
    ]


@having(object)
def test_it_says_its_name_version_and_licence(suite: Suite) -> None:
    assert suite.name in built_in()
    assert suite.version >= 1
    assert suite.licence == "CC0-1.0"


@having(object)
def test_each_task_has_enough_cases(suite: Suite) -> None:
    by_task = Counter(type(case) for case in suite.cases)
    assert all(count >= SMALLEST for count in by_task.values()), by_task


@having(GroundedCase)
def test_every_answer_stands_in_a_document_of_its_case(suite: Suite) -> None:
    lost = [
        (case.id, answer)
        for case in suite.cases
        if isinstance(case, GroundedCase)
        for answer in case.answers
        if not any(answer in document.text for document in case.documents)
    ]
    assert lost == []


@having(GroundedCase)
def test_about_half_of_the_questions_have_no_answer(suite: Suite) -> None:
    answerable = [case.answerable for case in suite.cases if isinstance(case, GroundedCase)]
    low, high = (0, 0.4) if suite.name == "abstention" else (0.4, 0.6)
    assert low <= sum(answerable) / len(answerable) <= high


@having(GroundedCase)
def test_no_question_is_asked_twice(suite: Suite) -> None:
    questions = Counter(case.question for case in suite.cases if isinstance(case, GroundedCase))
    assert [question for question, count in questions.items() if count > 1] == []


@having(SentimentCase)
def test_labels_are_balanced(suite: Suite) -> None:
    labels = Counter(case.label for case in suite.cases if isinstance(case, SentimentCase))
    assert set(labels) == {"negative", "neutral", "positive"}
    assert max(labels.values()) - min(labels.values()) <= 0.1 * labels.total()


@having(object)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_two_texts_are_nearly_the_same(suite: Suite, lang: str) -> None:
    texts = {
        case.id: case.text
        for case in suite.cases
        if isinstance(case, SentimentCase | SummarizeCase) and case.lang == lang
    }
    documents = {
        document.id: document.text
        for case in suite.cases
        if isinstance(case, GroundedCase) and case.lang == lang
        for document in case.documents
    }
    assert alike({**texts, **documents}, WINDOW[lang]) == []


@having(SummarizeCase)
def test_summaries_are_two_of_their_own_words(suite: Suite) -> None:
    for case in (case for case in suite.cases if isinstance(case, SummarizeCase)):
        width = WINDOW[case.lang]
        first, second = (windows(reference, width) for reference in case.references)
        assert len(first & second) <= NEAR * min(len(first), len(second)), case.id
        for reference in case.references:
            assert len(reference) < len(case.text) / 2, case.id
            copied = windows(reference, width) & windows(case.text, width)
            assert len(copied) < len(windows(reference, width)) / 2, case.id


def test_summaries_are_asked_for_in_both_languages_alike() -> None:
    langs = Counter(case.lang for case in load("summarize").cases)
    assert langs["en"] == langs["zh"] >= SMALLEST / 2


def test_abstention_asks_three_kinds_alike_in_both_languages() -> None:
    kinds = Counter((case.lang, case.id.split("-")[-2]) for case in load("abstention").cases)
    assert set(kinds) == {(lang, kind) for lang in ("en", "zh") for kind in ("answer", "near", "else")}
    assert len(set(kinds.values())) == 1, kinds


@pytest.mark.skipif(not checks.available(), reason=checks.MISSING)
def test_every_check_of_a_reply_can_be_met_and_tells_it_from_another() -> None:
    cases = [case for case in load("chat").cases if isinstance(case, ChatCase)]
    for case in cases:
        assert case.checks
        for reference in case.references:
            assert checks.passed(case, reference, loose=False), case.id
    unfit = [case.id for case in cases if checks.passed(case, "I am not sure what you mean.", loose=True)]
    assert len(unfit) < len(cases) / 10, unfit


def test_each_suite_is_described_with_its_count() -> None:
    rows = (BUILT_IN / "README.md").read_text(encoding="utf-8").splitlines()
    for name, suite in SUITES.items():
        assert any(row.startswith(f"| `{name}` | {len(suite.cases)} ") for row in rows), name
