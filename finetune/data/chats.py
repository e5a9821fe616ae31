"""Conversations as the assistant's own page exports them: what a person rated is what is learnt.

A thumb up makes the answer an example. A better answer that a person wrote in its place (``edit``) is the
example instead, and preferred to what the model wrote. Of several answers to one question, one with a thumb
up is preferred to each with a thumb down.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant import prompts
from assistant.evidence.words import is_chinese
from assistant.schema import Language, Message
from finetune.data.conversations import ROLES
from finetune.data.rows import Row, RowError, digest, items, optional, record, short, text
from finetune.schema import Example, Fault, Preference

FORMAT = "youju.conversation.1"
_MARK = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer with what led to it.

    Attributes:
        place: In the export.
        asked: What the model was asked, with its passages where it had any.
        text: What it wrote; marks name the passages of ``asked``.
        edit: What a person wrote in its place, or ``""``.
        thumb: 1, -1, or 0 where nobody rated it.
        grounded: It was written from documents.
    """

    place: int
    asked: tuple[Message, ...]
    text: str
    edit: str
    thumb: int
    grounded: bool

    @property
    def language(self) -> Language:
        return "zh" if is_chinese(self.edit or self.text) else "en"


def chat(row: Row) -> Sequence[Example | Preference | Fault]:
    """One exported conversation; a rated answer that cannot be learnt is a fault beside the others.

    Raises:
        RowError: No export of this version, or (not hard) nothing in it was rated.
    """
    if row.fields.get("format") != FORMAT:
        reason = f"is {short(row.fields.get('format'))}: this program reads {FORMAT}"
        raise RowError("format", reason, "format")
    given = items(row.fields.get("messages"), "messages")
    messages = [record(each, f"messages[{n}]") for n, each in enumerate(given)]
    answers: dict[int | None, list[_Answer]] = {}
    faults: list[Fault] = []
    for place in _rated(messages):
        try:
            answer = _answer(messages, place)
        except RowError as fault:
            faults.append(fault.at(row.origin))
        else:
            answers.setdefault(_parent(messages, place), []).append(answer)
    origin = digest("conversation", optional(row.fields, "title"), str(row.fields.get("created")))
    found = [each for rated in answers.values() for each in _learnt(row, rated, origin)]
    if not found and not faults:
        reason = "no answer has a thumb up or was written anew: nothing to learn"
        raise RowError("messages", reason, "unrated", hard=False)
    return [*found, *faults]


def _rated(messages: Sequence[Mapping[str, Any]]) -> list[int]:
    """Places of the answers that a person thought something of."""
    return [
        place
        for place, message in enumerate(messages)
        if message.get("role") == "assistant" and (message.get("thumb") or message.get("edit"))
    ]


def _learnt(row: Row, rated: Sequence[_Answer], origin: str) -> list[Example | Preference]:
    """From the rated answers to one question."""
    found: list[Example | Preference] = []
    best = next((answer for answer in rated if answer.thumb > 0 and not answer.edit), None)
    for answer in rated:
        name = f"chat-{origin}-{answer.place}"
        reply = answer.edit or (answer.text if answer.thumb > 0 else "")
        if reply:
            said = (*answer.asked, Message("assistant", reply))
            task = "grounded" if answer.grounded else "chat"
            found.append(Example(name, said, origin, task, answer.language, row.origin))
        alike = best is not None and answer.thumb < 0 and best.asked == answer.asked
        liked = answer.edit or (best.text if best is not None and alike else "")
        if liked and liked != answer.text:
            found.append(
                Preference(f"{name}-preference", answer.asked, liked, answer.text, origin, row.origin)
            )
    return found


def _answer(messages: Sequence[Mapping[str, Any]], place: int) -> _Answer:
    path = _path(messages, place)
    message = messages[place]
    detail = _detail(message, place)
    passages = _passages(detail, place)
    grounded = bool(detail.get("hits") or passages)
    if grounded and not passages:
        reason = "the passages it was written from are not in the export: the answer is left out"
        raise RowError(f"messages[{place}].detail", reason, "passages", hard=False)
    said = [_message(messages[each], each) for each in path]
    numbers = {number: n for n, number in enumerate(passages, 1)}
    asked = said
    if grounded:
        question = optional(detail, "query") or said[-1].text
        asked = prompts.grounded(question, list(passages.values()), "zh" if is_chinese(question) else "en")
    written = text(message.get("text"), f"messages[{place}].text")
    edit = optional(message, "edit")
    return _Answer(
        place,
        tuple(asked),
        _marked(written, numbers),
        _marked(edit, numbers),
        _thumb(message, place),
        grounded,
    )


def _path(messages: Sequence[Mapping[str, Any]], place: int) -> list[int]:
    """The messages that led to one, oldest first."""
    path: list[int] = []
    above = _parent(messages, place)
    while above is not None:
        path.append(above)
        above = _parent(messages, above)
    if not path or messages[path[0]].get("role") != "user":
        raise RowError(f"messages[{place}].parent", "an answer stands below its question", "role")
    return path[::-1]


def _parent(messages: Sequence[Mapping[str, Any]], place: int) -> int | None:
    parent = messages[place].get("parent")
    if parent is None:
        return None
    if isinstance(parent, bool) or not isinstance(parent, int) or not 0 <= parent < place:
        raise RowError(f"messages[{place}].parent", f"is {short(parent)}: name an earlier message", "type")
    return parent


def _message(message: Mapping[str, Any], place: int) -> Message:
    role = ROLES.get(str(message.get("role")))
    if role is None:
        raise RowError(f"messages[{place}].role", f"is {short(message.get('role'))}", "role")
    return Message(role, text(message.get("text"), f"messages[{place}].text"))


def _thumb(message: Mapping[str, Any], place: int) -> int:
    thumb = message.get("thumb")
    if thumb not in (None, -1, 1) or isinstance(thumb, bool):
        raise RowError(f"messages[{place}].thumb", f"is {short(thumb)}: use 1, -1 or null", "type")
    return thumb or 0


def _detail(message: Mapping[str, Any], place: int) -> Mapping[str, Any]:
    given = message.get("detail", "{}")
    try:
        return record(json.loads(given), f"messages[{place}].detail")
    except (TypeError, ValueError):
        raise RowError(f"messages[{place}].detail", f"is no JSON: {short(given)}", "json") from None


def _passages(detail: Mapping[str, Any], place: int) -> dict[int, str]:
    """What was cited, by number: all that an export keeps of the documents, and only while they are there."""
    found: dict[int, list[tuple[int, str]]] = {}
    given = detail.get("citations")
    for citation in items(given, f"messages[{place}].detail.citations") if given else ():
        cited = record(citation, f"messages[{place}].detail.citations")
        number, start, quoted = cited.get("n"), cited.get("start"), cited.get("text")
        if isinstance(number, int) and isinstance(quoted, str) and quoted.strip():
            begins = start if isinstance(start, int) else 0
            found.setdefault(number, []).append((begins, quoted))
    return {number: " ".join(quoted for _, quoted in sorted(set(found[number]))) for number in sorted(found)}


def _marked(written: str, numbers: Mapping[int, int]) -> str:
    """The text with the marks that its passages now have; a mark without a passage goes."""
    if not numbers:
        return written
    marks = {str(old): f"[{new}]" for old, new in numbers.items()}
    return _MARK.sub(lambda mark: marks.get(mark[1], ""), written)
