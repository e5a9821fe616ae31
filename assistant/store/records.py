"""What the store returns: frozen values that stay true after the transaction, never rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from assistant.schema import Finish, Role

UserRole = Literal["admin", "member", "guest"]
DocumentState = Literal["waiting", "parsing", "embedding", "ready", "failed"]
CollectionKind = Literal["default", "named", "chat"]
ALL_DOCUMENTS = '{"mode": "all"}'
"""The scope of a new conversation."""


@dataclass(frozen=True, slots=True)
class User:
    """The person on whose behalf a call is made."""

    id: str
    name: str
    role: UserRole
    language: str = ""
    """``en``, ``zh``, or empty: as the browser asks."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without the secret: that was shown once, when it was made."""

    id: str
    user_id: str
    label: str
    hint: str
    """The first characters of the secret, to tell keys apart."""
    created: datetime


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of documents."""

    id: str
    user_id: str
    name: str
    kind: CollectionKind
    """``chat``: the files of one conversation, hidden from lists."""
    conversation_id: str | None
    """Set for kind ``chat`` only."""
    documents: int
    created: datetime


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """What is known about an added file; its text lives beside the index."""

    id: str
    user_id: str
    collection_id: str
    title: str
    filename: str
    """As the user named it, for display and download; never part of a path."""
    media_type: str
    sha256: str
    """Of the original bytes."""
    size: int
    """Bytes."""
    pages: int
    characters: int
    chunks: int
    language: str
    removed: int
    """Hidden characters taken out of the text."""
    state: DocumentState
    progress: float
    """0..1 of the work, until ``ready``."""
    error: str
    """Why it is ``failed``, for the user."""
    created: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    """A tree of messages with one active branch."""

    id: str
    user_id: str
    title: str
    scope: str
    """JSON: ``{"mode": "all|chat|none|collection", "collection_id": …}``."""
    created: datetime
    updated: datetime
    leaf_id: str | None
    """The last message of the active branch."""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message and its place among its versions (messages with the same parent)."""

    id: str
    conversation_id: str
    parent_id: str | None
    role: Role
    text: str
    finish: Finish | None
    """``None`` for questions, and for an answer still being written."""
    detail: str
    """JSON: citations, verdicts, settings; the web layer's to define."""
    created: datetime
    version: int
    """From 1."""
    versions: int
    previous_id: str | None
    next_id: str | None


@dataclass(frozen=True, slots=True)
class Feedback:
    """A user's opinion of one answer."""

    user_id: str
    message_id: str
    value: Literal[-1, 1]
    comment: str
    edit: str
    """The answer that the user would have liked; empty where they wrote none."""
    created: datetime


@dataclass(frozen=True, slots=True)
class RatedAnswer:
    """Feedback with the pair it is about: a row to train or evaluate on."""

    feedback: Feedback
    question: str
    answer: str
