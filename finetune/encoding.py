"""A conversation to token ids and labels.

Through the renderer that serving uses: nothing is learnt in a form that is not asked for later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.errors import TrainingDataError
from assistant.rendering import Renderer
from assistant.schema import Message

IGNORED = -100
"""Label of a token without loss, as torch's cross entropy has it."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """One conversation, ready for training.

    Attributes:
        ids: Token ids.
        labels: As long as ``ids``: the id itself where the assistant speaks, else `IGNORED`.
    """

    ids: tuple[int, ...]
    labels: tuple[int, ...]

    @property
    def prompt(self) -> int:
        """Tokens before the first one that is learnt."""
        return next((n for n, label in enumerate(self.labels) if label != IGNORED), len(self.labels))


def encode(messages: Sequence[Message], renderer: Renderer, given: str = "") -> Encoded:
    """Encode a conversation with the loss on the assistant's turns, each with the token that ends it.

    Args:
        messages: Oldest first, the last one the assistant's.
        renderer: The model's own.
        given: How the replies begin that are all alike: seen, and not learnt, so that the loss is that of the
            words which differ.

    Raises:
        TrainingDataError: The last turn is not the assistant's, or the template renders a turn otherwise once
            another follows it, so that what is learnt would not be what is asked.
    """
    if not messages or messages[-1].role != "assistant":
        raise TrainingDataError(
            field="messages",
            reason="the last turn is not the assistant's",
            remedy="end the conversation with the reply to be learnt",
        )
    ids = renderer.ids(messages, open_reply=False)
    labels = [IGNORED] * len(ids)
    end = 0
    for turn, message in enumerate(messages):
        if message.role != "assistant":
            continue
        opened = renderer.ids(messages[:turn], open_reply=True)
        reply = renderer.text_ids(message.text)
        start, end = len(opened), len(opened) + len(reply) + 1
        if ids[:start] != opened or ids[start : end - 1] != reply or ids[end - 1] not in renderer.control:
            raise TrainingDataError(
                field=f"messages[{turn}]",
                reason="this model's chat template renders the turn differently inside a longer conversation",
                remedy="train on one question and answer a row",
            )
        start += _alike(reply, renderer.text_ids(given))
        labels[start:end] = ids[start:end]
    return Encoded(tuple(ids[:end]), tuple(labels[:end]))


def _alike(reply: Sequence[int], given: Sequence[int]) -> int:
    """Tokens of the reply that are given: all of them, or none."""
    return len(given) if given and reply[: len(given)] == given and len(reply) > len(given) else 0
