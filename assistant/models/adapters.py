"""Adapters on disk: which there are, and which may be loaded. Safetensors only; nothing in them is code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from assistant.errors import AdapterError, ModelFileError
from assistant.models import safety, skills
from assistant.models.catalog import Entry, name_of
from assistant.schema import AdapterRef

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
RESERVED = frozenset({"none", "live", "youju"})
"""Names that stand for something else where an adapter is named."""
SHIPPED = Path(__file__).parent.parent / "adapters"
"""Those that come with Youju, one folder each. No other may have their names, and none is ever deleted."""


def every(home: Path) -> list[AdapterRef]:
    """Those that can be loaded, of any base: the shipped ones, then the user's own, each by name.

    Args:
        home: The data folder.
    """
    ours = available(SHIPPED)
    taken = {ref.name for ref in ours}
    return [*ours, *(ref for ref in available(home / "adapters") if ref.name not in taken)]


def find(home: Path, name: str) -> AdapterRef:
    """The adapter of a name, whatever its base.

    Raises:
        AdapterError: There is none, or it may not be loaded; says why, and which there are.
    """
    if name in folders(home):
        return read(folders(home)[name])
    known = ", ".join(ref.name for ref in every(home)) or "none"
    raise AdapterError(name=name, reason="it was not found", remedy=f"there are: {known}")


def folders(home: Path) -> dict[str, Path]:
    """Each adapter's folder by its name, of those too that cannot be loaded."""
    return {path.name: path for place in (home / "adapters", SHIPPED) for path in _inside(place)}


def is_shipped(ref: AdapterRef) -> bool:
    """It came with Youju."""
    return Path(ref.path).parent == SHIPPED


def available(folder: Path) -> list[AdapterRef]:
    """List the adapters below ``folder`` that can be loaded, by name; broken ones are left out.

    Args:
        folder: Holds one folder an adapter, as peft writes it.
    """
    found = []
    for path in _inside(folder):
        try:
            found.append(read(path))
        except AdapterError:
            continue
    return found


def read(path: Path) -> AdapterRef:
    """Check an adapter folder and return its reference; the weights are not loaded.

    Raises:
        AdapterError: A file is missing, could run code, points outside, or its config is not LoRA.
    """
    if path.name in RESERVED:
        remedy = "give its folder another name"
        raise AdapterError(name=path.name, reason="this name stands for something else", remedy=remedy)
    for file in path.rglob("*"):
        if file.suffix.lower() in safety.CODE_SUFFIXES or (
            file.is_symlink() and not file.resolve().is_relative_to(path.resolve())
        ):
            raise _refuse(path, f"{file.name} is not allowed in an adapter: it could run code or leads out")
    if not (path / WEIGHTS).is_file():
        raise _refuse(path, f"{WEIGHTS} is missing")
    try:
        config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
        base = name_of(str(config["base_model_name_or_path"]))
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise _refuse(path, f"{CONFIG} cannot be read ({fault})") from None
    if config.get("peft_type") != "LORA" or "auto_map" in config or config.get("auto_mapping"):
        raise _refuse(path, f"{CONFIG} does not describe a plain LoRA adapter")
    return AdapterRef(path.name, str(path), base, str(config.get("revision") or ""), _hash_of(path))


def verify(ref: AdapterRef, base: str) -> None:
    """See that the adapter is of this base and its weights are whole; reads only their header.

    Raises:
        AdapterError: Says what is wrong.
    """
    if ref.base != base:
        remedy = f"choose the base with --model {ref.base}, or use an adapter trained on {base}"
        raise AdapterError(
            name=ref.name, reason=f"it was trained on {ref.base}, the model is {base}", remedy=remedy
        )
    try:
        safety.inspect(Path(ref.path), ref.name)
    except ModelFileError as fault:
        raise _refuse(Path(ref.path), str(fault.fields["reason"])) from None


def carried(ref: AdapterRef, base: Entry) -> dict[str, bytes]:
    """The files that are the adapter, for another machine: nothing else of its folder leaves this one.

    Args:
        ref: Checked.
        base: Its base. The config names it as the Hub does, so that peft finds it, never by a path from here.
    """
    folder = Path(ref.path)
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = base.hub or base.name
    files = {
        CONFIG: json.dumps(config, indent=2, sort_keys=True).encode(),
        WEIGHTS: (folder / WEIGHTS).read_bytes(),
    }
    if (folder / skills.FILE).is_file():
        files[skills.FILE] = (folder / skills.FILE).read_bytes()
    return files


def size(path: Path) -> int:
    """Bytes of an adapter's files."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _inside(place: Path) -> Iterator[Path]:
    """Folders that are meant to be adapters; a hidden one is being written or deleted."""
    for path in sorted(place.iterdir()) if place.is_dir() else []:
        if path.is_dir() and not path.name.startswith((".", "_")):
            yield path


def _hash_of(path: Path) -> str:
    """SHA-256 of all that changes an answer, read again only where a file has changed."""
    digest = hashlib.sha256()
    for file in (path / name for name in (CONFIG, WEIGHTS, skills.FILE)):
        if file.is_file():
            stat = file.stat()
            digest.update(file.name.encode())
            digest.update(_hash(file, stat.st_size, stat.st_mtime_ns, stat.st_ino))
    return digest.hexdigest()


@lru_cache(maxsize=256)
def _hash(file: Path, size: int, mtime_ns: int, inode: int) -> bytes:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()


def _refuse(path: Path, reason: str) -> AdapterError:
    return AdapterError(name=path.name, reason=reason, remedy="train it again or copy the whole folder")
