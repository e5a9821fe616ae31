"""Per-user preferences: language, model, adapter, system prompt, sampling."""

from __future__ import annotations

from assistant.store import text
from assistant.store.database import Database
from assistant.store.records import User
from assistant.store.tables import PreferenceRow


class Preferences:
    """Strings by key; what they mean is the caller's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, user: User, key: str, default: str = "") -> str:
        """The user's value, or ``default``."""
        with self._database.read() as session:
            row = session.get(PreferenceRow, (user.id, key))
            return row.value if row is not None else default

    def set(self, user: User, key: str, value: str) -> None:
        """Keep the user's value."""
        with self._database.write("the preference") as session:
            session.merge(PreferenceRow(user_id=user.id, key=key, value=text.storable(value)))
