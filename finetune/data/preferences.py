"""Two replies to one conversation, of which one was liked better."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.schema import Message
from finetune.data.conversations import source, turns
from finetune.data.rows import Row, RowError, name, optional, text
from finetune.schema import Preference


def preference(row: Row) -> list[Preference]:
    """``chosen`` and ``rejected``, texts or messages, with the prompt beside them or before them.

    Where ``chosen`` and ``rejected`` are whole conversations, the prompt is what they begin with. Where they
    are replies, it stands in ``prompt``, ``question``, ``messages``, ``conversations``, or in ``instruction``
    and ``input``.
    """
    chosen = turns(row.fields.get("chosen"), "chosen", alone="assistant")
    rejected = turns(row.fields.get("rejected"), "rejected", alone="assistant")
    whole = len(chosen) > 1 or len(rejected) > 1
    shared = _alike(chosen, rejected) if whole else 0
    prompt = chosen[:shared] if whole else _prompt(row)
    replies = [_reply(said[shared:], field) for said, field in ((chosen, "chosen"), (rejected, "rejected"))]
    if not prompt or prompt[-1].role != "user":
        raise RowError(
            "prompt", "is missing: write what both replies answer, ending with the user", "missing"
        )
    if replies[0] == replies[1]:
        raise RowError("rejected", "is the same as chosen: nothing can be learnt from it", "label")
    system = optional(row.fields, "system")
    opening = [Message("system", system)] if system else []
    return [
        Preference(name(row), (*opening, *prompt), replies[0], replies[1], source(row, prompt), row.origin)
    ]


def _prompt(row: Row) -> list[Message]:
    for field in ("prompt", "question", "messages", "conversations"):
        if field in row.fields:
            return turns(row.fields[field], field, alone="user")
    if "instruction" not in row.fields:
        return []
    told = optional(row.fields, "input")
    return [Message("user", text(row.fields["instruction"], "instruction") + (f"\n\n{told}" if told else ""))]


def _alike(one: Sequence[Message], other: Sequence[Message]) -> int:
    """Messages that both begin with; the last of each is its own."""
    most = min(len(one), len(other)) - 1
    return next((n for n in range(most) if one[n] != other[n]), most)


def _reply(said: Sequence[Message], field: str) -> str:
    if len(said) != 1 or said[0].role != "assistant":
        raise RowError(field, "must be one reply of the assistant after the prompt", "role")
    return said[0].text
