"""The shapes that the field writes conversations in: messages, ShareGPT, alpaca, prompt and completion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assistant.schema import Message, Role
from finetune.data.rows import Row, RowError, digest, items, language, name, optional, record, short, text
from finetune.schema import Example

ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "model": "assistant",
}
"""Names of who speaks, and ours."""
PAIRS = (("prompt", "completion"), ("prompt", "response"), ("question", "answer"))
"""Columns of a request and its reply."""


def messages(row: Row) -> list[Example]:
    """``messages``: ``[{"role", "content"}, …]``, the last one the assistant's."""
    return [example(row, turns(row.fields.get("messages"), "messages"))]


def sharegpt(row: Row) -> list[Example]:
    """``conversations``: ``[{"from": "human", "value": …}, …]``, with ``system`` beside it or in it."""
    field = "conversations" if "conversations" in row.fields else "conversation"
    return [example(row, _opening(row) + turns(row.fields.get(field), field))]


def alpaca(row: Row) -> list[Example]:
    """``instruction``, ``input``, ``output``; ``system`` and ``history`` (pairs) may stand beside them.

    Self-instruct's ``instances``, a list of inputs and outputs to one instruction, are a row each.
    """
    if "instances" not in row.fields:
        return [example(row, [*_opening(row), *_history(row), *_asked(row.fields, row.fields, "")])]
    found = []
    for place, each in enumerate(items(row.fields.get("instances"), "instances")):
        path = f"instances[{place}]"
        told = _asked(row.fields, record(each, path), f"{path}.")
        found.append(example(row, [*_opening(row), *told], part=f"-{place + 1}" if place else ""))
    return found


def pair(row: Row) -> list[Example]:
    """A request and its reply, each a text or a list of messages."""
    asked, replied = max(PAIRS, key=lambda both: len(row.fields.keys() & set(both)))
    prompt = turns(row.fields.get(asked), asked, alone="user")
    reply = turns(row.fields.get(replied), replied, alone="assistant")
    return [example(row, [*_opening(row), *prompt, *reply])]


def example(row: Row, said: Sequence[Message], *, part: str = "") -> Example:
    """A conversation that ends with the assistant's reply.

    Raises:
        RowError: It ends otherwise, or nobody asks.
    """
    if said[-1].role != "assistant":
        reason = f"the last turn is the {said[-1].role}'s: end with the reply to be learnt"
        raise RowError("messages", reason, "role")
    return Example(
        id=name(row) + part,
        messages=tuple(said),
        source=source(row, said),
        task=optional(row.fields, "task") or "chat",
        language=language(row.fields, said[-1].text),
        origin=row.origin,
    )


def source(row: Row, said: Sequence[Message]) -> str:
    """The row's own ``source``, else the first thing that was asked."""
    first = next((message.text for message in said if message.role == "user"), said[0].text)
    return optional(row.fields, "source") or digest(first)


def turns(value: Any, field: str, *, alone: Role | None = None) -> list[Message]:
    """Messages in any of the usual spellings.

    Args:
        value: A list of them; with ``alone`` also one, or a plain text.
        field: Where it stands.
        alone: Who says a plain text.

    Raises:
        RowError: Naming the message and its field.
    """
    if alone is not None and isinstance(value, Mapping):
        return [_turn(value, field)]
    if alone is not None and not isinstance(value, list | tuple):
        return [Message(alone, text(value, field).strip())]
    return [_turn(each, f"{field}[{place}]") for place, each in enumerate(items(value, field))]


def _turn(value: Any, path: str) -> Message:
    said = record(value, path)
    who = "role" if "role" in said else "from"
    given = said.get(who)
    role = ROLES.get(given.strip().lower()) if isinstance(given, str) else None
    if role is None:
        reason = f"is {short(given)}: use system, user or assistant; turns of tools are not learnt"
        raise RowError(f"{path}.{who}", reason, "role")
    what = next((key for key in ("content", "value", "text") if key in said), "content")
    return Message(role, _content(said.get(what), f"{path}.{what}"))


def _content(value: Any, path: str) -> str:
    """A text, or OpenAI's list of parts where all are texts."""
    if not isinstance(value, list | tuple):
        return text(value, path)
    parts = [record(part, f"{path}[{place}]") for place, part in enumerate(items(value, path))]
    if odd := [part.get("type") for part in parts if part.get("type", "text") != "text"]:
        raise RowError(path, f"has a part of type {short(odd[0])}: only texts are learnt", "type")
    return "".join(text(part.get("text"), f"{path}[{place}].text") for place, part in enumerate(parts))


def _opening(row: Row) -> list[Message]:
    system = optional(row.fields, "system")
    return [Message("system", system)] if system else []


def _history(row: Row) -> list[Message]:
    said: list[Message] = []
    given = row.fields.get("history")
    for place, both in enumerate(items(given, "history") if given else ()):
        path = f"history[{place}]"
        if not isinstance(both, list | tuple) or len(both) != 2:
            raise RowError(path, f"must be a question and its answer: {short(both)}", "type")
        said += [
            Message("user", text(both[0], f"{path}[0]")),
            Message("assistant", text(both[1], f"{path}[1]")),
        ]
    return said


def _asked(task: Mapping[str, Any], given: Mapping[str, Any], path: str) -> list[Message]:
    instruction = text(task.get("instruction"), "instruction")
    told = optional(given, "input")
    asked = f"{instruction}\n\n{told}" if told.strip() else instruction
    return [Message("user", asked), Message("assistant", text(given.get("output"), f"{path}output"))]
