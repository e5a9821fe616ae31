"""Pulling from the Hub, with its client's two calls replaced by a folder of files."""

from __future__ import annotations

import fnmatch
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import numpy as np
import pytest
from huggingface_hub.errors import RepositoryNotFoundError
from safetensors.numpy import save

from assistant.errors import ModelFileError, ModelNotFoundError
from assistant.models import pull
from assistant.models.catalog import Entry
from assistant.models.origins import Hub


class FakeHub:
    """One repository with two revisions; ``fetched`` says what was downloaded, in order."""

    def __init__(self, **files: bytes) -> None:
        self.head = "rev-1"
        self.fetched: list[tuple[str, str]] = []
        self.files = {
            "config.json": b"{}",
            "tokenizer_config.json": json.dumps({"chat_template": "T"}).encode(),
            "model.safetensors": save({"a": np.ones(9, np.float32)}),
            "pytorch_model.bin": b"pickle",
            "modeling_x.py": b"raise SystemExit",
            "onnx/model.onnx": b"x",
            "README.md": b"x",
        } | {name.replace("__", "/"): data for name, data in files.items()}

    def model_info(self, repo: str, revision: str | None = None, timeout: float = 0) -> Any:
        if repo != "some/model":
            response = SimpleNamespace(headers={}, request=None, status_code=404, text="")
            raise RepositoryNotFoundError("404: no such repository", response=response)  # type: ignore[arg-type]
        return SimpleNamespace(
            sha=revision or self.head, siblings=[SimpleNamespace(rfilename=f) for f in self.files]
        )

    def snapshot_download(
        self,
        repo: str,
        *,
        revision: str,
        local_dir: Path,
        allow_patterns: list[str],
        ignore_patterns: list[str],
    ) -> str:
        for name, data in self.files.items():
            if any(fnmatch.fnmatch(name, p) for p in ignore_patterns):
                continue
            if any(fnmatch.fnmatch(name, p) for p in allow_patterns) and (revision, name) not in self.fetched:
                self.fetched.append((revision, name))
                (local_dir / name).parent.mkdir(parents=True, exist_ok=True)
                (local_dir / name).write_bytes(data)
        (local_dir / ".cache").mkdir(exist_ok=True)
        return str(local_dir)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    fake = FakeHub()
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: fake)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fake.snapshot_download)
    return fake


ENTRY = Entry("some/model", "decoder", Hub("some/model"))


def test_weights_tokenizer_and_configs_come_and_nothing_else(hub: FakeHub, tmp_path: Path) -> None:
    folder = pull.pull(ENTRY, tmp_path)
    assert folder == tmp_path / "some--model" == pull.installed(ENTRY, tmp_path)
    names = {p.name for p in folder.iterdir()}
    assert names == {"config.json", "tokenizer_config.json", "model.safetensors", "youju.json"}


def test_the_first_revision_is_recorded_and_kept(hub: FakeHub, tmp_path: Path) -> None:
    folder = pull.pull(ENTRY, tmp_path)
    assert pull.manifest(folder)["version"] == "rev-1"
    hub.head = "rev-2"
    (folder / "config.json").unlink()
    hub.fetched.clear()
    pull.pull(ENTRY, tmp_path)
    assert {revision for revision, _ in hub.fetched} == {"rev-1"}


def test_the_template_of_the_first_pull_is_pinned(hub: FakeHub, tmp_path: Path) -> None:
    import hashlib

    assert pull.template_sha256(ENTRY, pull.pull(ENTRY, tmp_path)) == hashlib.sha256(b"T").hexdigest()


def test_a_model_with_code_is_refused_before_its_weights_are_fetched(hub: FakeHub, tmp_path: Path) -> None:
    hub.files["config.json"] = b'{"auto_map": {"AutoModel": "modeling_x.X"}}'
    with pytest.raises(ModelFileError, match="auto_map"):
        pull.pull(ENTRY, tmp_path)
    assert all(name.endswith(".json") for _, name in hub.fetched)
    assert pull.installed(ENTRY, tmp_path) is None


def test_a_model_without_safetensors_is_refused_before_anything_is_fetched(
    hub: FakeHub, tmp_path: Path
) -> None:
    del hub.files["model.safetensors"]
    with pytest.raises(ModelFileError, match=r"no \.safetensors"):
        pull.pull(ENTRY, tmp_path)
    assert hub.fetched == []


def test_weights_that_arrive_damaged_are_refused(hub: FakeHub, tmp_path: Path) -> None:
    hub.files["model.safetensors"] = hub.files["model.safetensors"][:-3]
    with pytest.raises(ModelFileError, match="cut off"):
        pull.pull(ENTRY, tmp_path)
    assert pull.installed(ENTRY, tmp_path) is None


def test_an_unknown_repository(hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="no such repository"):
        pull.pull(Entry("some/other", "decoder", Hub("some/other")), tmp_path)


def test_the_switched_off_hub_is_not_asked(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="HF_HUB_OFFLINE"):
        pull.pull(ENTRY, tmp_path)


def test_a_hub_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = huggingface_hub.HfApi
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: real(endpoint="http://127.0.0.1:9"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(ModelNotFoundError, match="check the name, the network"):
        pull.pull(ENTRY, tmp_path)
