"""What training data is, once it is read: conversations, preferences, and what is wrong with a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from assistant.schema import Language, Message


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a row was read.

    Attributes:
        file: Path or Hub address, as the user gave it.
        row: Line or record, from 1.
    """

    file: str
    row: int


@dataclass(frozen=True, slots=True)
class Example:
    """One conversation to learn from; the loss is on the assistant's turns only.

    Attributes:
        id: Unique within the data.
        messages: Oldest first; the last one is the assistant's.
        source: What the row was made from (document, claims, conversation): rows of one source are never
            split between training and holding out.
        task: ``grounded``, ``sentiment``, ``summarize``, ``chat``.
        language: Of the answer.
        origin: Where it was read.
        case: The row in a suite's shape, for measuring; ``None`` where it came in no such shape.
    """

    id: str
    messages: tuple[Message, ...]
    source: str
    task: str
    language: Language
    origin: Origin
    case: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Preference:
    """Two replies to one conversation, of which a person liked the first better."""

    id: str
    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    source: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one row.

    Attributes:
        origin: Which row.
        field: The column or key.
        reason: What is wrong and what would be right, in a sentence.
        kind: Short name of the check, the same for all faults of its sort.
        hard: Training would learn something wrong or fail: it stops. Otherwise it is a warning.
    """

    origin: Origin
    field: str
    reason: str
    kind: str
    hard: bool = True
