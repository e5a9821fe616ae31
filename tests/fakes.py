"""Scripted stand-ins that every test may use; each remembers what it was asked."""

from __future__ import annotations


# --- a language model -------------------------------------------------------------------------------------

import re as _re
from collections.abc import Callable as _Callable
from collections.abc import Iterator as _Iterator
from collections.abc import Sequence as _Sequence

from assistant.engine.protocol import EngineState as _EngineState
from assistant.schema import Delta as _Delta
from assistant.schema import Finish as _Finish
from assistant.schema import Message as _Message
from assistant.schema import Sampling as _Sampling


class FakeGenerator:
    """Replies from a queue, or what a function makes of the prompt; a token is a word or a Han character.

    ``prompts`` holds the messages of every call; ``closed`` counts streams that were closed early.
    """

    def __init__(
        self,
        *replies: str | _Callable[[_Sequence[_Message]], str],
        window: int = 2048,
        name: str = "fake",
        scores: _Callable[[_Sequence[_Message], str], float] | None = None,
    ) -> None:
        self.name = name
        self.window = window
        self.prompts: list[list[_Message]] = []
        self.samplings: list[_Sampling] = []
        self.closed = 0
        self._replies = list(replies)
        self._scores = scores

    def count_text(self, text: str) -> int:
        return len(_re.findall(r"[一-鿿]|[^\s一-鿿]+", text))

    def count(self, messages: _Sequence[_Message]) -> int:
        return sum(self.count_text(message.text) + 3 for message in messages)

    def stream(
        self, messages: _Sequence[_Message], sampling: _Sampling, *, adapter: str | None = None, user: str = ""
    ) -> _Iterator[_Delta]:
        self.prompts.append(list(messages))
        self.samplings.append(sampling)
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        text = reply if isinstance(reply, str) else reply(messages)
        done = False
        try:
            yield _Delta("", queue_position=1)
            for n, piece in enumerate(_re.findall(r"\S+\s*|\s+", text), 1):
                yield _Delta(piece, tokens=n)
            yield _Delta("", finish=_Finish.STOP, tokens=len(text.split()))
            done = True
        finally:
            self.closed += not done

    def score(
        self, messages: _Sequence[_Message], replies: _Sequence[str], *, adapter: str | None = None
    ) -> list[float]:
        self.prompts.append(list(messages))
        if self._scores is None:
            raise AssertionError("this test did not expect score()")
        return [self._scores(messages, reply) for reply in replies]

    def state(self) -> _EngineState:
        return _EngineState("ready")

    def close(self) -> None:
        pass
