"""The messages of one conversation as a tree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

from assistant.errors import NotFoundError
from assistant.schema import Finish, Role
from assistant.store.records import StoredMessage
from assistant.store.tables import MessageRow


class Tree:
    """Parents, siblings and branches. ``rows`` come in order of ``position``: parents before children."""

    def __init__(self, rows: Sequence[MessageRow]) -> None:
        self._rows = {row.id: row for row in rows}
        self._children: dict[str | None, list[str]] = {}
        for row in rows:
            self._children.setdefault(row.parent_id, []).append(row.id)

    def path(self, message_id: str | None) -> list[StoredMessage]:
        """The messages from the first to ``message_id``; raises NotFoundError when it is not of this tree."""
        found = []
        while message_id is not None:
            found.append(self.record(message_id))
            message_id = found[-1].parent_id
        return found[::-1]

    def newest_below(self, message_id: str) -> str:
        """The message written last among ``message_id`` and all below it."""
        below = {message_id}
        for row in self._rows.values():
            if row.parent_id in below:
                below.add(row.id)
        return max(below, key=lambda found: self._rows[found].position)

    def record(self, message_id: str) -> StoredMessage:
        """One message with its place among its versions."""
        row = self._rows.get(message_id)
        if row is None:
            raise NotFoundError(kind="message", value=message_id)
        siblings = self._children[row.parent_id]
        index = siblings.index(row.id)
        return StoredMessage(
            id=row.id,
            conversation_id=row.conversation_id,
            parent_id=row.parent_id,
            role=cast("Role", row.role),
            text=row.text,
            finish=Finish(row.finish) if row.finish is not None else None,
            detail=row.detail,
            created=datetime.fromtimestamp(row.created, UTC),
            version=index + 1,
            versions=len(siblings),
            previous_id=siblings[index - 1] if index > 0 else None,
            next_id=siblings[index + 1] if index + 1 < len(siblings) else None,
        )
