"""What the model reads and what it learns, token by token, of a few rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.errors import ModelFileError, TrainingDataError
from assistant.rendering import Renderer
from finetune.encoding import IGNORED, Encoded, encode
from finetune.schema import Example, Fault, Origin

_ROWS = 3
_BEFORE = 48
"""Tokens shown before the first one that is learnt."""
_MOST = 240
"""Tokens shown of a row."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token, or the few that make up one character.

    Attributes:
        text: As it is written.
        learnt: It counts in the loss.
    """

    text: str
    learnt: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A row with its mask.

    Attributes:
        origin: Which one.
        left_out: Tokens before the first one shown.
        tokens: In order.
    """

    origin: Origin
    left_out: int
    tokens: tuple[Token, ...]


def show(examples: Sequence[Example], renderer: Renderer | None) -> tuple[list[Fault], list[Shown]]:
    """Rows of different tasks, and the longest conversation, with the mask that training gives them."""
    faults: list[Fault] = []
    shown: list[Shown] = []
    if renderer is None:
        return faults, shown
    for example in _drawn(examples):
        try:
            shown.append(_shown(example, encode(example.messages, renderer), renderer))
        except (TrainingDataError, ModelFileError) as refused:
            reason = f"cannot be learnt by this model: {refused}"
            faults.append(Fault(example.origin, "messages", reason, "template"))
    return faults, shown


def _drawn(examples: Sequence[Example]) -> list[Example]:
    """The longest conversation, then the first row of each task."""
    if not examples:
        return []
    longest = max(examples, key=lambda example: len(example.messages))
    tasks = {example.task: example for example in reversed(examples) if example.task != longest.task}
    return [longest, *tasks.values()][:_ROWS]


def _shown(example: Example, encoded: Encoded, renderer: Renderer) -> Shown:
    start = max(0, encoded.prompt - _BEFORE)
    part = slice(start, start + _MOST)
    return Shown(example.origin, start, tuple(_tokens(encoded.ids[part], encoded.labels[part], renderer)))


def _tokens(ids: Sequence[int], labels: Sequence[int], renderer: Renderer) -> Iterator[Token]:
    """Tokens as text; those that hold parts of one character are joined until it is whole."""
    held: list[int] = []
    for place, (token, label) in enumerate(zip(ids, labels, strict=True)):
        held.append(token)
        text = renderer.words(held)
        last = place + 1 == len(ids) or (labels[place + 1] == IGNORED) != (label == IGNORED)
        if "\ufffd" not in text or last:
            yield Token(text, label != IGNORED)
            held = []
