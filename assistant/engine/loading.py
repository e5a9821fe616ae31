"""Model files to a model in memory: 4-bit where it runs, safetensors only, never code from the model."""

from __future__ import annotations

import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch  # noqa: TID253
from transformers import (  # noqa: TID253
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils.logging import disable_progress_bar  # noqa: TID253

from assistant.engine import memory, packing
from assistant.errors import EngineError, ModelFileError
from assistant.models import nf4

log = logging.getLogger(__name__)
Quantization = Literal["nf4", "none"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that is ready to run."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    quantization: str
    """``nf4``, or the name of the dtype."""
    note: str = ""
    """Why it is not what was asked for."""


def load(folder: Path, quantization: Quantization, *, to_train: bool = False) -> Loaded:
    """Load a model and its tokenizer from a folder.

    Args:
        folder: Of weights in 16 or 32 bit, which are quantized now, or in NF4 already.
        quantization: ``nf4``, or ``none`` for 16 or 32 bit.
        to_train: Leave 4-bit weights as they are stored: gradients are wrong once they are packed for speed.

    Raises:
        ModelFileError: A file is missing, damaged, or of a kind that is never loaded.
        EngineError: There is no room for it.
    """
    model, quantized, note = _placed(folder, quantization)
    with ThreadPoolExecutor(1) as beside:  # a second of vocabulary beside a second of weights
        tokenizer = beside.submit(_tokenizer, folder)
        if quantized == "nf4" and not to_train:
            packing.pack(model)
            memory.give_back(folder)
        return Loaded(model, tokenizer.result(), quantized, note)


def _placed(folder: Path, quantization: Quantization) -> tuple[PreTrainedModel, str, str]:
    """The model, what it is quantized to, and why it is not what was asked for."""
    device, dtype = place()
    note = ""
    if quantization == "nf4":
        try:
            model = _in_4_bit(folder, device, dtype)
        except (torch.OutOfMemoryError, MemoryError) as fault:
            raise _no_room(folder, fault) from fault
        except Exception as fault:  # noqa: BLE001 - whatever bitsandbytes lacks here; the next load tells if it was the files
            note = f"4-bit cannot run here ({fault}); running in {_name(dtype)}, which needs more memory"
        else:
            return model, "nf4", ""
    model = _whole(folder, device, dtype)
    if note:
        log.warning(note)
    return model, _name(dtype), note


def load_to_lend(folder: Path) -> Loaded:
    """Load a model in 16 or 32 bit for a GPU that is lent for the length of a call.

    The weights are read on the CPU and moved in one step, in this thread: until a GPU is lent, what stands in
    for CUDA remembers the move, and it covers this thread only, not those that read weights in parallel.

    Raises:
        ModelFileError: A file is missing, damaged, or of a kind that is never loaded.
        EngineError: There is no room for it.
    """
    device, dtype = place()
    tokenizer = _tokenizer(folder)
    return Loaded(_whole(folder, torch.device("cpu"), dtype).to(device), tokenizer, _name(dtype))


def load_whole(folder: Path, dtype: torch.dtype) -> PreTrainedModel:
    """The weights in 16 or 32 bit, on the CPU; those that are kept in NF4 are what four bits left of them.

    Raises:
        ModelFileError: A file is missing, damaged, or of a kind that is never loaded.
        EngineError: There is no room for it.
    """
    return _whole(folder, torch.device("cpu"), dtype)


def place() -> tuple[torch.device, torch.dtype]:
    """The device of this machine, and the dtype that it computes in without emulation."""
    if torch.cuda.is_available():
        return torch.device("cuda"), torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    fast = "avx512_bf16" in _cpu_flags()
    return torch.device("cpu"), torch.bfloat16 if fast else torch.float32


def _cpu_flags() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore")
    except OSError:
        return ""


def _tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as fault:
        raise _unreadable(folder, fault) from fault


def _in_4_bit(folder: Path, device: torch.device, dtype: torch.dtype) -> PreTrainedModel:
    """Quantized now, or kept so; computing in ``dtype`` either way."""
    if not nf4.kept(folder):
        return _weights(folder, device, dtype, quantization_config=nf4.config(dtype))
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    config.quantization_config["bnb_4bit_compute_dtype"] = _name(dtype)
    return _computing_in(dtype, _weights(folder, device, dtype, config=config))


def _computing_in(dtype: torch.dtype, model: PreTrainedModel) -> PreTrainedModel:
    """What is kept in NF4 comes in bfloat16; a CPU without instructions for it computes in 32 bit."""
    for parameter in model.parameters():
        if parameter.is_floating_point():  # all but the 4-bit weights
            parameter.data = parameter.data.to(dtype)
        if (state := getattr(parameter, "quant_state", None)) is not None:
            state.dtype = dtype
    return model


def _whole(folder: Path, device: torch.device, dtype: torch.dtype) -> PreTrainedModel:
    try:
        model = _weights(folder, device, dtype)
        return _computing_in(dtype, model.dequantize(dtype)).eval() if nf4.kept(folder) else model
    except (torch.OutOfMemoryError, MemoryError) as fault:
        raise _no_room(folder, fault) from fault
    except Exception as fault:
        raise _unreadable(folder, fault) from fault


def _weights(folder: Path, device: torch.device, dtype: torch.dtype, **options: Any) -> PreTrainedModel:
    if not sys.stderr.isatty():
        disable_progress_bar()  # in a log, each of its steps stays
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=dtype,
        device_map={"": device},
        attn_implementation="sdpa",
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        **options,
    )
    return model.eval()


def _no_room(folder: Path, fault: BaseException) -> EngineError:
    reason = f"{folder.name} does not fit into memory ({str(fault)[:200] or type(fault).__name__})"
    return EngineError(reason=reason, remedy="free memory, or choose a smaller model: see youju doctor")


def _unreadable(folder: Path, fault: Exception) -> ModelFileError:
    reason = f"it could not be loaded ({type(fault).__name__}: {str(fault)[:300]})"
    return ModelFileError(name=folder.name, reason=reason, remedy="pull the model again")


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
