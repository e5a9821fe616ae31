"""The store: everything that must outlive the process, one user at a time."""

from __future__ import annotations

from pathlib import Path

from sqlmodel import col, delete

from assistant.store.collections import Collections
from assistant.store.conversations import Conversations
from assistant.store.database import Database
from assistant.store.documents import Documents
from assistant.store.feedback import Feedbacks
from assistant.store.preferences import Preferences
from assistant.store.records import User
from assistant.store.tables import CollectionRow, ConversationRow, PreferenceRow
from assistant.store.users import Users


class Store:
    """One database. Every call names the acting user, and returns values, never rows.

    What belongs to someone else is not there: reading, changing or deleting it raises ``NotFoundError``.
    """

    def __init__(self, url: str) -> None:
        """``url`` as SQLAlchemy writes it, e.g. ``sqlite:////home/ada/.local/share/youju/youju.db``."""
        self._database = Database(url)
        self.users = Users(self._database)
        self.collections = Collections(self._database)
        self.documents = Documents(self._database)
        self.conversations = Conversations(self._database)
        self.feedback = Feedbacks(self._database)
        self.settings = Preferences(self._database)

    def migrate(self) -> None:
        """Create or update the tables; call it once before anything else."""
        self._database.migrate()

    def delete_user_data(self, user: User) -> None:
        """Delete what the user wrote, added and chose. Account, password and keys stay."""
        with self._database.write("the deletion") as session:
            for table in (ConversationRow, CollectionRow, PreferenceRow):
                session.exec(delete(table).where(col(table.user_id) == user.id))
        self._database.scrub()

    def copy(self, target: Path) -> None:
        """Write everything but the guests' to a new SQLite file; see ``Database.copy``."""
        self._database.copy(target)

    def close(self) -> None:
        """Write everything into the one file and let go of it."""
        self._database.close()
