"""Follow-up questions."""

from __future__ import annotations

import pytest
from fakes import FakeGenerator

from assistant.schema import Message
from assistant.tools.followup import is_followup, standalone

PAST = (Message("user", "How long do refunds take?"), Message("assistant", "14 days."))


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


@pytest.mark.parametrize(
    "question",
    [
        "How do I open a personal checking account online?",
        "What is the annual fee of the Gold credit card?",
        "如何重置路由器的管理员密码？",
        "黄金套餐每月多少钱？",
    ],
)
def test_questions_that_stand_alone_are_left_alone(question: str) -> None:
    assert not is_followup(question)
    assert standalone(PAST, question) == question


def test_the_first_question_is_never_a_follow_up() -> None:
    assert standalone((), "What about it?") == "What about it?"


def test_words_of_the_last_questions_go_before() -> None:
    assert standalone(PAST, "What about gift cards?") == "How long do refunds take? What about gift cards?"


def test_a_chain_reaches_back_to_the_question_that_stands_alone() -> None:
    chain = (*PAST, Message("user", "And for members?"), Message("assistant", "7 days."))
    assert standalone(chain, "Is it free?") == "How long do refunds take? And for members? Is it free?"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("How long do refunds of gift cards take?", "How long do refunds of gift cards take?"),
        ("I am a helpful assistant.", "How long do refunds take? What about gift cards?"),
        ("", "How long do refunds take? What about gift cards?"),
    ],
)
def test_a_rewriting_is_used_only_if_it_keeps_the_question(reply: str, expected: str) -> None:
    assert standalone(PAST, "What about gift cards?", FakeGenerator(reply)) == expected
