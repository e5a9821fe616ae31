"""Requests for a form: each reply keeps what is asked for, by the checks that measure instruction following."""

from __future__ import annotations

import json
import random

import pytest

from assistant.schema import Message
from finetune import formats
from finetune.schema import Example, Origin

REQUEST = "Describe the harbour market in early spring."
REPLY = (
    "The market opens when the first boats return, long before sunrise. Fishermen, bakers and gardeners share "
    "the narrow quay. Visitors should bring a basket, because nobody sells bags."
)


def example(*turns: str, language: str = "en") -> Example:
    roles = ("user", "assistant")
    messages = tuple(Message(roles[n % 2], turn) for n, turn in enumerate(turns))  # type: ignore[arg-type]
    return Example("chat-1", messages, "chat-1", "chat", language, Origin("own", 0))  # type: ignore[arg-type]


def made(form: str, seed: int = 0) -> tuple[str, str]:
    found = getattr(formats, f"_{form}")(REQUEST, REPLY, random.Random(seed))
    assert found is not None
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("form", "kept"),
    [
        ("lower", lambda said: said == said.lower()),
        ("upper", lambda said: said == said.upper()),
        ("commas", lambda said: "," not in said),
        ("quoted", lambda said: said[0] == said[-1] == '"' and said.count('"') == 2),
        ("end", lambda said: said.endswith(formats._ENDS)),
        ("afterthought", lambda said: "\n\nP." in said),
        ("titled", lambda said: said.startswith("<<Early Spring>>")),
        ("repeated", lambda said: said.startswith(REQUEST)),
        ("bullets", lambda said: [line[:2] for line in said.splitlines()] == ["* "] * 3),
        ("paragraphs", lambda said: said.count("\n\n") in (2, 4)),
        ("sections", lambda said: all(f" {n}\n" in said for n in (1, 2, 3))),
        ("json", lambda said: json.loads(said.strip("`").removeprefix("json"))["answer"] == REPLY),
    ],
)
def test_the_reply_is_put_into_the_form(form: str, kept: object, seed: int) -> None:
    _, said = made(form, seed)
    assert callable(kept)
    assert kept(said)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_counted_holds(seed: int) -> None:
    words = len(REPLY.split())
    told, said = made("long", seed)
    number = int("".join(filter(str.isdigit, told)))
    assert number > words if "than" in told else number <= words
    assert said == REPLY
    told, said = made("letters", seed)
    letter, times = told.split()[2], int(told.split()[-2])
    count = REPLY.lower().count(letter)
    assert count < times if "less" in told else count >= times
    told, said = made("highlighted", seed)
    assert said.count("*") == 2 * int("".join(filter(str.isdigit, told)))
    told, said = made("blanks", seed)
    assert said.count("[") == int("".join(filter(str.isdigit, told)))
    told, said = made("shouted", seed)
    assert sum(word.strip(",.").isupper() for word in said.split()) == int("".join(filter(str.isdigit, told)))


@pytest.mark.parametrize("seed", range(6))
def test_words_asked_for_are_there_and_words_to_avoid_are_not(seed: int) -> None:
    told, said = made("containing", seed)
    assert sum(f"{word}" in told for word in formats._WORD.findall(said.lower())) >= 2
    told, said = made("avoiding", seed)
    named = [word for word in formats._WORD.findall(REQUEST.lower()) if word in told]
    assert len(named) >= 2
    assert not any(word in said.lower() for word in named)


def test_a_reply_that_does_not_suit_is_not_asked_for_the_form() -> None:
    draw = random.Random(0)
    for form in ("bullets", "sentences", "paragraphs", "sections", "highlighted", "containing", "long"):
        assert getattr(formats, f"_{form}")(REQUEST, "Yes.", draw) is None


def test_each_plain_english_request_is_asked_with_some_forms_and_keeps_its_source() -> None:
    rows = [
        example(REQUEST, REPLY),
        example(REQUEST, REPLY, "And then?", "Then it closes."),
        example("市场几点开门？", "日出之前。", language="zh"),
    ]
    found = list(formats.asked(rows, random.Random(0), 5))
    assert 3 <= len(found) <= 5
    assert len({row.id for row in found}) == len(found)
    assert all(row.source == "chat-1" and REQUEST in row.messages[0].text for row in found)
