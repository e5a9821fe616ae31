"""A conversation as a file: Markdown for people, JSON that can be imported again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from assistant.errors import BadRequestError, TooLargeError
from assistant.schema import Finish
from assistant.store.records import Conversation, StoredMessage
from assistant.store.tables import FeedbackRow, MessageRow, new_id
from assistant.store.text import NAME_LIMIT, storable

SIZE_LIMIT = 20_000_000
"""Bytes of an export that is imported."""
MESSAGES_LIMIT = 10_000


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Scope(_Strict):
    """What questions are answered from."""

    mode: Literal["all", "chat", "none", "collection"] = "all"
    collection_id: str | None = None

    @model_validator(mode="after")
    def _names_its_collection(self) -> Scope:
        if (self.mode == "collection") != (self.collection_id is not None):
            raise ValueError("collection_id goes with mode 'collection', and only with it")
        return self

    def json_text(self) -> str:
        """The one spelling that is stored."""
        return json.dumps(self.model_dump(exclude_none=True))


class ExportedMessage(_Strict):
    """A message; ``parent`` is the place of its parent in the list, always an earlier one.

    ``thumb``, ``comment`` and ``edit`` (the answer they would have liked) are what its reader thought of it;
    exports of old have none.
    """

    parent: int | None
    role: Literal["user", "assistant", "system"]
    text: str
    finish: Finish | None = None
    detail: str = "{}"
    created: datetime
    thumb: Literal[-1, 1] | None = None
    comment: str = ""
    edit: str = ""

    @field_validator("detail")
    @classmethod
    def _is_json_object(cls, value: str) -> str:
        if not isinstance(json.loads(value), dict):
            raise ValueError("must be a JSON object")
        return value


class ExportedConversation(_Strict):
    """The whole tree of a conversation, without ids: they would mean nothing elsewhere."""

    format: Literal["youju.conversation.1"]
    title: str = Field(max_length=NAME_LIMIT)
    scope: Scope
    created: datetime
    active: int | None
    messages: list[ExportedMessage] = Field(max_length=MESSAGES_LIMIT)

    @model_validator(mode="after")
    def _is_a_tree(self) -> ExportedConversation:
        for place, message in enumerate(self.messages):
            if message.parent is not None and not 0 <= message.parent < place:
                raise ValueError(f"messages.{place}.parent must name an earlier message")
        if self.active is not None and not 0 <= self.active < len(self.messages):
            raise ValueError("active must name a message")
        return self

    def ratings(self, user_id: str, rows: Sequence[MessageRow]) -> list[FeedbackRow]:
        """The thumbs, for the ``rows`` made of these messages."""
        return [
            FeedbackRow(
                user_id=user_id,
                message_id=row.id,
                value=message.thumb,
                comment=storable(message.comment),
                edit=storable(message.edit),
            )
            for row, message in zip(rows, self.messages, strict=True)
            if message.thumb is not None
        ]

    def rows(self, conversation_id: str) -> list[MessageRow]:
        """The messages with new ids, in order."""
        ids = [new_id() for _ in self.messages]
        return [
            MessageRow(
                id=ids[place],
                conversation_id=conversation_id,
                parent_id=None if message.parent is None else ids[message.parent],
                position=place,
                role=message.role,
                text=storable(message.text),
                finish=message.finish,
                detail=storable(message.detail),
                created=message.created.timestamp(),
            )
            for place, message in enumerate(self.messages)
        ]


def dump(conversation: Conversation, rows: Sequence[MessageRow], ratings: Sequence[FeedbackRow]) -> str:
    """A conversation as JSON, with the ratings of its messages."""
    rated = {rating.message_id: rating for rating in ratings}
    places = {row.id: place for place, row in enumerate(rows)}
    exported = ExportedConversation(
        format="youju.conversation.1",
        title=conversation.title,
        scope=Scope.model_validate_json(conversation.scope),
        created=conversation.created,
        active=places.get(conversation.leaf_id or ""),
        messages=[
            ExportedMessage(
                parent=places.get(row.parent_id or ""),
                role=row.role,  # type: ignore[arg-type]  # validated by the model
                text=row.text,
                finish=Finish(row.finish) if row.finish is not None else None,
                detail=row.detail,
                created=datetime.fromtimestamp(row.created, UTC),
                thumb=rated[row.id].value if row.id in rated else None,  # type: ignore[arg-type]  # validated
                comment=rated[row.id].comment if row.id in rated else "",
                edit=rated[row.id].edit if row.id in rated else "",
            )
            for row in rows
        ],
    )
    return exported.model_dump_json(indent=1)


def load_scope(text: str) -> Scope:
    """Check a scope; raises BadRequestError."""
    try:
        return Scope.model_validate_json(storable(text))
    except ValidationError as error:
        remedy = f"{error.errors()[0]['msg']}; see Conversation.scope"
        raise BadRequestError(field="scope", value=repr(text)[:80], remedy=remedy) from error


def load(exported: str) -> ExportedConversation:
    """Check an export; raises BadRequestError naming the field, or TooLargeError."""
    size = len(exported.encode("utf-8", "surrogatepass"))
    if size > SIZE_LIMIT:
        raise TooLargeError(
            field="file", value=f"{size} bytes", limit=f"{SIZE_LIMIT} bytes", remedy="split it"
        )
    try:
        return ExportedConversation.model_validate_json(storable(exported))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "file"
        remedy = f"{first['msg']}; choose a file that was exported as JSON"
        raise BadRequestError(field=field, value=repr(first["input"])[:80], remedy=remedy) from error


def markdown(conversation: Conversation, messages: Sequence[StoredMessage]) -> str:
    """The given messages as Markdown; the text of each goes in as it is."""
    lines = [f"# {conversation.title}", "", f"*{conversation.created:%Y-%m-%d %H:%M} UTC*", ""]
    for message in messages:
        lines += [f"## {message.role}", "", message.text, "", *_sources(message.detail)]
    return "\n".join(lines).rstrip() + "\n"


def _sources(detail: str) -> list[str]:
    """The citations that the detail of an answer names, one a line."""
    citations = json.loads(detail).get("citations", [])
    lines = []
    for citation in citations:
        page = f", p. {citation['page']}" if citation.get("page") else ""
        passage = " ".join(str(citation.get("text", "")).split())
        lines.append(
            f"> [{citation.get('n')}] {citation.get('title', '')}{page}" + f": {passage}" * bool(passage)
        )
    return [*lines, ""] if lines else []
