"""A Hub with Spaces on this machine, a login with a planted token, and a wheel that is made once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import hub_server
import hub_spaces
import numpy as np
import pytest
from huggingface_hub import constants
from huggingface_hub.utils import _auth, _http
from safetensors.numpy import save_file

from assistant import config
from assistant.commands.options import opened
from assistant.deploying import waiting, wheel
from assistant.models import adapters


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[hub_spaces.Spaces]:
    with hub_spaces.Spaces() as server:
        monkeypatch.setenv("HF_TOKEN", hub_server.TOKEN)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        files = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(_auth, "_get_token_from_file", lambda: None)
        monkeypatch.setattr(_http.time, "sleep", lambda seconds: None)
        monkeypatch.setattr(waiting, "POLL_S", 0.01)
        monkeypatch.setattr(waiting, "START_S", 5.0)
        yield server


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two adapters of the base that the variant serves, with things beside them that stay here."""
    for number, name in enumerate(("one", "two")):
        folder = tmp_path / "home" / "adapters" / name
        folder.mkdir(parents=True)
        weights = np.full((1, 4), number, np.float32)
        save_file({"base_model.model.x.lora_A.weight": weights}, folder / adapters.WEIGHTS)
        config = {"peft_type": "LORA", "base_model_name_or_path": "smollm2-135m", "r": 16}
        (folder / adapters.CONFIG).write_text(json.dumps(config))
        (folder / "run.json").write_text(json.dumps({"run": str(tmp_path)}))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our wheel."""
    return wheel.build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(autouse=True)
def _built_once(monkeypatch: pytest.MonkeyPatch, built: Path) -> None:
    """A build takes seconds; ``test_wheel`` looks at the real one."""
    monkeypatch.setattr(wheel, "build", lambda folder: Path(shutil.copy2(built, folder)))


@pytest.fixture
def add() -> Callable[[Path, str, dict[str, bytes]], None]:
    """Adds a collection to a data folder, as if each file had been read; no model is needed for it."""

    def _add(home: Path, name: str, files: dict[str, bytes], failed: str = "") -> None:
        with opened(config.load(home=str(home))) as runtime:
            user = runtime.workspace.store.users.local()
            collection = runtime.workspace.store.collections.create(user, name)
            for number, (filename, data) in enumerate(files.items()):
                record = runtime.workspace.store.documents.add(
                    user, collection.id, title=filename, filename=filename, media_type="text/plain",
                    sha256=f"{number:064}", size=len(data),
                )  # fmt: skip
                state = "failed" if filename == failed else "ready"
                runtime.workspace.store.documents.set_state(user, record.id, state)
                (home / "files" / record.id).mkdir(parents=True)
                (home / "files" / record.id / "original").write_bytes(data)

    return _add
