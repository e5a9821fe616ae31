"""Which shape a file's rows have, told by their columns; nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finetune.data import chats, conversations, preferences, suites
from finetune.data.rows import Row
from finetune.schema import Example, Fault, Preference


@dataclass(frozen=True, slots=True)
class Format:
    """A shape of rows.

    Attributes:
        name: As it is shown.
        columns: That a row must have; any of the sets is enough.
        read: A row to what it holds, and the faults of parts of it; raises RowError.
        task: That the column ``task`` must name, where the shape is a suite's.
    """

    name: str
    columns: tuple[frozenset[str], ...]
    read: Callable[[Row], Sequence[Example | Preference | Fault]]
    task: str = ""

    def fits(self, fields: Mapping[str, Any]) -> bool:
        """True when a row is of this shape."""
        named = fields.get("task")
        if self.task and named is not None and named != self.task:
            return False
        return any(columns <= set(fields) for columns in self.columns)


def _sets(*columns: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(each.split()) for each in columns)


FORMATS = (
    Format("exported chat", _sets("format messages active"), chats.chat),
    Format("grounded", _sets("question documents"), suites.grounded, "grounded"),
    Format("summarize", _sets("text references"), suites.summarize, "summarize"),
    Format("chat", _sets("messages references"), suites.chat, "chat"),
    Format("sentiment", _sets("text label"), suites.sentiment, "sentiment"),
    Format("preference", _sets("chosen rejected"), preferences.preference),
    Format("messages", _sets("messages"), conversations.messages),
    Format("sharegpt", _sets("conversations", "conversation"), conversations.sharegpt),
    Format("alpaca", _sets("instruction output", "instruction instances"), conversations.alpaca),
    Format("prompt-completion", tuple(frozenset(both) for both in conversations.PAIRS), conversations.pair),
)
"""The first one that fits is taken: the more telling columns stand first."""


def of(fields: Mapping[str, Any]) -> Format | None:
    """The shape of one row."""
    return next((each for each in FORMATS if each.fits(fields)), None)


def known() -> str:
    """All shapes in a sentence."""
    return "; ".join(
        f"{each.name} ({' or '.join(', '.join(sorted(columns)) for columns in each.columns)})"
        for each in FORMATS
    )
