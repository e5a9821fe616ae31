"""A GGUF file to a plain transformers folder, once. Only files that the catalog pins by hash come here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from assistant.models.catalog import Turns


def convert(file: Path, folder: Path, context: int, turns: Turns | None = None) -> None:
    """Dequantize ``file`` into bfloat16 safetensors with tokenizer and chat template in ``folder``.

    Args:
        file: The GGUF file.
        folder: Exists; filled with a model folder that ``from_pretrained`` reads.
        context: The model's window in tokens, written as the tokenizer's limit.
        turns: Our chat template, for a model that has none.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging

    logging.disable_progress_bar()
    where = {"pretrained_model_name_or_path": str(file.parent), "gguf_file": file.name}
    with _plain_arrays():
        tokenizer = AutoTokenizer.from_pretrained(**where, model_max_length=context)
        model = AutoModelForCausalLM.from_pretrained(
            **where, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
        )
    _split_digits(tokenizer)
    if turns:
        tokenizer.chat_template = template(turns)
    tokenizer.save_pretrained(folder)
    if turns:
        own = tokenizer.convert_tokens_to_ids(list(turns.ends))
        model.generation_config.eos_token_id = sorted({tokenizer.eos_token_id, *own})
    model.save_pretrained(folder)


@contextmanager
def _plain_arrays() -> Iterator[None]:
    """Let transformers, which reads the file's vocabulary three times, read it in a third of the time.

    The reader's ``numpy.memmap`` runs Python code for each of a hundred thousand slices; an array does not.
    """
    import gguf
    import numpy as np

    class Reader(gguf.GGUFReader):  # type: ignore[misc, unused-ignore]
        @property
        def data(self) -> Any:
            return self._array

        @data.setter
        def data(self, mapped: Any) -> None:
            self._array = np.asarray(mapped)

    usual, gguf.GGUFReader = gguf.GGUFReader, Reader
    try:
        yield
    finally:
        gguf.GGUFReader = usual


def template(turns: Turns) -> str:
    """The text of a chat template of ours."""
    return (resources.files("assistant.models") / "templates" / turns.template).read_text(encoding="utf-8")


def _split_digits(tokenizer: Any) -> None:
    r"""Give SmolLM's tokenizer back the rule that the conversion drops: each digit is a token of its own.

    Without it ``"\n\n1. "`` becomes other tokens than the model was trained on. Gemma's is not byte-level and
    comes whole.
    """
    from tokenizers import pre_tokenizers

    backend = tokenizer.backend_tokenizer
    if not isinstance(backend.pre_tokenizer, pre_tokenizers.ByteLevel):
        return
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
