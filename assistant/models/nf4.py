"""The 4-bit format of serving, of training and of what is kept on disk: NF4 with double quantization."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from transformers import BitsAndBytesConfig


def config(dtype: torch.dtype) -> BitsAndBytesConfig:
    """How a model is quantized.

    Args:
        dtype: In which it computes.
    """
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def kept(folder: Path) -> bool:
    """Whether the weights in a model folder are 4-bit already."""
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("quantization_config")
    except (OSError, ValueError, AttributeError):
        return False
    return isinstance(found, dict) and bool(found.get("load_in_4bit"))


def write(full: Path, folder: Path) -> None:
    """Quantize a bfloat16 model folder, on the CPU, so that every machine keeps the same bytes.

    Nothing is computed with the model in between: bitsandbytes would repack its weights, with a loss.

    Args:
        full: Holds the weights in 16 bit.
        folder: Exists; gets weights and configs, not the tokenizer.
    """
    import torch
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained(
        full,
        dtype=torch.bfloat16,
        device_map={"": "cpu"},
        use_safetensors=True,
        local_files_only=True,
        quantization_config=config(torch.bfloat16),
    ).save_pretrained(folder)
