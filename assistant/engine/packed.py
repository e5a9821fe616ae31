"""NF4 weights as bitsandbytes' kernel for CPUs with bfloat16 reads them, several matrices side by side.

A decode step calls the kernel for every matrix; on a small model the way to it through torch's dispatcher
takes as long as the arithmetic. Matrices that read the same input are laid side by side and multiplied in
one call, straight through ctypes.

The kernel's time grows with the rows (4096 x 1536, one core: 0.4 ms for one row, 0.8 for four, 95 for 512).
Prompts go another way: 10 ms to turn the matrix into bfloat16, and 11 for the processor's matrix units to
multiply 512 rows by it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch  # noqa: TID253

BLOCK = 64
"""Weights that share a scale."""
_LANES = 32  # rows that the kernel reads together
_MANY = 96  # rows from which it is faster to unpack first and multiply by the machine's matrix units
_COLUMNS = 4096  # unpacked at once: they stay in the cache of the processor
_CHUNK = 1024  # rows quantized at once: they stay in the cache of the processor


class Packed:
    """Matrices in the kernel's layout; ``packed(x)`` is ``x @ W.T``.

    Args:
        weight: ``(n, k / 2)`` uint8, rows in groups of 32.
        scales: ``(k / block, n)`` bfloat16.
        block: Weights that share a scale.
    """

    def __init__(self, weight: torch.Tensor, scales: torch.Tensor, block: int = BLOCK) -> None:
        self.weight, self.scales = weight, scales
        self._n, self._k, self._block = weight.shape[0], weight.shape[1] * 2, block

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply ``(m, k)`` bfloat16, contiguous; ``(m, n)``."""
        m, n, k = x.shape[0], self._n, self._k
        if m >= _MANY:
            return self._unpacked(x)
        out = torch.empty(m, n, dtype=torch.bfloat16)
        _kernel()(
            m, n, k, x.data_ptr(), self.weight.data_ptr(), self.scales.data_ptr(), out.data_ptr(),
            self._block, k, n,
        )  # fmt: skip
        return out

    def _unpacked(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply many rows: by matrices in bfloat16, made for the moment, some columns at a time."""
        out = torch.empty(len(x), self._n, dtype=torch.bfloat16)
        for begin in range(0, self._n, _COLUMNS):
            columns = slice(begin, begin + _COLUMNS)
            found = (x @ self._dense(columns)).view(len(x), -1, _LANES // 2, 2)
            out[:, columns].view(len(x), -1, 2, _LANES // 2).copy_(found.transpose(-1, -2))
        return out

    def _dense(self, columns: slice) -> torch.Tensor:
        """Some columns as ``(k, c)`` bfloat16; of each 32, columns ``i`` and ``16 + i`` are neighbours."""
        part, k = self.weight[columns], self._k
        groups = len(part) // _LANES
        words = part.view(torch.int16).view(-1).to(torch.int32).bitwise_and_(0xFFFF)
        pairs = _quartets().index_select(0, words).view(torch.int32).view(groups, k // 2, _LANES // 2, 2)
        dense = torch.empty(k, len(part), dtype=torch.bfloat16)
        dense.view(torch.int32).view(k // 2, 2, groups, _LANES // 2).copy_(pairs.permute(1, 3, 0, 2))
        scales = self.scales[:, columns].view(-1, groups, 2, _LANES // 2).transpose(2, 3)
        dense.view(-1, self._block, len(part)).mul_(scales.reshape(-1, 1, len(part)))
        return dense


def together(layers: Sequence[Any]) -> Packed | None:
    """Lay 4-bit layers of one input side by side; their own weights become views, so nothing is held twice.

    Returns:
        ``None`` where bitsandbytes has not packed them for this CPU, e.g. for want of bfloat16.
    """
    weights: list[Any] = [layer.weight for layer in layers]
    states: list[Any] = [getattr(weight, "quant_state", None) for weight in weights]
    if not all(getattr(state, "packing_format_for_cpu", False) for state in states):
        return None
    if any(layer.compute_dtype != torch.bfloat16 for layer in layers):
        return None
    if any(state.quant_type != "nf4" or state.blocksize != states[0].blocksize for state in states):
        return None
    joined = _joined([weight.data for weight in weights])
    for weight, part in zip(weights, joined.split([len(weight.data) for weight in weights]), strict=True):
        weight.data = part
    return Packed(joined, torch.cat([state.absmax for state in states], 1), states[0].blocksize)


def _joined(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Matrices below each other; a view where they lie so already, as `packing.pack` puts them."""
    first, size = parts[0], parts[0].numel()
    for part in parts[1:]:
        beside = part.storage_offset() == first.storage_offset() + size and part.is_contiguous()
        if not beside or part.untyped_storage().data_ptr() != first.untyped_storage().data_ptr():
            return torch.cat(list(parts))
        size += part.numel()
    return first.as_strided((sum(map(len, parts)), first.shape[1]), first.stride())


def quantized(matrix: torch.Tensor) -> Packed:
    """Quantize ``(n, k)`` to NF4 in the kernel's layout; ``n`` divides by 32 and ``k`` by ``BLOCK``.

    By a table of 256 steps, so that a large head takes a second; bitsandbytes rounds more finely.
    """
    n, k = matrix.shape
    matrix = matrix.detach()  # recorded for gradients, every step would stay in memory
    weight = torch.empty(n, k // 2, dtype=torch.uint8)
    scales = torch.empty(k // BLOCK, n, dtype=torch.bfloat16)
    for begin in range(0, n, _CHUNK):
        part = slice(begin, min(begin + _CHUNK, n))
        blocks = matrix[part].float().view(-1, k // BLOCK, BLOCK)
        largest = blocks.abs().amax(-1, keepdim=True).clamp(min=1e-12)
        steps = blocks.mul_(127.5 / largest).add_(128).floor_().view(-1, 2, _LANES // 2, k)
        words = steps[:, 1].mul(256).add_(steps[:, 0]).to(torch.int32)  # of rows that share a byte
        pairs = _bytes().index_select(0, words.view(-1)).view(-1, _LANES // 2, k // 2, 2)
        weight[part].view(-1, k // 2, _LANES // 2, 2).copy_(pairs.transpose(1, 2))
        scales[:, part] = largest[..., 0].T
    return Packed(weight, scales)


def can_hold(matrix: torch.Tensor) -> bool:
    """Whether ``quantized`` takes a matrix of this shape, and this machine has the kernel."""
    from bitsandbytes.functional import has_avx512bf16

    n, k = matrix.shape
    fits = matrix.dtype == torch.bfloat16 and n % _LANES == 0 and k % BLOCK == 0
    return bool(fits and matrix.device.type == "cpu" and has_avx512bf16())


@cache
def _values() -> torch.Tensor:
    """The sixteen values of NF4."""
    from bitsandbytes.functional import get_4bit_type

    return get_4bit_type("nf4", device="cpu").float()


@cache
def _quartets() -> torch.Tensor:
    """By two of the kernel's bytes, their four values in bfloat16 as one number, low halves first."""
    pairs = torch.stack([_values().repeat(16), _values().repeat_interleave(16)], 1)  # (256, 2)
    both = torch.cat([pairs.repeat(256, 1), pairs.repeat_interleave(256, 0)], 1)  # (65536, 4)
    return both.to(torch.bfloat16).view(torch.int64)[:, 0]


@cache
def _bytes() -> torch.Tensor:
    """By the steps 0..255 of two rows, the byte that holds their codes of NF4, the first in its low half."""
    borders = (_values()[1:] + _values()[:-1]) / 2
    codes = torch.bucketize((torch.arange(256) - 127.5) / 127.5, borders).to(torch.uint8)
    return codes.repeat(256) | codes.repeat_interleave(256) << 4


@cache
def _kernel() -> Callable[..., None]:
    from bitsandbytes.cextension import lib

    sizes, pointers = [ctypes.c_int64] * 3, [ctypes.c_void_p] * 4
    found = ctypes.cast(lib.gemv_4bit_inference_cpu_nf4_bf16, ctypes.c_void_p).value
    assert found is not None
    return ctypes.CFUNCTYPE(None, *sizes, *pointers, *sizes)(found)
