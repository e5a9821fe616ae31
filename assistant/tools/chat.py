"""Chat without documents."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from assistant import prompts, window
from assistant.engine.protocol import Generator
from assistant.schema import Answer, Finish, Message, Sampling, TurnEvent
from assistant.tools.streaming import Written, relay, tidy


def reply(
    history: Sequence[Message],
    question: str,
    generator: Callable[[], Generator],
    sampling: Sampling,
    *,
    system: str = "",
    adapter: str | None = None,
    user: str = "",
) -> Iterator[TurnEvent]:
    """Answer from the model alone.

    Args:
        history: Earlier turns, oldest first; the oldest pairs are dropped where the window is too small.
        question: The new message.
        generator: Gives the model; called only when it is needed.
        sampling: How to decode.
        system: The user's system prompt.
        adapter: Adapter to use for this turn.
        user: Whose request this is, for the cap of requests per user.

    Yields:
        Deltas as they come, at last the `Answer`.

    Raises:
        ContextOverflowError: The question alone does not fit.
    """
    started = time.monotonic()
    model = generator()
    whole = prompts.chat(history, question, system)
    messages = window.fit(whole, model.count, model.window - sampling.max_new_tokens)
    written = yield from relay(model, messages, sampling, adapter, user)
    yield Answer(
        text=_once(written),
        finish=written.finish,
        tokens=written.tokens,
        prompt_tokens=written.prompt_tokens,
        seconds=time.monotonic() - started,
        dropped=len(whole) - len(messages),
    )


def _once(written: Written) -> str:
    """Each sentence once where a small model went round in circles to the limit; code is left alone."""
    circling = written.finish is Finish.LENGTH and "```" not in written.text
    return tidy(written.text, cut_off=False) if circling else written.text.strip()
