from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from assistant.errors import ModelFileError
from assistant.models.safety import inspect


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    save_file({"a": np.ones((4, 8), np.float32), "b": np.zeros(16, np.float16)}, folder / "model.safetensors")
    return folder


class Canary:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("canary"),))


def test_a_plain_model_passes(model: Path) -> None:
    inspect(model)


def test_a_link_within_the_folder_passes(model: Path) -> None:
    (model / "blob").write_bytes((model / "model.safetensors").read_bytes())
    (model / "model.safetensors").unlink()
    (model / "model.safetensors").symlink_to(model / "blob")
    inspect(model)


@pytest.mark.parametrize("suffix", [".bin", ".pt", ".pth", ".pkl", ".ckpt", ".py", ".PY", ".so"])
def test_nothing_that_could_run_is_loaded(model: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model.parent)
    (model / "deep").mkdir()
    (model / "deep" / f"weights{suffix}").write_bytes(pickle.dumps(Canary()))
    with pytest.raises(ModelFileError, match="could run code"):
        inspect(model)
    assert not Path("canary").exists()


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "deep/config.json"])
def test_code_from_the_hub_is_refused(model: Path, name: str) -> None:
    (model / "deep").mkdir()
    (model / name).write_text(json.dumps({"auto_map": {"AutoModel": "modeling.Evil"}}))
    with pytest.raises(ModelFileError, match="auto_map"):
        inspect(model)


def test_a_link_out_of_the_folder_is_refused(model: Path) -> None:
    outside = model.parent / "secret.txt"
    outside.write_text("secret")
    (model / "vocab.txt").symlink_to(outside)
    with pytest.raises(ModelFileError, match=r"vocab\.txt is a link"):
        inspect(model)


def test_a_folder_without_weights_is_refused(model: Path) -> None:
    (model / "model.safetensors").unlink()
    with pytest.raises(ModelFileError, match=r"no \.safetensors"):
        inspect(model)


def test_a_config_that_is_not_json_is_refused(model: Path) -> None:
    (model / "config.json").write_text("[" * 100_000)
    with pytest.raises(ModelFileError, match=r"config\.json cannot be read"):
        inspect(model)


@pytest.mark.parametrize("percent", range(0, 100, 5))
def test_weights_that_were_cut_off_are_refused(model: Path, percent: int) -> None:
    path = model / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * percent // 100])
    with pytest.raises(ModelFileError, match="cut off or damaged"):
        inspect(model)


def _header(header: bytes, body: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + body


TENSOR = '{"a":{"dtype":"F32","shape":%s,"data_offsets":%s}}'


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<Q", 2**63) + b"{}",
        _header(b'{"a":{"dtype":"F32","shape":[NaN],"data_offsets":[0,4]}}', b"\0" * 4),
        _header((TENSOR % ("[2]", "[0,4]")).encode(), b"\0" * 4),
        _header((TENSOR % ("[1]", "[0,8]")).encode(), b"\0" * 4),
        _header(b'{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}', b"\0" * 4),
        _header(
            b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}',
            b"\0" * 6,
        ),
        _header(b"not json"),
    ],
    ids=[
        "header 2^63",
        "NaN",
        "shape over offsets",
        "offsets over file",
        "unknown dtype",
        "overlap",
        "not json",
    ],
)
def test_a_header_that_lies_is_refused(model: Path, data: bytes) -> None:
    (model / "model.safetensors").write_bytes(data)
    with pytest.raises(ModelFileError, match="cut off or damaged"):
        inspect(model)


def test_weights_without_tensors_are_refused(model: Path) -> None:
    (model / "model.safetensors").write_bytes(_header(b"{}"))
    with pytest.raises(ModelFileError, match="no tensor"):
        inspect(model)
