"""Copies on a mounted folder: complete or absent, and an empty data folder starts from the newest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes import WordEmbedder, opened

from assistant.assistant import Assistant
from assistant.config import Settings
from assistant.errors import ConfigError, DatabaseFileError, StorageError
from assistant.hosting import snapshots

LEAVE = b"# Leave\n\nEvery employee has 25 days of paid leave.\n"
Open = Callable[[str], Assistant]


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    path = tmp_path / "bucket"
    path.mkdir()
    return path


@pytest.fixture
def start(tmp_path: Path, bucket: Path) -> Iterator[Open]:
    """Starts a server's runtime on a disk of its own, as a Space does after each restart."""
    started: list[Assistant] = []

    def on(disk: str) -> Assistant:
        settings = Settings(home=tmp_path / disk, snapshots=str(bucket))
        snapshots.restore(settings)
        runtime = opened(settings, embedder=WordEmbedder())
        started.append(runtime)
        return runtime

    yield on
    for runtime in started:
        runtime.close()


def write(runtime: Assistant, text: bytes = LEAVE, name: str = "leave.md") -> None:
    user = runtime.workspace.store.users.local()
    collection = runtime.workspace.store.collections.default(user)
    runtime.workspace.library.ingest(user, collection.id, name, text)


def answer(runtime: Assistant) -> str:
    return (
        runtime.workspace.library.search(runtime.workspace.store.users.local(), "days of paid leave")
        .hits[0]
        .chunk.text
    )


def test_a_new_disk_starts_where_the_last_snapshot_was(start: Open) -> None:
    runtime = start("one")
    write(runtime)
    chat = runtime.workspace.store.conversations.create(runtime.workspace.store.users.local())
    (runtime.settings.home / "adapters" / "mine").mkdir()
    (runtime.settings.home / "adapters" / "mine" / "card.md").write_text("a card")
    snapshots.take(runtime)
    again = start("two")
    assert "25 days" in answer(again)
    assert again.workspace.store.conversations.get(again.workspace.store.users.local(), chat.id)
    assert (again.settings.home / "adapters" / "mine" / "card.md").read_text() == "a card"


def test_the_key_that_signs_sessions_and_guests_are_not_in_it(start: Open, bucket: Path) -> None:
    from assistant.web.auth import load_secret

    runtime = start("one")
    key = load_secret(runtime.settings.home / "secret")
    guest = runtime.workspace.store.users.vouched("visitor-1", "visitor-1", "guest")
    chat = runtime.workspace.store.conversations.create(guest)
    runtime.workspace.store.conversations.append(guest, chat.id, None, "user", "only between us")
    raw = snapshots.take(runtime).read_bytes()
    assert key not in raw
    assert b"only between us" not in raw
    assert b"visitor-1" not in raw


def test_a_tar_without_its_marker_does_not_count(start: Open, bucket: Path) -> None:
    runtime = start("one")
    write(runtime)
    tar = snapshots.take(runtime)
    tar.with_suffix(".json").unlink()
    assert not snapshots.restore(Settings(home=bucket.parent / "two", snapshots=str(bucket)))
    assert not (bucket.parent / "two" / "youju.db").exists()


def test_a_damaged_snapshot_is_passed_over_and_only_damaged_ones_stop_the_start(
    start: Open, bucket: Path
) -> None:
    runtime = start("one")
    write(runtime)
    snapshots.take(runtime)
    write(runtime, b"# Travel\n\nTrains are paid for.\n", "travel.md")
    newest = snapshots.take(runtime)
    newest.write_bytes(newest.read_bytes()[:-512] + b"x" * 512)
    again = start("two")
    assert [
        d.filename for d in again.workspace.store.documents.list(again.workspace.store.users.local())
    ] == ["leave.md"]
    for tar in bucket.glob("*.tar"):
        tar.write_bytes(b"")
    with pytest.raises(DatabaseFileError, match="none of its snapshots is whole"):
        start("three")


def test_a_restore_that_was_broken_off_begins_anew(
    start: Open, tmp_path: Path, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = start("one")
    write(runtime)
    snapshots.take(runtime)
    replace = Path.replace

    def killed(path: Path, target: Path) -> Path:
        if path.name == "youju.db":
            raise KeyboardInterrupt
        return replace(path, target)

    settings = Settings(home=tmp_path / "two", snapshots=str(bucket))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            snapshots.restore(settings)
    assert not (tmp_path / "two" / "youju.db").exists()
    assert "25 days" in answer(start("two"))


def test_a_mount_that_takes_nothing_leaves_the_snapshots_before(
    start: Open, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = start("one")
    write(runtime)
    before = snapshots.take(runtime)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(snapshots.os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        snapshots.take(runtime)
    assert json.loads(before.with_suffix(".json").read_text())["size"] == before.stat().st_size
    assert "25 days" in answer(start("two"))
    assert not list((runtime.settings.home / "staging").iterdir())


def test_the_last_two_stay_and_what_a_kill_left_goes(start: Open, bucket: Path) -> None:
    runtime = start("one")
    (bucket / "youju-20200101T000000.000000Z.part").write_bytes(b"half")
    (bucket / "youju-20200101T000000.000000Z.tar").write_bytes(b"unmarked")
    (bucket / "somebody-else.txt").write_text("stays")
    tars = [snapshots.take(runtime) for _ in range(4)]
    kept = {path.name for path in bucket.iterdir()}
    assert kept == {"somebody-else.txt"} | {p.name for t in tars[2:] for p in (t, t.with_suffix(".json"))}


def test_the_keeper_copies_only_what_changed(start: Open, bucket: Path) -> None:
    runtime = start("one")
    keeper = snapshots.Keeper(runtime, every_s=3600)
    assert not keeper.look()
    write(runtime)
    assert keeper.look()
    assert len(list(bucket.glob("*.tar"))) == 1
    keeper.start()
    write(runtime, b"# Travel\n\nTrains are paid for.\n", "travel.md")
    keeper.stop()  # the last change is not lost
    assert len(start("two").workspace.store.documents.list(runtime.workspace.store.users.local())) == 2


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="snapshots"):
        snapshots.restore(Settings(home=tmp_path / "home", snapshots=str(tmp_path / "nothing")))


def test_a_disk_with_a_database_is_left_alone(start: Open, bucket: Path) -> None:
    runtime = start("one")
    snapshots.take(runtime)
    assert not snapshots.restore(runtime.settings)
