"""The three recipes of the page, and the file that each becomes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

Tables = Mapping[str, Mapping[str, Any]]

RECIPES: Mapping[str, Tables] = MappingProxyType(
    {
        "quick": {
            "lora": {"rank": 8, "alpha": 16},
            "training": {"max_steps": 60, "learning_rate": 5e-4, "checkpoint_every": 20, "log_every": 1},
            "evaluation": {"every": 20, "cases": 16},
        },
        "balanced": {
            "lora": {"rank": 16, "alpha": 32},
            "training": {"epochs": 2.0, "learning_rate": 4e-4, "checkpoint_every": 50, "log_every": 2},
            "evaluation": {"every": 50, "cases": 32, "patience": 4},
        },
        "thorough": {
            "lora": {"rank": 32, "alpha": 64},
            "training": {"epochs": 4.0, "learning_rate": 3e-4, "checkpoint_every": 50, "log_every": 5},
            "evaluation": {"every": 100, "cases": 64, "patience": 4},
        },
    }
)
"""By name: what differs from the defaults of a recipe file."""
DEFAULT = "balanced"
METHODS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"sft": {}, "dpo": {"method": "dpo", "learning_rate": 5e-5}}
)
"""Answers are learnt from examples; of two answers, the better one from preferences."""


def text(
    recipe: str, files: Sequence[Path], *, model: str, quantization: str, folder: Path, name: str, method: str
) -> str:
    """A recipe as the TOML that ``youju finetune`` reads.

    Args:
        recipe: Name of one of ``RECIPES``.
        files: The data.
        model: Its base.
        quantization: How the base is held, ``nf4`` or ``none``.
        folder: Of the run; made by it.
        name: Of the adapter.
        method: Of ``METHODS``.
    """
    own = RECIPES[recipe]
    tables: dict[str, Mapping[str, Any]] = {
        "model": {"name": model, "quantization": quantization},
        "data": {"train": [str(file) for file in files]},
        **own,
        "training": {**own["training"], **METHODS[method]},
        "output": {"folder": str(folder), "name": name},
    }
    return "\n".join(f"[{table}]\n{_lines(keys)}" for table, keys in tables.items())


def _lines(keys: Mapping[str, Any]) -> str:
    # Strings, numbers and lists are written alike in JSON and TOML.
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in keys.items())
