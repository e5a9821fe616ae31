"""What was acknowledged stays, whatever happens next; what failed changed nothing."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from assistant.errors import DatabaseFileError, StorageError
from assistant.store import Store, User, database

WRITER = """
import sys
from assistant.store import Store
store = Store(sys.argv[1])
store.migrate()
user = store.users.local()
chat = store.conversations.create(user)
parent = None
for count in range(100_000):
    message = store.conversations.append(user, chat.id, parent, "user", f"message {count}")
    parent = message.id
    print(message.id, flush=True)
    if count % 5 == 4:
        doomed = store.conversations.create(user, "doomed")
        store.conversations.delete(user, doomed.id)
        print("deleted", doomed.id, flush=True)
"""


def test_acknowledged_writes_survive_kill_9(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'youju.db'}"
    dice = random.Random(7)
    ledger: list[str] = []
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            acknowledged = [writer.stdout.readline() for _ in range(dice.randrange(3, 30))]
            writer.send_signal(signal.SIGKILL)
            acknowledged += writer.stdout.readlines()
        ledger += [line.strip() for line in acknowledged if line.endswith("\n")]

    store = Store(url)
    store.migrate()
    user = store.users.local()
    present = {
        m.id for chat in store.conversations.list(user) for m in store.conversations.path(user, chat.id)
    }
    assert {line for line in ledger if not line.startswith("deleted")} <= present
    deleted = {line.split()[1] for line in ledger if line.startswith("deleted")}
    assert deleted
    assert deleted.isdisjoint(chat.id for chat in store.conversations.list(user, limit=1000))
    store.close()


@contextmanager
def fault_at(store: Store, place: int, reason: str) -> Iterator[list[int]]:
    """Make the ``place``-th statement fail as SQLite fails; yields a list with the count of statements."""
    count = [0]

    def statement(*_: Any) -> None:
        count[0] += 1
        if count[0] == place:
            raise sqlite3.OperationalError(reason)

    engine = store._database.engine
    event.listen(engine, "before_cursor_execute", statement)
    try:
        yield count
    finally:
        event.remove(engine, "before_cursor_execute", statement)


def state(store: Store) -> list[str]:
    assert store._database.path is not None
    return list(sqlite3.connect(store._database.path).iterdump())


def writes(store: Store, user: User) -> dict[str, Callable[[], Any]]:
    chat = store.conversations.create(user, "kept")
    message = store.conversations.append(user, chat.id, None, "user", "q")
    exported = store.conversations.export_json(user, chat.id)
    collection = store.collections.create(user, "kept")
    new = {"title": "t", "filename": "f", "media_type": "m", "sha256": "s", "size": 1}
    return {
        "append": lambda: store.conversations.append(user, chat.id, message.id, "assistant", "a"),
        "update": lambda: store.conversations.update(user, message.id, "b", None),
        "import": lambda: store.conversations.import_json(user, exported),
        "add": lambda: store.documents.add(user, collection.id, **new),  # type: ignore[arg-type]
        "default": lambda: store.collections.default(user),
        "rate": lambda: store.feedback.rate(user, message.id, 1),
        "key": lambda: store.users.create_key(user, "x"),
        "delete": lambda: store.conversations.delete(user, chat.id),
        "delete all": lambda: store.delete_user_data(user),
    }


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "name", ["append", "update", "import", "add", "default", "rate", "key", "delete", "delete all"]
)
def test_a_fault_at_any_statement_leaves_before_or_after(store: Store, ada: User, name: str) -> None:
    call = writes(store, ada)[name]
    before, advice = state(store), []
    for place in range(1, 100):
        with fault_at(store, place, "database or disk is full") as count:
            try:
                call()
            except StorageError as error:
                advice.append(error.fields["remedy"])
            if count[0] < place:
                break
        if state(store) != before:  # committed, and only the clean-up after it failed
            break
    else:
        pytest.fail("never got through")
    assert set(advice) == {"free some disk space and try again"}
    assert state(store) != before


@pytest.mark.sqlite
def test_a_full_disk_is_said_and_survived(tmp_path: Path, store: Store, ada: User) -> None:
    chat = store.conversations.create(ada, "kept")
    engine = store._database.engine
    pages = sqlite3.connect(tmp_path / "youju.db").execute("PRAGMA page_count").fetchone()[0]

    def limit(connection: Any, *_: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={pages + 2}")

    event.listen(engine, "checkout", limit)
    with pytest.raises(StorageError, match="free some disk space and try again"):
        store.conversations.append(ada, chat.id, None, "user", "x" * 1_000_000)
    event.remove(engine, "checkout", limit)
    assert store.conversations.path(ada, chat.id) == []


def test_writers_wait_for_one_another(store: Store, ada: User) -> None:
    chats = [store.conversations.create(ada) for _ in range(8)]
    errors: list[BaseException] = []

    def write(chat_id: str) -> None:
        try:
            parent = None
            for count in range(10):
                parent = store.conversations.append(ada, chat_id, parent, "user", str(count)).id
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=write, args=(chat.id,)) for chat in chats]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert all(len(store.conversations.path(ada, chat.id)) == 10 for chat in chats)


def test_writers_of_one_conversation_wait_too(store: Store, ada: User) -> None:
    chat, errors = store.conversations.create(ada), []

    def write(number: int) -> None:
        try:
            for _ in range(5):
                store.conversations.append(ada, chat.id, None, "user", str(number))
                store.collections.default(ada)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    shown = store.conversations.path(ada, chat.id)[-1]
    assert (shown.versions, len(store.collections.list(ada))) == (40, 1)


@pytest.mark.sqlite
def test_deleted_text_leaves_the_disk(tmp_path: Path, store: Store, ada: User) -> None:
    chat = store.conversations.create(ada, "x")
    message = store.conversations.append(ada, chat.id, None, "user", "nonce-7f3a " * 2000)
    store.feedback.rate(ada, message.id, 1, "nonce-7f3a")
    assert any(b"nonce-7f3a" in path.read_bytes() for path in tmp_path.glob("youju.db*"))
    store.conversations.delete(ada, chat.id)
    assert not any(b"nonce-7f3a" in path.read_bytes() for path in tmp_path.glob("youju.db*"))


@pytest.mark.sqlite
def test_an_older_database_is_backed_up_and_brought_up(
    tmp_path: Path, store: Store, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = store.conversations.create(ada, "kept")
    store.close()
    monkeypatch.setattr(
        database, "STEPS",
        (*database.STEPS, lambda c: c.exec_driver_sql("ALTER TABLE conversation ADD COLUMN colour TEXT")),
    )  # fmt: skip
    newer = Store(f"sqlite:///{tmp_path / 'youju.db'}")
    newer.migrate()
    newer.migrate()
    assert newer.conversations.get(ada, chat.id).title == "kept"
    newer.close()
    (backup,) = tmp_path.glob("*.bak")
    columns = [row[1] for row in sqlite3.connect(backup).execute("PRAGMA table_info(conversation)")]
    assert "colour" not in columns

    monkeypatch.undo()
    older = Store(f"sqlite:///{tmp_path / 'youju.db'}")
    content = (tmp_path / "youju.db").read_bytes()
    with pytest.raises(DatabaseFileError, match="version 3, this program knows 2; install the newer program"):
        older.migrate()
    older._database.engine.dispose()
    assert (tmp_path / "youju.db").read_bytes() == content

    backup.replace(tmp_path / "youju.db")
    restored = Store(f"sqlite:///{tmp_path / 'youju.db'}")
    restored.migrate()
    assert restored.conversations.get(ada, chat.id).title == "kept"
    restored.close()


@pytest.mark.sqlite
def test_a_database_from_before_better_answers_keeps_its_ratings(
    tmp_path: Path, store: Store, ada: User
) -> None:
    chat = store.conversations.create(ada)
    question = store.conversations.append(ada, chat.id, None, "user", "How long?")
    answer = store.conversations.append(ada, chat.id, question.id, "assistant", "Seven days.")
    store.feedback.rate(ada, answer.id, -1, "wrong")
    store.close()
    with closing(sqlite3.connect(tmp_path / "youju.db")) as old:
        old.execute("ALTER TABLE feedback DROP COLUMN edit")
        old.execute("UPDATE schema_version SET version = 1")
        old.commit()
    newer = Store(f"sqlite:///{tmp_path / 'youju.db'}")
    newer.migrate()
    kept = newer.feedback.get(ada, answer.id)
    assert kept is not None
    assert (kept.value, kept.comment, kept.edit) == (-1, "wrong", "")
    newer.feedback.rate(ada, answer.id, 1, edit="Nine days.")
    assert [row.feedback.edit for row in newer.feedback.rows(ada)] == ["Nine days."]
    newer.close()


@pytest.mark.sqlite
def test_a_failed_step_leaves_the_older_database(
    tmp_path: Path, store: Store, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.close()

    def step(connection: Any) -> None:
        connection.exec_driver_sql("ALTER TABLE conversation ADD COLUMN colour TEXT")
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(database, "STEPS", (*database.STEPS, step))
    with pytest.raises(sqlite3.OperationalError):
        Store(f"sqlite:///{tmp_path / 'youju.db'}").migrate()
    monkeypatch.undo()
    again = Store(f"sqlite:///{tmp_path / 'youju.db'}")
    again.migrate()
    assert again.users.get(ada.id) == ada
    again.close()


def spoil(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "truncated":
        content = content[: len(content) // 2]
    elif how == "zeroed page":
        content[4096:8192] = bytes(4096)
    elif how == "wrong file":
        content = bytearray(b"%PDF-1.7 not a database at all " * 200)
    path.write_bytes(content)


@pytest.mark.sqlite
@pytest.mark.parametrize("how", ["truncated", "zeroed page", "wrong file"])
def test_a_damaged_database_is_named_and_not_touched(
    tmp_path: Path, store: Store, ada: User, how: str
) -> None:
    for count in range(30):
        store.conversations.create(ada, f"{count} " + "x" * 50)
    store.close()
    path = tmp_path / "youju.db"
    spoil(path, how)
    content = path.read_bytes()
    with pytest.raises(DatabaseFileError, match=r"youju\.db: .*backup"):
        Store(f"sqlite:///{path}").migrate()
    assert path.read_bytes() == content


def test_someone_elses_database_is_not_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    with pytest.raises(DatabaseFileError, match="other tables"):
        Store(f"sqlite:///{path}").migrate()


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes to read-only folders")
def test_a_read_only_folder_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(DatabaseFileError, match="unable to open"):
        Store(f"sqlite:///{folder / 'youju.db'}").migrate()
