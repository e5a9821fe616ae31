"""What this machine can carry: its device, its memory, and which model of the catalog fits."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from assistant.models import memory as main_memory
from assistant.models.catalog import CATALOG, GB, Entry, default_model

Device = Literal["cuda", "mps", "cpu"]
OVERHEAD = {"cuda": 2 * GB, "mps": 2 * GB, "cpu": GB}
"""Beside the weights: the cache of running answers, activations, and the libraries themselves."""
NF4_SHARE, FULL_SHARE = 0.4, 3.0
"""Weights in NF4 beside those in 16 bit, and weights in 16 bit beside those that are kept in NF4."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a model would run."""

    device: Device
    name: str
    cores: int
    """Those this process may use."""
    memory: int
    """Bytes of the device's memory in all."""
    free: int
    """Bytes of it that are free now."""


def detect() -> Machine:
    """Look at the machine; imports torch."""
    import psutil
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if torch.cuda.is_available():
        free, memory = torch.cuda.mem_get_info()
        return Machine("cuda", torch.cuda.get_device_name(), cores, memory, free)
    ram = psutil.virtual_memory()
    if torch.backends.mps.is_available():
        return Machine("mps", "Apple GPU", cores, ram.total, ram.available)
    usable = main_memory.usable()
    free = min(usable, ram.available)
    return Machine("cpu", torch.backends.cpu.get_cpu_capability(), cores, usable, free)


def quantization(machine: Machine, wanted: str) -> tuple[str, str]:
    """How the weights are kept in memory here: ``nf4`` or ``none``, and why.

    Args:
        machine: Where the model runs.
        wanted: The setting.
    """
    if wanted == "none":
        return "none", "the setting quantization asks for full weights"
    if machine.device == "mps":
        return "none", "4-bit weights cannot run on Apple GPUs, so they are kept in 16 bit"
    return "nf4", "4-bit weights take about a quarter of the memory"


def memory_needed(entry: Entry, machine: Machine, wanted: str) -> int:
    """Bytes that the model takes while it serves; 0 where its size is unknown."""
    if not entry.size_bytes:
        return 0
    held, _ = quantization(machine, wanted)
    if held == "nf4":
        return int(entry.size_bytes * (1.0 if entry.in_nf4 else NF4_SHARE)) + OVERHEAD[machine.device]
    full = 2.0 if machine.device == "cpu" else 1.0  # many a CPU computes in 32 bit
    return int(entry.size_bytes * full * (FULL_SHARE if entry.in_nf4 else 1.0)) + OVERHEAD[machine.device]


def best_fit(machine: Machine, wanted: str) -> Entry:
    """The largest decoder of the catalog that runs well here; the default of a machine without a GPU."""
    if machine.device == "cpu":
        return default_model(machine.memory)
    decoders = sorted((e for e in CATALOG.values() if e.kind == "decoder"), key=lambda e: e.size_bytes)
    fitting = [entry for entry in decoders if memory_needed(entry, machine, wanted) <= machine.memory]
    return fitting[-1] if fitting else decoders[0]
