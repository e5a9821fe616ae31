"""What users thought of answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal, cast

from sqlmodel import Session, col, select

from assistant.errors import BadRequestError
from assistant.store import text
from assistant.store.access import can
from assistant.store.conversations import owned_message
from assistant.store.database import Database
from assistant.store.records import Feedback, RatedAnswer, User
from assistant.store.tables import FeedbackRow, MessageRow


class Feedbacks:
    """Thumbs up or down with a comment and a better answer, one per user and answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rate(
        self, user: User, message_id: str, value: Literal[-1, 0, 1], comment: str = "", edit: str = ""
    ) -> None:
        """Keep the user's opinion of an answer; 0 takes it back.

        Args:
            user: Whose opinion.
            message_id: An answer in a conversation of theirs.
            value: The thumb.
            comment: What should be better.
            edit: The answer that they would have liked: what a tuning learns in its place.
        """
        if value not in (-1, 0, 1):
            raise BadRequestError(field="value", value=value, remedy="use -1, 0 or 1")
        with self._database.write("the feedback") as session:
            owned_message(session, user, message_id)
            if value == 0:
                row = session.get(FeedbackRow, (user.id, message_id))
                if row is not None:
                    session.delete(row)
            else:
                rated = FeedbackRow(
                    user_id=user.id,
                    message_id=message_id,
                    value=value,
                    comment=text.storable(comment),
                    edit=text.storable(edit),
                )
                session.merge(rated)

    def get(self, user: User, message_id: str) -> Feedback | None:
        """The user's opinion of an answer."""
        with self._database.read() as session:
            owned_message(session, user, message_id)
            row = session.get(FeedbackRow, (user.id, message_id))
            return _record(row) if row is not None else None

    def rows(self, user: User) -> list[RatedAnswer]:
        """Everything the user rated, oldest first, with question and answer."""
        with self._database.read() as session:
            query = (
                select(FeedbackRow).where(FeedbackRow.user_id == user.id).order_by(col(FeedbackRow.created))
            )
            return [_rated(session, row) for row in session.exec(query) if can(user, "read", _record(row))]


def _rated(session: Session, row: FeedbackRow) -> RatedAnswer:
    answer = session.get_one(MessageRow, row.message_id)
    question = session.get(MessageRow, answer.parent_id) if answer.parent_id else None
    return RatedAnswer(_record(row), question.text if question else "", answer.text)


def _record(row: FeedbackRow) -> Feedback:
    return Feedback(
        user_id=row.user_id,
        message_id=row.message_id,
        value=cast("Literal[-1, 1]", row.value),
        comment=row.comment,
        edit=row.edit,
        created=datetime.fromtimestamp(row.created, UTC),
    )
