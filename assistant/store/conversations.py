"""Conversations: trees of messages, of which one branch is active.

Asking again or editing adds a sibling, never overwrites: every version stays and can be selected.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from sqlmodel import Session, col, func, or_, select

from assistant.errors import NotFoundError
from assistant.schema import Finish, Role
from assistant.store import exports, sources, text, tree
from assistant.store.access import Action, allow, can
from assistant.store.database import Database
from assistant.store.records import ALL_DOCUMENTS, Conversation, StoredMessage, User
from assistant.store.tables import CollectionRow, ConversationRow, FeedbackRow, MessageRow, new_id, now

TITLE_LENGTH = 60
"""Characters of the first question that become the title of a conversation without one."""


class Conversations:
    """A user's conversations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, user: User, title: str = "") -> Conversation:
        """Begin one. Without a title it takes the first question's words."""
        row = ConversationRow(user_id=user.id, title=_title(title), scope=ALL_DOCUMENTS)
        with self._database.write("the conversation") as session:
            session.add(row)
            session.flush()
            return _record(row)

    def get(self, user: User, conversation_id: str) -> Conversation:
        """One conversation."""
        with self._database.read() as session:
            return _record(owned(session, user, conversation_id))

    def rename(self, user: User, conversation_id: str, title: str) -> Conversation:
        """Give it another title."""
        title = text.name(title, "title")
        with self._database.write("the conversation") as session:
            row = owned(session, user, conversation_id, "write")
            row.title = title
            return _record(row)

    def set_scope(self, user: User, conversation_id: str, scope: str) -> Conversation:
        """Choose what its questions are answered from (JSON, see ``Conversation.scope``)."""
        parsed = exports.load_scope(scope)
        with self._database.write("the conversation") as session:
            row = owned(session, user, conversation_id, "write")
            if not _usable(session, user, parsed):
                raise NotFoundError(kind="collection", value=parsed.collection_id)
            row.scope = parsed.json_text()
            return _record(row)

    def delete(self, user: User, conversation_id: str) -> None:
        """Delete it with all messages, feedback, and the rows of its own files."""
        with self._database.write("the conversation") as session:
            session.delete(owned(session, user, conversation_id, "delete"))
        self._database.scrub()

    def append(
        self,
        user: User,
        conversation_id: str,
        parent_id: str | None,
        role: Role,
        message: str,
        *,
        finish: Finish | None = None,
        detail: str = "{}",
    ) -> StoredMessage:
        """Add a message below ``parent_id`` (``None``: a first message) and make its branch the active one.

        Returns only when the message is safe from kill -9.

        Raises:
            NotFoundError: the parent is not a message of this conversation.
        """
        with self._database.write("the message") as session:
            conversation = owned(session, user, conversation_id, "write")
            if parent_id is not None:
                parent = session.get(MessageRow, parent_id)
                if parent is None or parent.conversation_id != conversation_id:
                    raise NotFoundError(kind="message", value=parent_id)
            row = MessageRow(
                conversation_id=conversation_id,
                parent_id=parent_id,
                position=_next_position(session, conversation_id),
                role=role,
                text=text.storable(message),
                finish=finish,
                detail=text.storable(detail),
            )
            session.add(row)
            conversation.leaf_id = row.id
            conversation.updated = row.created
            if not conversation.title and role == "user":
                conversation.title = _title(row.text)
            session.flush()
            return _place(session, row)

    def update(
        self, user: User, message_id: str, message: str, finish: Finish | None, detail: str = "{}"
    ) -> StoredMessage:
        """Replace the text of a message, as an answer that grew or ended."""
        with self._database.write("the message") as session:
            row = owned_message(session, user, message_id)
            row.text, row.finish = text.storable(message), finish
            row.detail = sources.current(session, text.storable(detail))
            session.flush()
            return _place(session, row)

    def message(self, user: User, message_id: str) -> StoredMessage:
        """One message."""
        with self._database.read() as session:
            return _place(session, owned_message(session, user, message_id))

    def path(self, user: User, conversation_id: str, message_id: str | None = None) -> list[StoredMessage]:
        """The messages from the first to ``message_id``; by default to the end of the active branch."""
        with self._database.read() as session:
            conversation = owned(session, user, conversation_id)
            messages = tree.Tree(_messages(session, conversation_id))
            return messages.path(message_id or conversation.leaf_id)

    def select(self, user: User, message_id: str) -> Conversation:
        """Make the branch through this message the active one, down to its newest message."""
        with self._database.write("the conversation") as session:
            row = owned_message(session, user, message_id)
            conversation = owned(session, user, row.conversation_id, "write")
            conversation.leaf_id = tree.Tree(_messages(session, row.conversation_id)).newest_below(message_id)
            return _record(conversation)

    def export_markdown(self, user: User, conversation_id: str) -> str:
        """The active branch as Markdown."""
        return exports.markdown(self.get(user, conversation_id), self.path(user, conversation_id))

    def export_json(self, user: User, conversation_id: str) -> str:
        """The whole tree as JSON; ``import_json`` of it and another export give the same text."""
        with self._database.read() as session:
            conversation = owned(session, user, conversation_id)
            rows = _messages(session, conversation_id)
            return exports.dump(_record(conversation), rows, _ratings(session, user, conversation_id))

    def import_json(self, user: User, exported: str) -> Conversation:
        """Make a new conversation from an export.

        Raises:
            BadRequestError: not an export, naming the field.
            TooLargeError: over ``exports.SIZE_LIMIT``.
        """
        parsed = exports.load(exported)
        with self._database.write("the conversation") as session:
            usable = _usable(session, user, parsed.scope)
            row = ConversationRow(
                id=new_id(),
                user_id=user.id,
                title=parsed.title,
                scope=parsed.scope.json_text() if usable else ALL_DOCUMENTS,
                created=parsed.created.timestamp(),
                updated=now(),
            )
            session.add(row)
            session.flush()
            rows = parsed.rows(row.id)
            session.add_all(rows)
            row.leaf_id = rows[parsed.active].id if parsed.active is not None else None
            session.flush()
            session.add_all(parsed.ratings(user.id, rows))
            session.flush()
            return _record(row)

    def list(self, user: User, query: str = "", limit: int = 50, offset: int = 0) -> list[Conversation]:
        """The user's conversations, last used first.

        Args:
            user: Whose.
            query: Words that must each be in the title or in some message, in any letter case.
            limit: At most so many.
            offset: Skip so many.
        """
        with self._database.read() as session:
            found = select(ConversationRow).where(ConversationRow.user_id == user.id)
            for word in text.storable(query).split():
                said = select(MessageRow.conversation_id).where(
                    col(MessageRow.text).icontains(word, autoescape=True)
                )
                titled = col(ConversationRow.title).icontains(word, autoescape=True)
                found = found.where(or_(titled, col(ConversationRow.id).in_(said)))
            newest_first = found.order_by(col(ConversationRow.updated).desc())
            rows = session.exec(newest_first.limit(limit).offset(offset))
            return [record for record in map(_record, rows) if can(user, "read", record)]


def owned(session: Session, user: User, conversation_id: str, action: Action = "read") -> ConversationRow:
    """The row, when ``user`` may do ``action``; raises NotFoundError."""
    row = session.get(ConversationRow, conversation_id)
    allow(user, action, _record(row) if row is not None else None, "conversation", conversation_id)
    return cast("ConversationRow", row)


def owned_message(session: Session, user: User, message_id: str) -> MessageRow:
    """The row, when its conversation is the user's; raises NotFoundError."""
    row = session.get(MessageRow, message_id)
    conversation = session.get(ConversationRow, row.conversation_id) if row is not None else None
    record = _record(conversation) if conversation is not None else None
    allow(user, "write", record, "message", message_id)
    return cast("MessageRow", row)


def _messages(session: Session, conversation_id: str) -> list[MessageRow]:
    query = select(MessageRow).where(MessageRow.conversation_id == conversation_id)
    return list(session.exec(query.order_by(col(MessageRow.position))))


def _ratings(session: Session, user: User, conversation_id: str) -> list[FeedbackRow]:
    """The user's own."""
    answers = select(MessageRow.id).where(MessageRow.conversation_id == conversation_id)
    query = select(FeedbackRow).where(FeedbackRow.user_id == user.id)
    return list(session.exec(query.where(col(FeedbackRow.message_id).in_(answers))))


def _place(session: Session, row: MessageRow) -> StoredMessage:
    return tree.Tree(_messages(session, row.conversation_id)).record(row.id)


def _next_position(session: Session, conversation_id: str) -> int:
    query = select(func.max(MessageRow.position)).where(MessageRow.conversation_id == conversation_id)
    last = session.exec(query).one()
    return 0 if last is None else int(last) + 1


def _usable(session: Session, user: User, scope: exports.Scope) -> bool:
    if scope.collection_id is None:
        return True
    row = session.get(CollectionRow, scope.collection_id)
    return row is not None and row.user_id == user.id


def _title(words: str) -> str:
    return " ".join(text.storable(words).split())[:TITLE_LENGTH]


def _record(row: ConversationRow) -> Conversation:
    return Conversation(
        id=row.id,
        user_id=row.user_id,
        title=row.title,
        scope=row.scope,
        created=datetime.fromtimestamp(row.created, UTC),
        updated=datetime.fromtimestamp(row.updated, UTC),
        leaf_id=row.leaf_id,
    )
