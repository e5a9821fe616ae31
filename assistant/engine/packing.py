"""4-bit weights in the order in which a CPU with bfloat16 instructions reads them.

bitsandbytes does this at the first forward pass of each layer, by way of 32-bit integers: seconds for a small
model, half a minute for a larger one, while the first reader waits. Here it is done in bytes, once, at the
load. The result is its own, bit for bit; from then on it is bitsandbytes that computes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch  # noqa: TID253
from bitsandbytes.functional import dequantize_blockwise  # noqa: TID253
from bitsandbytes.nn import Linear4bit  # noqa: TID253
from transformers import PreTrainedModel  # noqa: TID253

ROWS = 32
"""Rows of a block; the first half of them lies in the low four bits, the second in the high ones."""


def pack(model: PreTrainedModel) -> None:
    """Pack every 4-bit layer that bitsandbytes would pack; nothing on other devices.

    Args:
        model: Not to be trained any more: a packed weight has no right gradient.
    """
    with ThreadPoolExecutor(os.cpu_count()) as executor:
        list(executor.map(_pack, _siblings(model)))


def _siblings(model: PreTrainedModel) -> Iterator[list[Any]]:
    """4-bit layers of one module that read the same number of inputs: their weights are laid side by side."""
    for module in model.modules():
        found: dict[int, list[Any]] = {}
        for layer in module.children():
            if isinstance(layer, Linear4bit) and _packs(layer):
                found.setdefault(layer.in_features, []).append(layer)
        yield from found.values()


def _pack(layers: Sequence[Any]) -> None:
    rows = [layer.weight.quant_state.shape[0] for layer in layers]
    joined = torch.empty(sum(rows), layers[0].in_features // 2, dtype=torch.uint8)
    for layer, part in zip(layers, joined.split(rows), strict=True):
        state = layer.weight.quant_state
        layer.weight.data = part.copy_(packed(layer.weight.data, state))
        scales(state)


def packed(weight: torch.Tensor, state: Any) -> torch.Tensor:
    """The weight, two values a byte, row after row → block after block, and in it column after column.

    Args:
        weight: uint8, values of NF4, the first of each pair in the high bits.
        state: Its scales; holds the shape (rows, columns).

    Returns:
        uint8, (rows, columns / 2).
    """
    rows, columns = state.shape
    halves = weight.numpy().reshape(rows // ROWS, 2, ROWS // 2, columns // 2)
    low, high = halves[:, 0], halves[:, 1]
    pairs = np.empty((rows // ROWS, columns // 2, ROWS // 2, 2), np.uint8)
    pairs[..., 0] = ((high & 0xF0) | (low >> 4)).transpose(0, 2, 1)
    pairs[..., 1] = ((high << 4) | (low & 0x0F)).transpose(0, 2, 1)
    return torch.from_numpy(pairs.reshape(rows, columns // 2))


def scales(state: Any) -> None:
    """Turn the state of a weight into that of a packed one, with all that brings it back."""
    state.original_dtype, state.original_nested = state.dtype, state.nested
    state.original_qshape = torch.Size((state.shape.numel() // 2, 1))
    if state.nested:
        state.absmax = (dequantize_blockwise(state.absmax, state.state2) + state.offset).float()
        state.nested = False
        del state.state2
    rows, columns = state.shape
    state.absmax = state.absmax.reshape(rows, columns // state.blocksize).T.to(torch.bfloat16).contiguous()
    state.dtype = torch.bfloat16
    state.packing_format_for_cpu = True


def _packs(layer: Linear4bit) -> bool:
    state = layer.weight.quant_state
    return (
        layer.weight.device.type == "cpu"
        and layer.support_avx512bf16_for_cpu
        and not getattr(state, "packing_format_for_cpu", False)
        and layer.weight.dtype == torch.uint8
        and state.shape[0] % ROWS == 0
    )
