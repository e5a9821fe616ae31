import json
from pathlib import Path

import pytest

from assistant.errors import AdapterError
from assistant.models import adapters


def make(folder: Path, **changes: object) -> Path:
    folder.mkdir(parents=True)
    (folder / adapters.WEIGHTS).write_bytes(b"weights")
    config = {"peft_type": "LORA", "base_model_name_or_path": "smollm2-135m", **changes}
    (folder / adapters.CONFIG).write_text(json.dumps(config))
    return folder


def test_a_plain_adapter_is_read(tmp_path: Path) -> None:
    ref = adapters.read(make(tmp_path / "polite", revision="abc"))
    assert (ref.name, ref.base, ref.revision) == ("polite", "smollm2-135m", "abc")


@pytest.mark.parametrize("file", ["adapter_model.bin", "handler.py", "deep/optimizer.pt", "x.pkl"])
def test_files_that_can_run_code_are_refused(tmp_path: Path, file: str) -> None:
    folder = make(tmp_path / "a")
    (folder / file).parent.mkdir(exist_ok=True)
    (folder / file).write_bytes(b"")
    with pytest.raises(AdapterError, match=Path(file).name):
        adapters.read(folder)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = make(tmp_path / "a")
    (tmp_path / "secret.json").write_text("{}")
    (folder / "notes.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(AdapterError, match=r"notes\.json"):
        adapters.read(folder)


@pytest.mark.parametrize(
    "changes", [{"peft_type": "IA3"}, {"auto_map": {"m": "x.y"}}, {"base_model_name_or_path": None}]
)
def test_only_plain_lora_is_taken(tmp_path: Path, changes: dict[str, object]) -> None:
    folder = make(tmp_path / "a", **changes)
    if changes.get("base_model_name_or_path", "") is None:
        (folder / adapters.CONFIG).write_text('{"peft_type": "LORA"}')
    with pytest.raises(AdapterError):
        adapters.read(folder)


@pytest.mark.parametrize("name", sorted(adapters.RESERVED))
def test_a_name_that_means_something_else_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(AdapterError, match="stands for something else"):
        adapters.read(make(tmp_path / name))


def test_a_broken_one_does_not_hide_the_others(tmp_path: Path) -> None:
    make(tmp_path / "good")
    (tmp_path / "half").mkdir()
    assert [ref.name for ref in adapters.available(tmp_path)] == ["good"]
    assert adapters.available(tmp_path / "none") == []
