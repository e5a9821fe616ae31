"""A GGUF file to a plain transformers folder, once. Only files that the catalog pins by hash come here."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def convert(file: Path, folder: Path, context: int) -> None:
    """Dequantize ``file`` into bfloat16 safetensors with tokenizer and chat template in ``folder``.

    Args:
        file: The GGUF file.
        folder: Exists; filled with a model folder that ``from_pretrained`` reads.
        context: The model's window in tokens, written as the tokenizer's limit.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging

    logging.disable_progress_bar()
    where = {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name}
    tokenizer = AutoTokenizer.from_pretrained(**where, model_max_length=context)
    _split_digits(tokenizer)
    tokenizer.save_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(
        **where, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
    )
    model.save_pretrained(folder)


def _split_digits(tokenizer: Any) -> None:
    r"""Give SmolLM's tokenizer back the rule that the conversion drops: each digit is a token of its own.

    Without it ``"\n\n1. "`` becomes other tokens than the model was trained on.
    """
    from tokenizers import pre_tokenizers

    backend = tokenizer.backend_tokenizer
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
