"""What is kept: the store, the library of documents and the lock on the data folder."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from assistant.config import Settings
from assistant.errors import ConfigError, HomeLockedError, StorageError
from assistant.store import Store, User

if TYPE_CHECKING:
    from assistant.retrieval.embedder import Embedder
    from assistant.retrieval.library import Library


class Workspace:
    """One data folder, opened. Safe to share between threads.

    Args:
        settings: Where it is.
        embedder: Gives the embedding model when the library first needs it.
        exclusive: Take the folder for this process: needed to write to the index, and by the server.

    Raises:
        HomeLockedError: ``exclusive``, and another process has the folder.
        StorageError: The folder cannot be made or written.
    """

    def __init__(
        self, settings: Settings, embedder: Callable[[], Embedder], *, exclusive: bool = False
    ) -> None:
        self.settings = settings
        self._embedder = embedder
        self._opening = threading.RLock()
        self._library: Library | None = None
        _make(settings)
        self._lock = _take(settings) if exclusive else None
        self.store = Store(settings.database)
        self.store.migrate()

    @property
    def library(self) -> Library:
        """The documents; opening it loads no model. Whoever has the folder also sweeps what a kill left."""
        from assistant.retrieval.library import Library

        with self._opening:
            if self._library is None:
                home = self.settings.home
                library = Library(
                    self.store, home / "index", home / "files", home / "staging", self._embedder
                )
                if self._lock is not None:
                    library.recover()
                self._library = library
            return self._library

    def renew(self) -> None:
        """Make the index anew where it was made with another embedder, if the folder is ours."""
        library = self.library  # opening it sweeps
        if self._lock is not None and library.state().stale:
            library.reindex()

    def reading(self, user: User) -> bool:
        """Whether documents of this user are on their way into the index."""
        return any(each.state not in ("ready", "failed") for each in self.store.documents.list(user))

    def close(self) -> None:
        """Close library and database, give the folder back."""
        with self._opening:
            if self._library is not None:
                self._library.close()
            self.store.close()
            if self._lock is not None:
                self._lock.release()


def _make(settings: Settings) -> None:
    try:
        for name in ("", "files", "staging", "index", "adapters"):
            (settings.home / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as fault:
        remedy = "set YOUJU_HOME to a folder that can be written"
        raise StorageError(what=settings.home, reason=fault.strerror, remedy=remedy) from None


def _take(settings: Settings) -> FileLock:
    path = settings.home / "youju.lock"
    lock = FileLock(path)
    holder = settings.home / "youju.pid"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        pid = holder.read_text().strip() if holder.exists() else "?"
        raise HomeLockedError(path=settings.home, pid=pid) from None
    except OSError as fault:
        raise ConfigError(
            field="home", value=str(settings.home), remedy=f"it cannot be locked: {fault}"
        ) from None
    holder.write_text(str(os.getpid()))
    return lock
