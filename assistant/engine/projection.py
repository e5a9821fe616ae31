"""Linear layers that read one input, multiplied in one call, with the LoRA adapter that is active on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch  # noqa: TID253
from peft.tuners.lora import LoraLayer  # noqa: TID253
from torch import nn  # noqa: TID253

from assistant.engine import packed


@dataclass(frozen=True, slots=True)
class _Update:
    """A low-rank addition to some columns of the output."""

    columns: slice
    a: torch.Tensor
    b: torch.Tensor
    scaling: float

    def add_to(self, out: torch.Tensor, x: torch.Tensor) -> None:
        added = nn.functional.linear(nn.functional.linear(x.to(self.a.dtype), self.a), self.b)
        out[:, self.columns] += (added * self.scaling).to(out.dtype)


class Projection:
    """``projection(x)``: the outputs of some linear layers side by side, ``(n, k)`` to ``(n, outputs)``.

    Where the weights are not packed 4-bit ones, or the adapter is of a kind of its own, it calls the layers.

    Args:
        owner: Module that holds the layers.
        names: Of the layers.
    """

    def __init__(self, owner: nn.Module, names: Sequence[str]) -> None:
        self._owner, self._names = owner, names
        bases = [_base(layer) for layer in self._layers()]
        self._packed = packed.together(bases)
        self._bias = _joined([layer.bias for layer in bases], [layer.out_features for layer in bases])
        self._updates: list[_Update] | None = []
        self.adapt()

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply ``(n, k)``."""
        if self._packed is None or self._updates is None:
            return torch.cat([layer(x) for layer in self._layers()], -1)
        out = self._packed(x)
        if self._bias is not None:
            out += self._bias
        for update in self._updates:
            update.add_to(out, x)
        return out

    def adapt(self) -> None:
        """Take in which adapter is active now."""
        begin, found = 0, []
        for layer in self._layers():
            columns = slice(begin, begin := begin + _base(layer).out_features)
            for name in _active(layer):
                if not _is_plain(layer, name):
                    self._updates = None
                    return
                a, b = layer.lora_A[name].weight, layer.lora_B[name].weight
                found.append(_Update(columns, a, b, layer.scaling[name]))
        self._updates = found

    def _layers(self) -> list[Any]:
        return [getattr(self._owner, name) for name in self._names]


def _base(layer: Any) -> Any:
    return layer.base_layer if isinstance(layer, LoraLayer) else layer


def _active(layer: Any) -> list[str]:
    """Adapters that change what a layer computes."""
    if not isinstance(layer, LoraLayer) or layer.disable_adapters:
        return []
    return [name for name in layer.active_adapters if name in layer.lora_A]


def _is_plain(layer: Any, name: str) -> bool:
    """Nothing but two matrices: no variant such as DoRA, no bias."""
    return name not in layer.lora_variant and not layer.merged and layer.lora_B[name].bias is None


def _joined(biases: Sequence[torch.Tensor | None], sizes: Sequence[int]) -> torch.Tensor | None:
    given = [bias for bias in biases if bias is not None]
    if not given:
        return None
    filled = [
        given[0].new_zeros(size) if bias is None else bias for bias, size in zip(biases, sizes, strict=True)
    ]
    return torch.cat(filled).to(torch.bfloat16)
