"""Figures of replies, and IFEval's checks as lm-evaluation-harness runs them."""

import subprocess
import sys

import pytest

from assistant.schema import Message
from eval.errors import SuiteError
from eval.metrics import checks, evaluating, scores
from eval.schema import ChatCase, Check, Prediction, Suite, Undefined

needs_harness = pytest.mark.skipif(not checks.available(), reason=checks.MISSING)
PROMPT = "Tell me of the sea."
REPLIES = [
    "The sea is wide, and blue.\nIt is deep.",
    "**Sure!**\n<<The Sea>>\n* wide\n* deep\nP.S. salty",
    '{"sea": "wide"}',
    '"THE SEA IS A WIDE AND VERY DEEP PLACE, FULL OF WATER."',
    "the sea is wide and deep and full of water and of fish",
    "Tell me of the sea. It is [big] and [blue]. Dr. Lee said so. Any more?",
    "Wide.\n\n***\n\nDeep sea sea sea.",
    "******\n\nPart one ******\nPart two",
    "Section 1\nWide\nSection 2\nDeep",
    "My answer is yes. *one* *two* *three*",
    "大海很宽。也很深。",
    "  ",
]
CHECKS = [
    ("keywords:existence", {"keywords": ["sea", "wide"]}),
    ("keywords:frequency", {"keyword": "sea", "frequency": 3, "relation": "at least"}),
    ("keywords:forbidden_words", {"forbidden_words": ["deep"]}),
    ("keywords:letter_frequency", {"letter": "e", "let_frequency": 4, "let_relation": "less than"}),
    ("language:response_language", {"language": "en"}),
    ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "at least"}),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}),
    ("length_constraints:number_words", {"num_words": 8, "relation": "at least"}),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 3, "nth_paragraph": 1, "first_word": "wide"},
    ),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}),
    ("detectable_format:constrained_response", {}),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 3}),
    ("detectable_format:multiple_sections", {"section_spliter": "Section", "num_sections": 2}),
    ("detectable_format:json_format", {}),
    ("detectable_format:title", {}),
    ("combination:two_responses", {}),
    ("combination:repeat_prompt", {"prompt_to_repeat": PROMPT}),
    ("startend:end_checker", {"end_phrase": "Any more?"}),
    ("change_case:capital_word_frequency", {"capital_frequency": 3, "capital_relation": "at least"}),
    ("change_case:english_capital", {}),
    ("change_case:english_lowercase", {}),
    ("punctuation:no_comma", {}),
    ("startend:quotation", {}),
]


def case(*asked: tuple[str, dict[str, object]], name: str = "c") -> ChatCase:
    return ChatCase(name, "en", (Message("user", PROMPT),), checks=tuple(Check(*each) for each in asked))


@needs_harness
@pytest.mark.parametrize("reply", REPLIES)
def test_checks_as_lm_eval_runs_them(reply: str) -> None:
    passed = [
        checks.passed(case(each), reply, loose=loose) for each in CHECKS for loose in (False, True)
    ]  # patches too
    from lm_eval.tasks.ifeval import utils

    ids, kwargs = [name for name, _ in CHECKS], [arguments for _, arguments in CHECKS]
    asked = utils.InputExample(1, ids, PROMPT, kwargs)
    strict = utils.test_instruction_following_strict(asked, reply).follow_instruction_list
    loose = utils.test_instruction_following_loose(asked, reply).follow_instruction_list
    assert passed[::2] == strict
    assert passed[1::2] == loose


@needs_harness
def test_the_replies_tell_checks_apart() -> None:
    """Each check is passed by a reply and failed by another, or the comparison above shows nothing."""
    for each in CHECKS:
        assert {checks.passed(case(each), reply, loose=False) for reply in REPLIES} == {True, False}, each


@needs_harness
def test_all_ids_are_compared() -> None:
    assert {name for name, _ in CHECKS} == set(checks._instructions())


@needs_harness
def test_all_checks_of_a_case_must_hold() -> None:
    both = case(("punctuation:no_comma", {}), ("keywords:existence", {"keywords": ["sea"]}))
    assert checks.passed(both, "The sea.", loose=False)
    assert not checks.passed(both, "The sea, it is.", loose=False)
    assert not checks.passed(both, "The lake.", loose=False)


@needs_harness
@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("no:such", {}, "punctuation:no_comma"),
        ("punctuation:no_comma", {"commas": 1}, "commas"),
        ("length_constraints:number_words", {"num_words": 3, "relation": "about"}, "about"),
    ],
)
def test_checks_that_cannot_be_run_are_told(name: str, arguments: dict[str, object], told: str) -> None:
    with pytest.raises(SuiteError, match=told):
        checks.passed(case((name, arguments)), "The sea.", loose=False)


@needs_harness
def test_arguments_left_empty_are_none() -> None:
    """IFEval's files give every instruction the arguments of all, most of them null."""
    assert checks.passed(case(("punctuation:no_comma", {"num_words": None})), "The sea.", loose=False)


@needs_harness
def test_nothing_is_downloaded() -> None:
    code = (
        "import socket, nltk\n"
        "def no(*a, **k): raise SystemExit('asked the network')\n"
        "nltk.download = socket.socket.connect = no\n"
        "from eval.metrics import checks\n"
        "checks._instructions()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def test_without_the_harness_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "NEEDED", ("no_such_package_here",))
    two = (case(CHECKS[0]), case(CHECKS[1], name="d"))
    found = [Prediction(each.id, "chat", "The sea is wide.") for each in two]
    value = evaluating.measure(Suite("s", 1, "", two, (), ""), two, found).metrics["check_strict"]
    assert isinstance(value, Undefined)
    assert "pip install" in value.reason


@needs_harness
def test_a_failed_case_fails_its_checks() -> None:
    two = (case(("punctuation:no_comma", {})), case(("punctuation:no_comma", {}), name="d"))
    found = [Prediction("c", "chat", "The sea."), Prediction("d", "chat", "", error="gone")]
    got = evaluating.measure(Suite("s", 1, "", two, (), ""), two, found).metrics
    assert got["check_strict"].mean == got["check_loose"].mean == 0.5  # type: ignore[union-attr]
    assert got["length"].n == 1


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("a b a b a b", {"distinct1": 2 / 6, "distinct2": 2 / 5, "length": 6, "repetition": 1 / 3}),
        ("大海很深大海很深", {"distinct1": 4 / 8, "distinct2": 4 / 7, "length": 8, "repetition": 1 / 5}),
        ("Yes.", {"distinct1": 1, "length": 1}),
        ("", {"length": 0}),
    ],
)
def test_how_a_reply_is_written(reply: str, expected: dict[str, float]) -> None:
    one = case()
    assert scores(one, Prediction("c", "chat", reply), Suite("s", 1, "", (one,), (), "")) == pytest.approx(
        expected
    )


def test_a_wrong_check_is_told_before_anything_is_asked() -> None:
    from assistant.schema import Message
    from eval import metrics
    from eval.schema import ChatCase, Check, Suite

    case = ChatCase("c", "en", (Message("user", "Hi"),), checks=(Check("no:such_check", {}),))
    with pytest.raises(SuiteError, match="no:such_check"):
        metrics.verify(Suite("s", 1, "", (case,), (), ""))
