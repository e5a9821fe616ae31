"""Chat without documents."""

from __future__ import annotations

from fakes import FakeGenerator

from assistant.schema import Answer, Message, Sampling
from assistant.tools import chat


def test_the_answer_counts_what_was_read() -> None:
    model = FakeGenerator("Two words.")
    history = [Message("user", "Hello"), Message("assistant", "Hi")]
    *_, answer = chat.reply(history, "How are you?", lambda: model, Sampling(), system="Be brief.")
    assert isinstance(answer, Answer)
    assert answer.prompt_tokens == model.count(model.prompts[0]) == 19
    assert answer.tokens == 2
