"""Collections of documents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from sqlmodel import Session, col, func, select

from assistant.errors import ConflictError
from assistant.store import sources, text
from assistant.store.access import COMMON, Action, allow, can
from assistant.store.conversations import owned as owned_conversation
from assistant.store.database import Database
from assistant.store.records import Collection, CollectionKind, User
from assistant.store.tables import CollectionRow, DocumentRow

DEFAULT_NAMES = {"zh": "我的文档"}


class Collections:
    """A user's collections, the hidden ones of single conversations included."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, user: User, name: str) -> Collection:
        """Make a collection; raises ConflictError when the user has one of that name."""
        with self._database.write("the collection") as session:
            return _create(session, user, text.name(name, "name"), "named")

    def get(self, user: User, collection_id: str) -> Collection:
        """One collection."""
        with self._database.read() as session:
            return owned(session, user, collection_id)[1]

    def rename(self, user: User, collection_id: str, name: str) -> Collection:
        """Give it another name; raises ConflictError when that is taken."""
        name = text.name(name, "name")
        with self._database.write("the collection") as session:
            row, _ = owned(session, user, collection_id, "write")
            if row.name != name:
                _refuse_taken(session, user, name)
            row.name = name
            return _record(session, row)

    def delete(self, user: User, collection_id: str) -> None:
        """Delete the collection, the rows of its documents, and what answers quote of them."""
        with self._database.write("the collection") as session:
            row, _ = owned(session, user, collection_id, "delete")
            query = select(DocumentRow.id).where(DocumentRow.collection_id == collection_id)
            sources.forget(session, user.id, session.exec(query).all())
            session.delete(row)
        self._database.scrub()

    def default(self, user: User) -> Collection:
        """Where documents go when nothing else was said; made at the first call."""
        with self._database.write("the collection") as session:
            query = select(CollectionRow).where(CollectionRow.user_id == user.id)
            row = session.exec(query.where(CollectionRow.kind == "default")).first()
            if row is not None:
                return _record(session, row)
            name = DEFAULT_NAMES.get(user.language, "My documents")
            taken = session.exec(query.where(CollectionRow.name == name)).first()
            return _create(session, user, f"{name} (2)" if taken else name, "default")

    def for_chat(self, user: User, conversation_id: str) -> Collection:
        """The hidden collection of one conversation's files; made at the first call."""
        with self._database.write("the collection") as session:
            owned_conversation(session, user, conversation_id, "write")
            row = _of_chat(session, conversation_id)
            if row is not None:
                return _record(session, row)
            return _create(session, user, f"\x1f{conversation_id}", "chat", conversation_id)

    def of_chat(self, user: User, conversation_id: str) -> Collection | None:
        """The same where it exists already, else ``None``."""
        with self._database.read() as session:
            owned_conversation(session, user, conversation_id)
            row = _of_chat(session, conversation_id)
            return _record(session, row) if row is not None else None

    def list(self, user: User) -> list[Collection]:
        """The user's collections and the common ones, oldest first, without those of single conversations."""
        with self._database.read() as session:
            query = select(CollectionRow).where(
                col(CollectionRow.user_id).in_([user.id, COMMON]), CollectionRow.kind != "chat"
            )
            rows = session.exec(query.order_by(col(CollectionRow.created)))
            found = [_record(session, row) for row in rows]
            return [collection for collection in found if can(user, "read", collection)]


def owned(
    session: Session, user: User, collection_id: str, action: Action = "read"
) -> tuple[CollectionRow, Collection]:
    """The row and its record, when ``user`` may do ``action``; raises NotFoundError."""
    row = session.get(CollectionRow, collection_id)
    record = _record(session, row) if row is not None else None
    return cast("CollectionRow", row), allow(user, action, record, "collection", collection_id)


def _of_chat(session: Session, conversation_id: str) -> CollectionRow | None:
    return session.exec(select(CollectionRow).where(CollectionRow.conversation_id == conversation_id)).first()


def _refuse_taken(session: Session, user: User, name: str) -> None:
    query = select(CollectionRow).where(CollectionRow.user_id == user.id, CollectionRow.name == name)
    if session.exec(query).first() is not None:
        raise ConflictError(kind="collection", value=name, detail="exists: choose another name")


def _create(
    session: Session, user: User, name: str, kind: CollectionKind, conversation_id: str | None = None
) -> Collection:
    _refuse_taken(session, user, name)
    row = CollectionRow(user_id=user.id, name=name, kind=kind, conversation_id=conversation_id)
    session.add(row)
    session.flush()
    return _record(session, row)


def _record(session: Session, row: CollectionRow) -> Collection:
    query = select(func.count()).select_from(DocumentRow).where(DocumentRow.collection_id == row.id)
    return Collection(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        kind=cast("CollectionKind", row.kind),
        conversation_id=row.conversation_id,
        documents=session.exec(query).one(),
        created=datetime.fromtimestamp(row.created, UTC),
    )
