"""A GGUF file to a plain transformers folder, once, kept in NF4."""

from __future__ import annotations

import gc
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assistant.errors import ModelFileError
from assistant.models import nf4

SAME_TABLE = 0.2
"""Two tables are one, written at two precisions, where they differ by less than this share of their norm."""
ANOTHER = (
    "take a file whose architecture is llama, qwen2, qwen3 or another that transformers reads, or a Hub id"
)


def convert(file: Path, folder: Path, work: Path, name: str, context: int = 0) -> None:
    """Dequantize ``file``, quantize it to NF4, and write weights, tokenizer and template into ``folder``.

    Args:
        file: The GGUF file.
        folder: Exists; filled with a model folder that ``from_pretrained`` reads.
        work: For the weights in 16 bit, in between.
        name: The model, for messages.
        context: The model's window in tokens, written as the tokenizer's limit; 0 takes the file's own.

    Raises:
        ModelFileError: It is no GGUF file, cut off, of an architecture that transformers cannot read, or it
            has no chat template.
    """
    _require_whole(file, name)
    full = work / "full"
    with _explained(name), _plain_arrays():
        tokenizer = _tokenizer(file, name)
        model = _model(file)
    tokenizer.model_max_length = context or model.config.max_position_embeddings
    tokenizer.save_pretrained(folder)
    _tie(model)
    model.save_pretrained(full)
    del model
    gc.collect()
    nf4.write(full, folder)


def _require_whole(file: Path, name: str) -> None:
    """Read the header, which says where the last tensor ends; transformers would fill up what is missing."""
    import gguf

    try:
        with _plain_arrays():
            reader = gguf.GGUFReader(file)
        ends = max((tensor.data_offset + tensor.n_bytes for tensor in reader.tensors), default=0)
    except (ValueError, IndexError, KeyError, struct.error, OverflowError) as fault:
        remedy = "download it again, whole"
        raise ModelFileError(
            name=name, reason=f"it is no GGUF file, or cut off ({fault})", remedy=remedy
        ) from None
    if not 0 < ends <= file.stat().st_size:
        reason = f"it is cut off: {file.stat().st_size:,} bytes of {ends:,}"
        raise ModelFileError(name=name, reason=reason, remedy="download it again, whole")


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """What transformers cannot read, told with the way out."""
    try:
        yield
    except (ModelFileError, OSError, MemoryError):
        raise
    except Exception as fault:
        reason = f"it cannot be read ({str(fault)[:200] or type(fault).__name__})"
        raise ModelFileError(name=name, reason=reason, remedy=ANOTHER) from fault


def _tokenizer(file: Path, name: str) -> Any:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    if not tokenizer.chat_template:
        remedy = "take the instruct (chat) version of the model"
        raise ModelFileError(name=name, reason="it has no chat template", remedy=remedy)
    _as_trained(tokenizer)
    return tokenizer


def _model(file: Path) -> Any:
    import torch
    from transformers import AutoModelForCausalLM, GgufConfig
    from transformers.utils import logging

    logging.disable_progress_bar()
    return AutoModelForCausalLM.from_pretrained(
        file.parent,
        gguf_file=file.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )


def _tie(model: Any) -> None:
    """Make one table of input and output again, where llama.cpp wrote it twice: finer for the output.

    The finer one stands for both. It is a third of a small model's memory.
    """
    ours, theirs = model.get_output_embeddings(), model.get_input_embeddings()
    if ours is None or ours.weight is theirs.weight or ours.weight.shape != theirs.weight.shape:
        return
    difference = (ours.weight - theirs.weight).detach().float().norm() / ours.weight.detach().float().norm()
    if float(difference) < SAME_TABLE:
        theirs.weight = ours.weight
        model.config.tie_word_embeddings = True
        model.tie_weights()


@contextmanager
def _plain_arrays() -> Iterator[None]:
    """Let transformers, which reads the file's vocabulary three times, take a third of the time, silently.

    The reader's ``numpy.memmap`` runs Python code for each of a hundred thousand slices; an array does not.
    Its progress bar knows no switch.
    """
    import gguf
    import numpy as np
    from transformers import modeling_gguf_pytorch_utils as reading

    class Reader(gguf.GGUFReader):  # type: ignore[misc, unused-ignore]
        @property
        def data(self) -> Any:
            return self._array

        @data.setter
        def data(self, mapped: Any) -> None:
            self._array = np.asarray(mapped)

    usual, gguf.GGUFReader = gguf.GGUFReader, Reader
    bar, reading.tqdm = reading.tqdm, lambda tensors, **options: tensors
    try:
        yield
    finally:
        gguf.GGUFReader, reading.tqdm = usual, bar


def _as_trained(tokenizer: Any) -> None:
    r"""Give a tokenizer back the rules that the conversion drops.

    SmolLM's splits digits: without it ``"\n\n1. "`` becomes other tokens than the model was trained on.
    Qwen's composes letters and their accents before anything else.
    """
    from tokenizers import normalizers, pre_tokenizers

    backend = tokenizer.backend_tokenizer
    if isinstance(backend.pre_tokenizer, pre_tokenizers.ByteLevel):
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
    if type(tokenizer).__name__.startswith("Qwen2"):
        backend.normalizer = normalizers.NFC()
