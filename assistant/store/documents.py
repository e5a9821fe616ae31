"""Rows about documents. Their bytes, text and vectors are the library's."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from sqlmodel import Session, col, select

from assistant.errors import ConflictError
from assistant.store import sources, text
from assistant.store.access import COMMON, Action, allow, can
from assistant.store.collections import owned as owned_collection
from assistant.store.database import Database
from assistant.store.records import DocumentRecord, DocumentState, User
from assistant.store.tables import CollectionRow, DocumentRow, new_id
from assistant.store.users import Users


class Documents:
    """A user's documents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        user: User,
        collection_id: str,
        *,
        title: str,
        filename: str,
        media_type: str,
        sha256: str,
        size: int,
        document_id: str | None = None,
    ) -> DocumentRecord:
        """Register a document in state ``waiting``.

        Args:
            user: Who adds it; the collection must be the user's.
            collection_id: Where to.
            title: What lists and citations call it.
            filename: As the user named it.
            media_type: By content, not by name.
            sha256: Of the original bytes.
            size: Bytes.
            document_id: An id made by the caller (a server-made one, never the client's).

        Raises:
            ConflictError: the collection holds these bytes already (see ``by_sha256``).
        """
        with self._database.write("the document") as session:
            owned_collection(session, user, collection_id, "write")
            if _same(session, collection_id, sha256) is not None:
                raise ConflictError(kind="document", value=title, detail="is in this collection already")
            row = DocumentRow(
                id=document_id or new_id(),
                user_id=user.id,
                collection_id=collection_id,
                title=text.storable(title),
                filename=text.storable(filename),
                media_type=media_type,
                sha256=sha256,
                size=size,
            )
            session.add(row)
            session.flush()
            return _record(row)

    def set_state(
        self,
        user: User,
        document_id: str,
        state: DocumentState,
        *,
        progress: float = 0.0,
        error: str = "",
        **facts: Any,
    ) -> DocumentRecord:
        """Move a document on. ``facts``: title, pages, characters, chunks, language, removed."""
        unknown = set(facts) - {"title", "pages", "characters", "chunks", "language", "removed"}
        if unknown:
            raise TypeError(f"not facts about a document: {sorted(unknown)}")
        with self._database.write("the document") as session:
            row = _owned(session, user, document_id, "write")
            row.state, row.progress, row.error = state, progress, text.storable(error)
            for field, value in facts.items():
                setattr(row, field, text.storable(value) if isinstance(value, str) else value)
            return _record(row)

    def get(self, user: User, document_id: str) -> DocumentRecord:
        """One document."""
        with self._database.read() as session:
            return _record(_owned(session, user, document_id, "read"))

    def by_sha256(self, user: User, collection_id: str, sha256: str) -> DocumentRecord | None:
        """The document with these bytes in this collection."""
        with self._database.read() as session:
            owned_collection(session, user, collection_id)
            row = _same(session, collection_id, sha256)
            return _record(row) if row is not None else None

    def delete(self, user: User, document_id: str) -> None:
        """Delete the row, and what answers quote of it: from now on no search returns the document."""
        with self._database.write("the document") as session:
            session.delete(_owned(session, user, document_id, "delete"))
            sources.forget(session, user.id, [document_id])
        self._database.scrub()

    def ready_ids(self, user: User, collection_ids: Sequence[str] | None = None) -> list[str]:
        """Documents that a search may return.

        Args:
            user: Whose; the common ones are everybody's.
            collection_ids: Only these collections; ``None``: all but the files of single conversations.

        Raises:
            NotFoundError: one of the collections is not the user's.
        """
        with self._database.read() as session:
            query = select(DocumentRow.id).where(_readable(user), DocumentRow.state == "ready")
            if collection_ids is None:
                shown = select(CollectionRow.id).where(CollectionRow.kind != "chat")
                query = query.where(col(DocumentRow.collection_id).in_(shown))
            else:
                for collection_id in collection_ids:
                    owned_collection(session, user, collection_id)
                query = query.where(col(DocumentRow.collection_id).in_(collection_ids))
            return list(session.exec(query))

    def unfinished(self) -> list[tuple[User, DocumentRecord]]:
        """Documents whose import did not end, with their owners: what a start after a kill sweeps."""
        return self._everybody(col(DocumentRow.state).not_in(["ready", "failed"]))

    def ready(self, known: Container[str], most: int) -> list[tuple[User, DocumentRecord]]:
        """Documents that can be searched and are not known yet, with their owners, newest first.

        Args:
            known: Ids to leave out: who asks every few seconds gets only what is new.
            most: Documents at most.
        """
        newest = col(DocumentRow.created).desc()
        with self._database.read() as session:
            ids = session.exec(select(DocumentRow.id).where(DocumentRow.state == "ready").order_by(newest))
            new = [id_ for id_ in ids if id_ not in known][:most]
        return self._everybody(col(DocumentRow.id).in_(new)) if new else []

    def _everybody(self, which: Any) -> list[tuple[User, DocumentRecord]]:
        with self._database.read() as session:
            rows = session.exec(select(DocumentRow).where(which).order_by(col(DocumentRow.created).desc()))
            records = [_record(row) for row in rows]
        users = Users(self._database)
        return [(users.get(record.user_id), record) for record in records]

    def ids(self) -> set[str]:
        """Every document there is, of all users: to tell which files and index rows belong to none."""
        with self._database.read() as session:
            return set(session.exec(select(DocumentRow.id)))

    def list(self, user: User, collection_id: str | None = None) -> list[DocumentRecord]:
        """Documents of a collection, or all that the user reads (single conversations' too), newest first."""
        with self._database.read() as session:
            query = select(DocumentRow).where(_readable(user))
            if collection_id is not None:
                owned_collection(session, user, collection_id)
                query = query.where(DocumentRow.collection_id == collection_id)
            rows = session.exec(query.order_by(col(DocumentRow.created).desc()))
            return [record for record in map(_record, rows) if can(user, "read", record)]


def _readable(user: User) -> Any:
    return col(DocumentRow.user_id).in_([user.id, COMMON])


def _owned(session: Session, user: User, document_id: str, action: Action) -> DocumentRow:
    row = session.get(DocumentRow, document_id)
    allow(user, action, _record(row) if row is not None else None, "document", document_id)
    return cast("DocumentRow", row)


def _same(session: Session, collection_id: str, sha256: str) -> DocumentRow | None:
    query = select(DocumentRow).where(
        DocumentRow.collection_id == collection_id, DocumentRow.sha256 == sha256
    )
    return session.exec(query).first()


def _record(row: DocumentRow) -> DocumentRecord:
    values = row.model_dump()
    return DocumentRecord(**{**values, "created": datetime.fromtimestamp(row.created, UTC)})
