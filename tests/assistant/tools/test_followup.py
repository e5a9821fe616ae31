"""Follow-up questions."""

from __future__ import annotations

import pytest
from fakes import FakeGenerator

from assistant import prompts
from assistant.schema import Message
from assistant.tools import followup
from assistant.tools.followup import is_followup, may_be_followup
from assistant.tools.reader import Reader

PAST = (Message("user", "How long do refunds take?"), Message("assistant", "14 days."))
PAST_ZH = (Message("user", "退款多久到账？"), Message("assistant", "14天。"))


def standalone(
    history: tuple[Message, ...], question: str, model: FakeGenerator | None = None, *, writes: bool = True
) -> str:
    """Without a model, one that must not be asked."""
    return followup.standalone(Reader(model or FakeGenerator(_never), writes=writes), history, question)


def _never(_: object) -> str:
    raise AssertionError("this question stands alone")


@pytest.mark.parametrize(
    "question",
    [
        "What about gift cards?",
        "And for members?",
        "Why?",
        "Is it free?",
        "那礼品卡呢？",
        "它多少钱？",
        "还有别的方式吗？",
    ],
)
def test_follow_ups_are_seen(question: str) -> None:
    assert is_followup(question)
    assert may_be_followup(question)


@pytest.mark.parametrize(
    "question",
    [
        "How do I open a personal checking account online?",
        "What is the annual fee of the Gold credit card?",
        "如何重置路由器的管理员密码？",
        "黄金套餐每月的费用是多少钱？",
    ],
)
def test_questions_that_stand_alone_are_left_alone(question: str) -> None:
    assert not is_followup(question)
    assert standalone(PAST, question) == question


@pytest.mark.parametrize("question", ["When does the office open?", "What does parking cost?", "几点开门？"])
def test_a_short_question_without_a_pronoun_is_shown_to_the_reader_and_may_stay(question: str) -> None:
    assert not is_followup(question)
    assert may_be_followup(question)
    model = FakeGenerator(question)
    assert standalone(PAST, question, model) == question
    assert len(model.prompts) == 1
    assert standalone(PAST, question, FakeGenerator("I am a helpful assistant.")) == question
    assert standalone(PAST, question, writes=False) == question


def test_a_question_that_seems_to_stand_alone_loses_none_of_its_words() -> None:
    past = (Message("user", "Where do guinea pigs sleep in the wild?"), Message("assistant", "In burrows."))
    asked = "What do guinea pigs eat?"
    assert not is_followup(asked)
    assert standalone(past, asked, FakeGenerator("Where do guinea pigs sleep in the wild?")) == asked
    told = "What do guinea pigs eat in the wild?"
    assert standalone(past, asked, FakeGenerator(told)) == told


def test_the_first_question_is_never_a_follow_up() -> None:
    assert standalone((), "What about it?") == "What about it?"


def test_words_of_the_last_questions_go_before_where_nobody_rewrites() -> None:
    found = standalone(PAST, "What about gift cards?", writes=False)
    assert found == "How long do refunds take? What about gift cards?"


def test_a_chain_reaches_back_to_the_question_that_stands_alone() -> None:
    chain = (*PAST, Message("user", "And for members?"), Message("assistant", "7 days."))
    found = standalone(chain, "Is it free?", writes=False)
    assert found == "How long do refunds take? And for members? Is it free?"


@pytest.mark.parametrize(
    ("history", "question", "reply", "expected"),
    [
        (PAST, "What about gift cards?", "How long do refunds of gift cards take?", None),
        (PAST, "What about gift cards?", '"How long do refunds of gift cards take?"\nSure!', None),
        (PAST, "What about gift cards?", "I am a helpful assistant.", "strung"),
        (PAST, "What about gift cards?", "How long do refunds take?", "strung"),
        (PAST, "And for gift cards?", "And for gift cards?", "strung"),
        (PAST, "What about gift cards?", "Gift cards take " + "refunds " * 60, "strung"),
        (PAST, "What about gift cards?", "", "strung"),
        (PAST_ZH, "那礼品卡呢？", "礼品卡退款多久到账？", None),
        (PAST_ZH, "那礼品卡呢？", "我是一个人工智能助手，很高兴为你服务。", "strung"),
    ],
)
def test_a_rewriting_is_used_only_if_it_keeps_the_question(
    history: tuple[Message, ...], question: str, reply: str, expected: str | None
) -> None:
    model = FakeGenerator(reply.partition("\n")[0])
    found = standalone(history, question, model)
    asked = history[0].text
    assert found == (f"{asked} {question}" if expected else reply.partition("\n")[0].strip('"'))
    assert model.samplings[0].stop == ("\n",)


def test_the_reader_sees_the_conversation_in_the_question_s_language_and_no_more_of_it_than_it_needs() -> (
    None
):
    long = Message("assistant", "14天。" + "细则" * 900)
    history = (Message("user", "最早的问题"), Message("assistant", "好"), *PAST, PAST_ZH[0], long)
    model = FakeGenerator("礼品卡退款多久到账？")
    standalone(history, "那礼品卡呢？", model)
    (asked,) = model.prompts
    shown = asked[-1].text
    assert asked[0] == prompts.rewrite((), "", "zh")[0]
    assert shown.endswith("最后的问题：那礼品卡呢？")
    assert "最早的问题" not in shown
    assert "How long do refunds take?" in shown
    assert len(shown) < 900


def test_a_conversation_that_does_not_fit_the_window_is_not_rewritten() -> None:
    model = FakeGenerator("never", window=80)
    assert (
        standalone(PAST, "What about gift cards?", model)
        == "How long do refunds take? What about gift cards?"
    )
    assert model.prompts == []
