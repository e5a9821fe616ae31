"""What this machine can carry: its device, its memory, and which model of the catalog fits."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from assistant.models.catalog import CATALOG, GB, Entry

Device = Literal["cuda", "mps", "cpu"]
OVERHEAD = {"cuda": 2 * GB, "mps": 2 * GB, "cpu": GB}
"""Beside the weights: the cache of running answers, activations, and the libraries themselves."""
BEARABLE_ON_CPU = GB
"""Bytes of 16-bit weights above which a CPU writes slower than people read."""


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
    return Machine("cpu", torch.backends.cpu.get_cpu_capability(), cores, ram.total, ram.available)


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
    full = 2.0 if machine.device == "cpu" else 1.0  # the catalog counts 16 bit; a CPU computes in 32
    return int(entry.size_bytes * (0.4 if held == "nf4" else full)) + OVERHEAD[machine.device]


def best_fit(machine: Machine, wanted: str) -> Entry:
    """The largest decoder of the catalog that runs well here; the smallest where none does."""
    decoders = sorted((e for e in CATALOG.values() if e.kind == "decoder"), key=lambda e: e.size_bytes)
    fitting = [
        entry
        for entry in decoders
        if not entry.terms  # nobody is sent to accept terms unasked
        and memory_needed(entry, machine, wanted) <= machine.memory
        and (machine.device != "cpu" or entry.size_bytes <= BEARABLE_ON_CPU)
    ]
    return fitting[-1] if fitting else decoders[0]
