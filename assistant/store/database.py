"""Connections, transactions and the version of the tables.

SQLite runs in WAL with ``synchronous=FULL``: what a call returned from survives kill -9 and power loss.
Writers say ``BEGIN IMMEDIATE``: a transaction that reads first and writes later would otherwise fail at
once with "database is locked", whatever the busy timeout. On Postgres a lock that ends with the transaction
does the same: one writer at a time, so what a transaction read still holds when it writes.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.exc import DatabaseError, DataError, OperationalError
from sqlmodel import Session, SQLModel, create_engine

from assistant.errors import ConfigError, DatabaseFileError, NotFoundError, StorageError
from assistant.store.tables import SchemaRow

Step = Callable[[Connection], object]
STEPS: tuple[Step, ...] = (
    lambda tables: tables.exec_driver_sql("ALTER TABLE feedback ADD COLUMN edit VARCHAR NOT NULL DEFAULT ''"),
)
"""Step ``i`` takes tables of version ``i + 1`` to ``i + 2``; a new database starts at the newest."""

BUSY_MS = 10_000
_WRITERS = 0x796F756A75  # "youju": any number that no other program of this server locks
_REMEDY = "move it away and put the newest backup (*.bak beside it) in its place"


class Database:
    """One database, and the only place that opens transactions on it."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url)
        self._writer = self.engine.execution_options(writes=True)
        database = self.engine.url.database
        self.path = Path(database) if self.engine.dialect.name == "sqlite" and database else None
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _configure)
            event.listen(self.engine, "begin", _begin)
        elif self.engine.dialect.name == "postgresql":
            event.listen(self.engine, "begin", _queue_writers)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session over one consistent state."""
        with _ids_are_text(), Session(self.engine) as session:
            yield session

    @contextmanager
    def write(self, what: str) -> Iterator[Session]:
        """A session that is committed as a whole when the block ends, or not at all.

        Raises:
            StorageError: the disk or the database did not take it.
        """
        try:
            with _ids_are_text(), Session(self._writer) as session:
                yield session
                session.commit()
        except OperationalError as error:
            reason = str(error.orig)
            raise StorageError(what=what, reason=reason, remedy=_advice(reason)) from error

    def scrub(self) -> None:
        """Make deleted text leave the disk: empty the write-ahead log (pages are zeroed on delete).

        The deletion is committed by then, so a failure is left to the next call.
        """
        if self.path is not None:
            with suppress(DatabaseError), self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Move the write-ahead log into the database and close every connection."""
        self.scrub()
        self.engine.dispose()

    def migrate(self) -> None:
        """Create the tables, or bring those of an older version up to date after a backup.

        Raises:
            DatabaseFileError: damaged, not a database, or written by a newer version. The file is untouched.
        """
        newest = 1 + len(STEPS)
        version = self._version()
        if version > newest:
            reason = f"its tables have version {version}, this program knows {newest}"
            raise DatabaseFileError(path=self._name, reason=reason, remedy="install the newer program again")
        if 0 < version < newest:
            self._backup(version)
        with self.write("the tables") as session:
            connection = session.connection()
            if version == 0:
                SQLModel.metadata.create_all(connection)
            for step in STEPS[version - 1 :] if version else ():
                step(connection)
            session.merge(SchemaRow(version=newest))

    def copy(self, target: Path) -> None:
        """Write the database as it is now to a new file, without the guests and what is theirs.

        Raises:
            ConfigError: It is no SQLite; a database server has backups of its own.
            StorageError: The disk did not take it.
        """
        if self.path is None:
            remedy = "back the database server up by its own means"
            raise ConfigError(field="snapshots", value=self._name, remedy=f"it is no SQLite file: {remedy}")
        try:
            with closing(sqlite3.connect(self.path)) as source, closing(sqlite3.connect(target)) as copy:
                source.backup(copy)
                copy.execute("PRAGMA foreign_keys=ON")
                copy.execute("DELETE FROM user WHERE role = 'guest'")
                copy.commit()
                copy.execute("VACUUM")  # else the pages of what was deleted would go along
        except (OSError, sqlite3.Error) as error:
            raise StorageError(what="the snapshot", reason=str(error), remedy=_advice(str(error))) from error

    @property
    def _name(self) -> str:
        return str(self.path or self.engine.url.render_as_string(hide_password=True))

    def _version(self) -> int:
        try:
            with self.engine.connect() as connection:
                self._examine(connection)
                tables = inspect(connection).get_table_names()
                if SchemaRow.__tablename__ in tables:
                    return int(connection.execute(text("SELECT version FROM schema_version")).scalar_one())
        except DatabaseError as error:
            raise DatabaseFileError(path=self._name, reason=str(error.orig), remedy=_REMEDY) from error
        if tables:
            raise DatabaseFileError(
                path=self._name, reason="it holds other tables", remedy="name another file"
            )
        return 0

    def _examine(self, connection: Connection) -> None:
        if self.path is not None:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
            if found != "ok":
                raise DatabaseFileError(
                    path=self._name, reason=f"it is damaged ({' '.join(found.split())})", remedy=_REMEDY
                )

    def _backup(self, version: int) -> None:
        if self.path is None:
            return
        target = self.path.with_name(f"{self.path.name}.v{version}-{time.strftime('%Y%m%d-%H%M%S')}.bak")
        with sqlite3.connect(self.path) as source, sqlite3.connect(target) as copy:
            source.backup(copy)
        source.close()
        copy.close()


@contextmanager
def _ids_are_text() -> Iterator[None]:
    """What a client sends as an id may hold half a surrogate pair, or a NUL; no row has such an id."""
    try:
        yield
    except DataError as error:
        if "NUL" not in str(error.orig):
            raise
        raise NotFoundError(kind="object", value=str(error.orig)) from error
    except UnicodeEncodeError as error:
        raise NotFoundError(kind="object", value=error.object[:100]) from error


def _configure(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _queue_writers(connection: Connection) -> None:
    if connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")


def _advice(reason: str) -> str:
    if "full" in reason:
        return "free some disk space and try again"
    if "readonly" in reason or "read-only" in reason:
        return "make the data folder writable"
    return "try again"
