"""LoRA adapters on the model, at most one of them active: checked before use, swapped while nothing runs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch  # noqa: TID253
from peft import LoraConfig, inject_adapter_in_model, set_peft_model_state_dict  # noqa: TID253
from peft.functional import delete_adapter  # noqa: TID253
from peft.tuners.tuners_utils import BaseTunerLayer  # noqa: TID253
from peft.utils import get_peft_model_state_dict  # noqa: TID253
from safetensors.torch import load_file
from transformers import PreTrainedModel  # noqa: TID253

from assistant.errors import AdapterError
from assistant.schema import AdapterRef

KEPT = 4
"""Adapters that stay on the model; the one unused longest goes first."""


class Shelf:
    """The adapters of one model. Call only while no step of the model runs.

    Args:
        model: The base, without adapters.
        base: Its name; adapters trained on another are refused.
    """

    def __init__(self, model: PreTrainedModel, base: str) -> None:
        self.model = model
        self._base = base
        self._slots: dict[AdapterRef, str] = {}  # least recently used first
        self._loads = 0
        self.current: AdapterRef | None = None

    def use(self, ref: AdapterRef | None) -> None:
        """Make an adapter the active one, loading it if needed; ``None`` is the bare model.

        Raises:
            AdapterError: It cannot be used; the one in use before stays in use.
        """
        if ref is not None and ref not in self._slots:
            self._slots[ref] = self._load(ref)
            self._drop_oldest()
        self._activate(ref)

    def _activate(self, ref: AdapterRef | None) -> None:
        if ref is not None:
            self._slots[ref] = slot = self._slots.pop(ref)
        for layer in self._layers():
            layer.enable_adapters(ref is not None)
            if ref is not None:
                layer.set_adapter(slot, inference_mode=True)
        self.current = ref

    def _layers(self) -> list[BaseTunerLayer]:
        return [module for module in self.model.modules() if isinstance(module, BaseTunerLayer)]

    def _load(self, ref: AdapterRef) -> str:
        if ref.base != self._base:
            raise _refuse(ref, f"it was trained on {ref.base}, the model is {self._base}")
        weights = _read(ref)
        self._loads += 1
        slot = f"slot{self._loads}"
        try:
            config = LoraConfig.from_pretrained(ref.path)
            config.inference_mode = True
            with _weights_as_they_are(self.model), warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="Already found a `peft_config`")  # it is meant
                inject_adapter_in_model(config, self.model, slot)
                made = get_peft_model_state_dict(self.model, adapter_name=slot, save_embedding_layers=False)
                _match(ref, weights, made)
                set_peft_model_state_dict(self.model, weights, adapter_name=slot)
        except Exception as fault:
            self._discard(slot)
            if isinstance(fault, AdapterError):
                raise
            raise _refuse(ref, f"{type(fault).__name__}: {str(fault)[:200]}") from fault
        self.model.eval()
        return slot

    def _drop_oldest(self) -> None:
        while len(self._slots) > KEPT:
            oldest = next(ref for ref in self._slots if ref != self.current)
            self._discard(self._slots.pop(oldest))

    def _discard(self, slot: str) -> None:
        """Take an adapter off, also a half-made one; the one in use stays in use."""
        delete_adapter(self.model, adapter_name=slot, prefix="lora_")
        if self.current in self._slots or self.current is None:
            self._activate(self.current)


@contextmanager
def _weights_as_they_are(model: PreTrainedModel) -> Iterator[None]:
    """Let peft list the model's tensors without changing them.

    On CPUs with bfloat16 bitsandbytes keeps its 4-bit weights packed for speed and unpacks them, with a loss,
    for every ``state_dict()``: the base would answer a little differently after each adapter.
    """
    states: list[Any] = [
        getattr(getattr(part, "weight", None), "quant_state", None) for part in model.modules()
    ]
    packed = [state for state in states if getattr(state, "packing_format_for_cpu", False)]
    for state in packed:
        state.packing_format_for_cpu = False
    try:
        yield
    finally:
        for state in packed:
            state.packing_format_for_cpu = True


def _read(ref: AdapterRef) -> dict[str, torch.Tensor]:
    """The adapter's tensors, by the name that they have without peft's wrapper around the model."""
    try:
        weights = load_file(Path(ref.path) / "adapter_model.safetensors")
    except Exception as fault:  # noqa: BLE001 - any kind, from a parser of files that others wrote
        raise _refuse(ref, f"adapter_model.safetensors cannot be read ({fault})") from None
    for name, tensor in weights.items():
        if not bool(torch.isfinite(tensor).all()):
            raise _refuse(ref, f"tensor {name} holds values that are not numbers")
    return {name.removeprefix("base_model.model."): tensor for name, tensor in weights.items()}


def _match(
    ref: AdapterRef, weights: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]
) -> None:
    for name in sorted(weights.keys() ^ expected.keys()):
        raise _refuse(ref, f"tensor {name} is {'missing' if name in expected else 'not part of this model'}")
    for name, tensor in weights.items():
        if tensor.shape != expected[name].shape:
            raise _refuse(ref, f"tensor {name} is {tuple(tensor.shape)}, not {tuple(expected[name].shape)}")


def _refuse(ref: AdapterRef, reason: str) -> AdapterError:
    return AdapterError(name=ref.name, reason=reason, remedy="use an adapter trained on this model")
