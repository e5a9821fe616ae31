"""Chat without documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fakes import FakeGenerator

from assistant.errors import ContextOverflowError
from assistant.request import Request
from assistant.schema import Answer, Delta, Finish, Message, Sampling
from assistant.tools import chat
from assistant.tools.reader import Reader


def reply(
    model: FakeGenerator,
    question: str,
    history: tuple[Message, ...] = (),
    sampling: Sampling | None = None,
    system: str = "",
) -> Answer:
    *_, answer = chat.reply(Reader(model), Request(question, sampling or Sampling(), history, system))
    assert isinstance(answer, Answer)
    return answer


def test_the_answer_counts_what_was_read() -> None:
    model = FakeGenerator("Two words.")
    history = (Message("user", "Hello"), Message("assistant", "Hi"))
    answer = reply(model, "How are you?", history, system="Be brief.")
    assert answer.prompt_tokens == model.count(model.prompts[0]) == 19
    assert answer.tokens == 2
    assert model.prompts[0] == [Message("system", "Be brief."), *history, Message("user", "How are you?")]


def test_the_oldest_turns_are_dropped_and_it_says_how_many() -> None:
    history = (Message("user", "word " * 40), Message("assistant", "word " * 40))
    answer = reply(
        FakeGenerator("Fine.", window=100), "And now?", history, sampling=Sampling(max_new_tokens=20)
    )
    assert (answer.text, answer.dropped, answer.finish) == ("Fine.", 2, Finish.STOP)


def test_a_message_over_the_window_is_refused() -> None:
    with pytest.raises(ContextOverflowError):
        reply(FakeGenerator("x", window=100), "word " * 200, sampling=Sampling(max_new_tokens=20))


class Endless(FakeGenerator):
    """Is cut off at the limit."""

    def stream(self, *given: Any, **named: Any) -> Iterator[Delta]:
        for delta in super().stream(*given, **named):
            yield replace(delta, finish=Finish.LENGTH) if delta.finish else delta


@pytest.mark.parametrize(
    ("model", "said", "text"),
    [
        (Endless, "I can help. I can help. I can help. I can", "I can help. I can"),
        (FakeGenerator, "Ha. Ha. Ha.", "Ha. Ha. Ha."),
        (Endless, "```\n}\n\n}\n\n} x", "```\n}\n\n}\n\n} x"),
    ],
)
def test_what_ran_to_the_limit_in_circles_says_each_thing_once(
    model: type[FakeGenerator], said: str, text: str
) -> None:
    assert reply(model(said), "Hello").text == text
