"""The tables. Only this package sees them; everyone else gets records.

Times are seconds since 1970, UTC. ``Message.parent_id`` has no foreign key on purpose: SQLite follows a
cascade along the chain one trigger level a message and gives up at 1,000.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel


def new_id() -> str:
    """An id that can be neither guessed nor chosen by a client."""
    return uuid.uuid4().hex


def now() -> float:
    """Seconds since 1970, to the microsecond that a ``datetime`` can carry."""
    return datetime.now(UTC).timestamp()


class SchemaRow(SQLModel, table=True):
    """One row: the version of the tables in this database."""

    __tablename__ = "schema_version"
    id: int = Field(default=1, primary_key=True)
    version: int


class UserRow(SQLModel, table=True):
    """An account. ``password`` is an argon2 hash, or empty: cannot sign in with a password."""

    __tablename__ = "user"
    id: str = Field(default_factory=new_id, primary_key=True)
    name: str = Field(unique=True)
    role: str
    password: str = ""
    created: float = Field(default_factory=now)


class KeyRow(SQLModel, table=True):
    """An API key; ``sha256`` of a 256-bit random secret needs no salt."""

    __tablename__ = "api_key"
    id: str = Field(default_factory=new_id, primary_key=True)
    user_id: str = Field(foreign_key="user.id", ondelete="CASCADE", index=True)
    label: str
    hint: str
    sha256: str = Field(unique=True)
    created: float = Field(default_factory=now)


class PreferenceRow(SQLModel, table=True):
    """One preference of one user."""

    __tablename__ = "preference"
    user_id: str = Field(foreign_key="user.id", ondelete="CASCADE", primary_key=True)
    key: str = Field(primary_key=True)
    value: str


class ConversationRow(SQLModel, table=True):
    """A conversation."""

    __tablename__ = "conversation"
    id: str = Field(default_factory=new_id, primary_key=True)
    user_id: str = Field(foreign_key="user.id", ondelete="CASCADE", index=True)
    title: str
    scope: str
    created: float = Field(default_factory=now)
    updated: float = Field(default_factory=now, index=True)
    leaf_id: str | None = None


class MessageRow(SQLModel, table=True):
    """A message; ``position`` counts up within its conversation."""

    __tablename__ = "message"
    __table_args__ = (UniqueConstraint("conversation_id", "position"),)
    id: str = Field(default_factory=new_id, primary_key=True)
    conversation_id: str = Field(foreign_key="conversation.id", ondelete="CASCADE")
    parent_id: str | None = None
    position: int
    role: str
    text: str
    finish: str | None = None
    detail: str = "{}"
    created: float = Field(default_factory=now)


class FeedbackRow(SQLModel, table=True):
    """One opinion of one user on one message."""

    __tablename__ = "feedback"
    user_id: str = Field(foreign_key="user.id", ondelete="CASCADE", primary_key=True)
    message_id: str = Field(foreign_key="message.id", ondelete="CASCADE", primary_key=True)
    value: int
    comment: str
    edit: str = Field(default="", sa_column_kwargs={"server_default": ""})
    created: float = Field(default_factory=now)


class CollectionRow(SQLModel, table=True):
    """A collection; those of one conversation go with it."""

    __tablename__ = "collection"
    __table_args__ = (UniqueConstraint("user_id", "name"), UniqueConstraint("conversation_id"))
    id: str = Field(default_factory=new_id, primary_key=True)
    user_id: str = Field(foreign_key="user.id", ondelete="CASCADE")
    name: str
    kind: str
    conversation_id: str | None = Field(default=None, foreign_key="conversation.id", ondelete="CASCADE")
    created: float = Field(default_factory=now)


class DocumentRow(SQLModel, table=True):
    """A document; the same bytes are in a collection once."""

    __tablename__ = "document"
    __table_args__ = (UniqueConstraint("collection_id", "sha256"),)
    id: str = Field(default_factory=new_id, primary_key=True)
    user_id: str = Field(foreign_key="user.id", ondelete="CASCADE", index=True)
    collection_id: str = Field(foreign_key="collection.id", ondelete="CASCADE")
    title: str
    filename: str
    media_type: str
    sha256: str
    size: int
    pages: int = 0
    characters: int = 0
    chunks: int = 0
    language: str = ""
    removed: int = 0
    state: str = "waiting"
    progress: float = 0.0
    error: str = ""
    created: float = Field(default_factory=now)
