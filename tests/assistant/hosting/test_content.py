"""A collection and adapters that come with the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import WordEmbedder

from assistant import samples
from assistant.assistant import Assistant
from assistant.config import Settings
from assistant.errors import AdapterError, ConfigError
from assistant.hosting import content
from assistant.store import User


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Assistant]:
    opened = Assistant.open(Settings(home=tmp_path / "home"), exclusive=True)
    opened._embedder = WordEmbedder()
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    documents = tmp_path / "content" / "documents"
    (documents / "rules").mkdir(parents=True)
    (documents / "leave.md").write_text("# Leave\n\nEvery employee has 25 days of paid leave.\n")
    (documents / "rules" / "travel.md").write_text("# Travel\n\nTrains are paid for, planes are not.\n")
    (documents / ".gitkeep").touch()
    named = {"name": "Staff rules", "documents": 2}
    (tmp_path / "content" / "collection.json").write_text(json.dumps(named))
    return tmp_path / "content"


def found(runtime: Assistant, user: User) -> dict[str, int]:
    return {c.name: c.documents for c in runtime.workspace.store.collections.list(user)}


def test_everybody_reads_what_came_along(runtime: Assistant, folder: Path) -> None:
    content.bring(runtime.workspace.store, runtime.workspace.library, folder)
    guest = runtime.workspace.store.users.vouched("visitor-1", "visitor-1", "guest")
    assert found(runtime, guest) == {"Staff rules": 2}
    hits = runtime.workspace.library.search(guest, "days of paid leave").hits
    assert hits[0].title == "Leave"
    assert runtime.workspace.library.document(guest, hits[0].chunk.document_id).text.startswith("Leave")


def test_the_same_content_again_changes_nothing_and_another_takes_its_place(
    runtime: Assistant, folder: Path
) -> None:
    common = runtime.workspace.store.users.common()
    content.bring(runtime.workspace.store, runtime.workspace.library, folder)
    before = {d.id for d in runtime.workspace.store.documents.list(common)}
    content.bring(runtime.workspace.store, runtime.workspace.library, folder)
    assert {d.id for d in runtime.workspace.store.documents.list(common)} == before
    (folder / "documents" / "leave.md").write_text("# Leave\n\nEvery employee has 30 days of paid leave.\n")
    content.bring(runtime.workspace.store, runtime.workspace.library, folder)
    assert found(runtime, common) == {"Staff rules": 2}
    assert "30 days" in runtime.workspace.library.search(common, "days of paid leave").hits[0].chunk.text


def test_an_import_that_was_broken_off_begins_anew(
    runtime: Assistant, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(
            runtime.workspace.library, "ingest", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            content.bring(runtime.workspace.store, runtime.workspace.library, folder)
    content.bring(runtime.workspace.store, runtime.workspace.library, folder)
    assert found(runtime, runtime.workspace.store.users.common()) == {"Staff rules": 2}


def test_without_content_the_samples_come(runtime: Assistant, tmp_path: Path) -> None:
    content.bring(runtime.workspace.store, runtime.workspace.library, tmp_path / "nothing")
    assert found(runtime, runtime.workspace.store.users.common()) == {samples.NAME: len(samples.files())}


def test_a_file_that_cannot_be_read_keeps_no_other_out(runtime: Assistant, folder: Path) -> None:
    (folder / "documents" / "a-scan.pdf").write_bytes(b"no pdf at all")
    content.bring(runtime.workspace.store, runtime.workspace.library, folder)
    states = {
        d.filename: d.state
        for d in runtime.workspace.store.documents.list(runtime.workspace.store.users.common())
    }
    assert states == {"a-scan.pdf": "failed", "leave.md": "ready", "travel.md": "ready"}


@pytest.mark.parametrize("text", ["", "[]", '{"documents": 2}', '{"name": 3}'])
def test_a_broken_description_names_itself(runtime: Assistant, folder: Path, text: str) -> None:
    (folder / "collection.json").write_text(text)
    with pytest.raises(ConfigError, match=r"collection\.json"):
        content.bring(runtime.workspace.store, runtime.workspace.library, folder)


def adapter(folder: Path, name: str, rank: int = 4) -> Path:
    path = folder / "adapters" / name
    path.mkdir(parents=True, exist_ok=True)
    config = {"peft_type": "LORA", "base_model_name_or_path": "smollm2-135m", "r": rank}
    (path / "adapter_config.json").write_text(json.dumps(config))
    (path / "adapter_model.safetensors").write_bytes(b"weights")
    return path


def test_adapters_come_along_and_are_replaced(folder: Path, tmp_path: Path) -> None:
    adapter(folder, "legal")
    content.bring_adapters(folder, tmp_path / "home")
    copied = tmp_path / "home" / "adapters" / "legal" / "adapter_config.json"
    assert json.loads(copied.read_text())["r"] == 4
    adapter(folder, "legal", rank=8)
    content.bring_adapters(folder, tmp_path / "home")
    assert json.loads(copied.read_text())["r"] == 8
    assert [path.name for path in (tmp_path / "home" / "adapters").iterdir()] == ["legal"]


def test_an_adapter_that_could_run_code_is_refused(folder: Path, tmp_path: Path) -> None:
    (adapter(folder, "legal") / "adapter_model.bin").write_bytes(b"pickle")
    with pytest.raises(AdapterError, match="could run code"):
        content.bring_adapters(folder, tmp_path / "home")
    assert not (tmp_path / "home").exists()
