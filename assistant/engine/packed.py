"""NF4 weights as bitsandbytes' kernel for CPUs with bfloat16 reads them, several matrices side by side.

A decode step calls the kernel for every matrix; on a small model the way to it through torch's dispatcher
takes as long as the arithmetic. Matrices that read the same input are laid side by side and multiplied in
one call, straight through ctypes.
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
_CHUNK = 8192  # rows quantized at once, for the memory


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
        out = torch.empty(m, n, dtype=torch.bfloat16)
        _kernel()(
            m, n, k, x.data_ptr(), self.weight.data_ptr(), self.scales.data_ptr(), out.data_ptr(),
            self._block, k, n,
        )  # fmt: skip
        return out


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
    joined = torch.cat([weight.data for weight in weights])
    for weight, part in zip(weights, joined.split([len(weight.data) for weight in weights]), strict=True):
        weight.data = part
    return Packed(joined, torch.cat([state.absmax for state in states], 1), states[0].blocksize)


def quantized(matrix: torch.Tensor) -> Packed:
    """Quantize ``(n, k)`` to NF4 in the kernel's layout; ``n`` divides by 32 and ``k`` by ``BLOCK``."""
    n, k = matrix.shape
    weight = torch.empty(n, k // 2, dtype=torch.uint8)
    scales = torch.empty(k // BLOCK, n, dtype=torch.bfloat16)
    for begin in range(0, n, _CHUNK):
        part = slice(begin, min(begin + _CHUNK, n))
        blocks = matrix[part].float().view(-1, k // BLOCK, BLOCK)
        largest = blocks.abs().amax(-1, keepdim=True).clamp(min=1e-12)
        codes = torch.bucketize(blocks / largest, _borders(), out_int32=True).to(torch.uint8).view(-1, k)
        weight[part] = _pack(codes)
        scales[:, part] = largest[..., 0].T.to(torch.bfloat16)
    return Packed(weight, scales)


def can_hold(matrix: torch.Tensor) -> bool:
    """Whether ``quantized`` takes a matrix of this shape, and this machine has the kernel."""
    from bitsandbytes.functional import has_avx512bf16

    n, k = matrix.shape
    fits = matrix.dtype == torch.bfloat16 and n % _LANES == 0 and k % BLOCK == 0
    return bool(fits and matrix.device.type == "cpu" and has_avx512bf16())


def _pack(codes: torch.Tensor) -> torch.Tensor:
    """Codes ``(n, k)`` of 0..15 to the kernel's bytes: pairs of ``k``, rows 16 apart in the halves of one."""
    n, k = codes.shape
    rows = codes.view(n // _LANES, 2, _LANES // 2, k // 2, 2)  # group, half, lane, pair, one of the pair
    return (rows[:, 0] | rows[:, 1] << 4).transpose(1, 2).reshape(n, k // 2)


@cache
def _borders() -> torch.Tensor:
    """Halfway between the sixteen values of NF4."""
    from bitsandbytes.functional import get_4bit_type

    values = get_4bit_type("nf4", device="cpu").float()
    return (values[1:] + values[:-1]) / 2


@cache
def _kernel() -> Callable[..., None]:
    from bitsandbytes.cextension import lib

    sizes, pointers = [ctypes.c_int64] * 3, [ctypes.c_void_p] * 4
    found = ctypes.cast(lib.gemv_4bit_inference_cpu_nf4_bf16, ctypes.c_void_p).value
    assert found is not None
    return ctypes.CFUNCTYPE(None, *sizes, *pointers, *sizes)(found)
