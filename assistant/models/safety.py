"""What a model folder may hold. Weights are data: nothing that could run code is ever loaded."""

from __future__ import annotations

import json
from pathlib import Path

from assistant.errors import ModelFileError

CODE_SUFFIXES = frozenset(
    {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".py", ".so", ".h5", ".msgpack"}
)
REMEDY = "use a model published as safetensors, or convert it and point to the new folder"


def inspect(folder: Path, name: str = "") -> None:
    """Refuse a folder that could run code, points outside itself, or whose weights are cut off.

    Args:
        folder: A transformers or sentence-transformers model.
        name: What the message calls it; the folder's name by default.

    Raises:
        ModelFileError: Names the offending file.
    """
    name = name or folder.name
    root = folder.resolve()
    weights = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            raise ModelFileError(name=name, reason=f"{path.name} is a link out of the folder", remedy=REMEDY)
        if path.suffix.lower() in CODE_SUFFIXES:
            raise ModelFileError(
                name=name, reason=f"{path.name} could run code and is never loaded", remedy=REMEDY
            )
        if path.suffix == ".json":
            refuse_remote_code(path, name)
        if path.suffix == ".safetensors":
            weights.append(path)
    if not weights:
        raise ModelFileError(name=name, reason="it has no .safetensors file", remedy=REMEDY)
    for path in weights:
        _read_header(path, name)


def refuse_remote_code(path: Path, name: str) -> None:
    """Refuse a config that asks for code from the Hub, and one that is not JSON.

    Raises:
        ModelFileError: ``auto_map`` is set, or the file cannot be read.
    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as fault:
        raise ModelFileError(
            name=name, reason=f"{path.name} cannot be read ({fault})", remedy=REMEDY
        ) from None
    if isinstance(config, dict) and config.get("auto_map"):
        reason = f"{path.name} asks to run code of its authors (auto_map), which Youju never does"
        raise ModelFileError(name=name, reason=reason, remedy=REMEDY)


def _read_header(path: Path, name: str) -> None:
    """The library checks the header's length, its offsets and the file's size; no tensor is read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            if not file.keys():
                raise ModelFileError(name=name, reason=f"{path.name} holds no tensor", remedy=REMEDY)
    except (SafetensorError, OSError) as fault:
        reason = f"{path.name} is cut off or damaged ({fault})"
        raise ModelFileError(
            name=name, reason=reason, remedy="remove the folder and pull the model again"
        ) from None
