"""Pass a model's stream on to the reader while keeping the whole of it."""

from __future__ import annotations

from collections.abc import Generator as PythonGenerator
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from assistant.engine.protocol import Generator
from assistant.schema import Delta, Finish, Message, Sampling, Status


@dataclass(frozen=True, slots=True)
class Written:
    """A finished stream."""

    text: str
    finish: Finish
    tokens: int


def relay(
    generator: Generator, messages: Sequence[Message], sampling: Sampling, adapter: str | None, user: str
) -> PythonGenerator[Status | Delta, None, Written]:
    """Yield what the model writes, and a `Status` whenever the place in line changes.

    Returns:
        The `Written` whole, as the generator's return value (``written = yield from relay(...)``). Closing
        this generator closes the model's stream, which frees the model.
    """
    pieces: list[str] = []
    finish, tokens, position = Finish.STOP, 0, 0
    stream = generator.stream(messages, sampling, adapter=adapter, user=user)
    with closing(stream):
        for delta in stream:
            if delta.queue_position != position:
                position = delta.queue_position
                yield Status("queued", position) if position else Status("writing")
            pieces.append(delta.text)
            tokens = max(tokens, delta.tokens)
            finish = delta.finish or finish
            yield delta
    return Written("".join(pieces), finish, tokens)
