"""Messages about no document."""

from __future__ import annotations

import pytest
from fakes import FakeGenerator

from assistant import prompts
from assistant.request import Request
from assistant.schema import Answer, Delta, Finish, Message, Sampling
from assistant.tools import talking
from assistant.tools.messages import Kind
from assistant.tools.reader import Reader
from assistant.tools.sources import Title

TITLES = [Title("d1", "House rules"), Title("d2", "员工手册")]


def reply(
    message: str, kind: Kind, titles: list[Title], *replies: str, writes: bool = True, past: int = 0
) -> tuple[Answer, FakeGenerator]:
    model = FakeGenerator(*replies or ("never",))
    history = tuple(Message("user" if n % 2 == 0 else "assistant", f"said {n}") for n in range(past))
    *events, answer = talking.reply(
        Reader(model, writes=writes), Request(message, Sampling(), history), kind, titles
    )
    assert isinstance(answer, Answer)
    assert "".join(event.text for event in events if isinstance(event, Delta)).strip() == answer.text
    return answer, model


@pytest.mark.parametrize(
    ("message", "opening", "count"),
    [
        ("Which documents do you have?", prompts.DOCUMENTS["en"], 2),
        ("你有哪些文档？", prompts.DOCUMENTS["zh"], 2),
    ],
)
def test_which_documents_there_are_is_never_left_to_the_model(message: str, opening: str, count: int) -> None:
    answer, model = reply(message, Kind.LIBRARY, TITLES)
    assert model.prompts == []
    assert answer.text == f"{opening.format(count=count)}\n\n- House rules\n- 员工手册"
    assert (answer.finish, answer.citations, answer.declined) == (Finish.STOP, (), False)


@pytest.mark.parametrize(("message", "language"), [("List all files", "en"), ("列出所有文件", "zh")])
def test_an_empty_library_says_how_to_add(message: str, language: str) -> None:
    answer, model = reply(message, Kind.LIBRARY, [])
    assert model.prompts == []
    assert answer.text == prompts.EMPTY_LIBRARY[language]
    assert "youju ingest" in answer.text


@pytest.mark.parametrize(("count", "more"), [(30, 0), (31, 1), (75, 45)])
def test_of_many_documents_the_first_are_named_and_the_rest_counted(count: int, more: int) -> None:
    answer, _ = reply("List all files", Kind.LIBRARY, [Title(str(n), f"Book {n}") for n in range(count)])
    lines = answer.text.splitlines()[2:]
    assert lines[:30] == [f"- Book {n}" for n in range(30)]
    assert lines[30:] == ([prompts.MORE_DOCUMENTS["en"].format(count=more)] if more else [])
    assert f"({count})" in answer.text


@pytest.mark.parametrize(
    ("message", "language", "other"), [("Hello", "en", "员工手册"), ("你好", "zh", "House rules")]
)
@pytest.mark.parametrize("kind", [Kind.SMALL_TALK, Kind.ASSISTANT])
def test_the_reader_replies_as_youju_that_knows_its_titles(
    message: str, language: str, other: str, kind: Kind
) -> None:
    answer, model = reply(message, kind, TITLES, "Hello to you.")
    assert answer.text == "Hello to you."
    system, asked = model.prompts[0]
    assert (system.role, asked) == ("system", Message("user", message))
    assert "House rules, 员工手册" in system.text
    assert ("有据" in system.text) == (language == "zh")


def test_thanks_are_for_something() -> None:
    _, model = reply("Thanks!", Kind.SMALL_TALK, TITLES, "Welcome.", past=6)
    assert [message.text for message in model.prompts[0][1:]] == [
        *(f"said {n}" for n in range(2, 6)),
        "Thanks!",
    ]


@pytest.mark.parametrize(
    ("message", "kind", "said"),
    [
        ("Hello", Kind.SMALL_TALK, prompts.GREETING["en"]),
        ("你好", Kind.SMALL_TALK, prompts.GREETING["zh"]),
        ("Who are you?", Kind.ASSISTANT, prompts.ABOUT["en"]),
        ("你是谁？", Kind.ASSISTANT, prompts.ABOUT["zh"]),
    ],
)
def test_a_reader_that_does_not_write_has_sentences_of_ours(message: str, kind: Kind, said: str) -> None:
    answer, model = reply(message, kind, TITLES, writes=False)
    assert (answer.text, model.prompts) == (said, [])
