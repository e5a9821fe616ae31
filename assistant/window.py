"""Fit a conversation to the model's window: whole messages, oldest pairs dropped first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assistant.errors import ContextOverflowError
from assistant.schema import Message


def fit(messages: Sequence[Message], count: Callable[[Sequence[Message]], int], limit: int) -> list[Message]:
    """Drop the oldest question and answer until the rest fits; never cut inside a message.

    The system message and the last message always stay.

    Args:
        messages: Oldest first; a system message may lead.
        count: Tokens of a list of messages, as the model is sent them.
        limit: Tokens that the prompt may take.

    Raises:
        ContextOverflowError: The last message alone, with the system message, is over ``limit``.
    """
    head = [message for message in messages[:1] if message.role == "system"]
    turns = list(messages[len(head) :])
    while (needed := count([*head, *turns])) > limit:
        if len(turns) <= 1:
            raise ContextOverflowError(needed=needed, limit=limit)
        del turns[: min(2, len(turns) - 1)]
        if turns[0].role == "assistant" and len(turns) > 1:
            del turns[0]  # an answer without its question would open the conversation
    return [*head, *turns]
