"""Chat without documents."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from assistant import prompts, window
from assistant.request import Request
from assistant.schema import Answer, Finish, Message, Sampling, TurnEvent
from assistant.tools.reader import Reader
from assistant.tools.streaming import Written, relay, tidy


def reply(reader: Reader, request: Request) -> Iterator[TurnEvent]:
    """Answer from the model alone.

    Args:
        reader: Writes.
        request: The message with its conversation; its oldest pairs are dropped where the window is small.

    Yields:
        Deltas as they come, at last the `Answer`.

    Raises:
        ContextOverflowError: The message alone does not fit.
    """
    whole = prompts.chat(request.history, request.question, request.system)
    yield from written(reader, whole, request.sampling)


def written(reader: Reader, whole: Sequence[Message], sampling: Sampling) -> Iterator[TurnEvent]:
    """What the reader writes to these messages, as the events of a turn. Raises as `reply` does."""
    started = time.monotonic()
    model = reader.model
    messages = window.fit(whole, model.count, model.window - sampling.max_new_tokens)
    said = yield from relay(reader, messages, sampling)
    yield Answer(
        text=_once(said),
        finish=said.finish,
        tokens=said.tokens,
        prompt_tokens=said.prompt_tokens,
        seconds=time.monotonic() - started,
        dropped=len(whole) - len(messages),
    )


def _once(written: Written) -> str:
    """Each sentence once where a small model went round in circles to the limit; code is left alone."""
    circling = written.finish is Finish.LENGTH and "```" not in written.text
    return tidy(written.text, cut_off=False) if circling else written.text.strip()
