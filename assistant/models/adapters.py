"""Adapters on disk: which there are, and which may be loaded. Safetensors only; nothing in them is code."""

from __future__ import annotations

import json
from pathlib import Path

from assistant.errors import AdapterError
from assistant.schema import AdapterRef

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_CODE_SUFFIXES = frozenset({".bin", ".pt", ".pth", ".pkl", ".ckpt", ".py"})


def available(folder: Path) -> list[AdapterRef]:
    """List the adapters below ``folder`` that can be loaded, by name; broken ones are left out.

    Args:
        folder: Holds one folder an adapter, as peft writes it.
    """
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
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
    for file in path.rglob("*"):
        if file.suffix in _CODE_SUFFIXES or (
            file.is_symlink() and not file.resolve().is_relative_to(path.resolve())
        ):
            raise _refuse(path, f"{file.name} is not allowed in an adapter")
    if not (path / WEIGHTS).is_file():
        raise _refuse(path, f"{WEIGHTS} is missing")
    try:
        config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
        base = str(config["base_model_name_or_path"])
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise _refuse(path, f"{CONFIG} cannot be read ({fault})") from None
    if config.get("peft_type") != "LORA" or "auto_map" in config or config.get("auto_mapping"):
        raise _refuse(path, f"{CONFIG} does not describe a plain LoRA adapter")
    return AdapterRef(path.name, str(path), base, str(config.get("revision") or ""))


def _refuse(path: Path, reason: str) -> AdapterError:
    return AdapterError(name=path.name, reason=reason, remedy="train it again or copy the whole folder")
