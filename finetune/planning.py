"""What a training will cost, measured before it starts: its longest sequences are run for real."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psutil
import torch  # noqa: TID253

from assistant.errors import TrainingError
from finetune.encoding import IGNORED

_RUNS = 2
"""Longest sequences that are run; the first one also warms up. After them comes the one with the most to
learn: each learnt token is scored over the whole vocabulary, which costs more memory than its length."""
_SHORTEST = 64
"""Tokens below which no sequence is tried: nothing useful is that short."""
_DOUBT = (0.8, 1.4)
"""Range around what was measured: other programs run here too, and most sequences are shorter."""
_FULL = 0.85
"""Share of the memory above which little is left for what a plan does not see."""
_PAYS = 0.95
"""A larger micro-batch is taken where its sequences take at most so much of the time."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one step and the whole cost.

    Attributes:
        steps: Of the optimizer.
        tokens_per_step: With and without loss, at most.
        micro_batch: Sequences computed at once.
        seconds_per_step: From and to.
        seconds: To the end, from and to.
        peak_bytes: Of memory, at the longest sequence.
        available_bytes: What this machine has for it.
        device: ``cpu``, or the GPU's name.
        advice: What would help, in sentences.
    """

    steps: int
    tokens_per_step: int
    micro_batch: int
    seconds_per_step: tuple[float, float]
    seconds: tuple[float, float]
    peak_bytes: int
    available_bytes: int
    device: str
    advice: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For ``plan.json``."""
        return asdict(self)


def plan(trainer: Any, steps: int, per_step: int) -> Plan:
    """Run the longest sequences forward and back; weights and random numbers stay as they were.

    Args:
        trainer: One of TRL's, ready to start, over rows of ids.
        steps: Of the optimizer, in all.
        per_step: Sequences of a step.

    Raises:
        TrainingError: The longest sequence does not fit into memory; says what to change.
    """
    rows = list(trainer.train_dataset)
    longest = sorted(rows, key=_size, reverse=True)[:_RUNS]
    fullest = max(rows, key=_learnt)
    state = torch.random.get_rng_state()
    try:
        taken = [_fitting(trainer, row) for row in (*longest, fullest)]
        alone = min(taken[:-1])
        micro_batch, second = _micro_batch(trainer, longest[0], per_step, alone) if _on_gpu() else (1, alone)
    finally:
        trainer.model.zero_grad(set_to_none=True)
        torch.random.set_rng_state(state)
        gc.collect()
    low, high = (round(second * per_step * factor, 2) for factor in _DOUBT)
    peak, available, device = _memory()
    return Plan(
        steps,
        per_step * _size(longest[0]),
        micro_batch,
        (low, high),
        (round(low * steps, 1), round(high * steps, 1)),
        peak,
        available,
        device,
        tuple(_advice(peak, available, high * steps)),
    )


def _fitting(trainer: Any, row: Mapping[str, Any]) -> float:
    """Run a sequence; seconds.

    Raises:
        TrainingError: It does not fit into memory.
    """
    try:
        return _run(trainer, [row])
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as fault:
        if not _is_memory(fault):
            raise
    raise _too_long(trainer, row)


def _micro_batch(trainer: Any, row: Mapping[str, Any], per_step: int, alone: float) -> tuple[int, float]:
    """How many of a step's sequences are computed at once, and the seconds of each.

    The largest part of a step that fits, as long as each larger one is quicker. Asked on a GPU alone: on a
    CPU two at once save 7 % (finetune/LOG.md), and a choice by the clock gives other weights each time.
    """
    best, quickest = 1, alone
    for count in (size for size in range(2, per_step + 1) if per_step % size == 0):
        try:
            each = _run(trainer, [row] * count) / count
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as fault:
            if not _is_memory(fault):
                raise
            break
        peak, available, _ = _memory()
        if peak > _FULL * available or each > _PAYS * quickest:
            break
        best, quickest = count, each
    return best, quickest


def _on_gpu() -> bool:
    return bool(torch.cuda.is_available())


def _is_memory(fault: Exception) -> bool:
    return isinstance(fault, (torch.OutOfMemoryError, MemoryError)) or "memory" in str(fault).lower()


def _too_long(trainer: Any, row: Mapping[str, Any]) -> TrainingError:
    """What does not fit, and the length that does, found by halving."""
    length = _size(row)
    reason = f"a sequence of {length} tokens does not fit into memory"
    while "input_ids" in row and length // 2 >= _SHORTEST:
        length //= 2
        trainer.model.zero_grad(set_to_none=True)
        gc.collect()
        try:
            _run(trainer, [{name: value[:length] for name, value in row.items()}])
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as fault:
            if not _is_memory(fault):
                raise
            continue
        remedy = f"lower training.max_length to {length}, which fits, or take a smaller model"
        return TrainingError(reason=reason, remedy=f"{remedy}; nothing was trained")
    remedy = "lower training.max_length, or take a smaller model; nothing was trained"
    return TrainingError(reason=reason, remedy=remedy)


def _size(row: Mapping[str, Any]) -> int:
    """Tokens of a row: a sequence, or a prompt with two replies."""
    return sum(len(row.get(name) or ()) for name in ("input_ids", "prompt_ids", "chosen_ids", "rejected_ids"))


def _learnt(row: Mapping[str, Any]) -> int:
    """Tokens of a row that are scored: those with a label, or of both replies."""
    labels: int = sum(label != IGNORED for label in row.get("labels") or ())
    return labels + sum(len(row.get(name) or ()) for name in ("chosen_ids", "rejected_ids"))


def _run(trainer: Any, rows: Sequence[Mapping[str, Any]]) -> float:
    started = time.monotonic()
    inputs = trainer._prepare_inputs(trainer.data_collator(rows))
    trainer.model.train()
    with trainer.compute_loss_context_manager():
        loss = trainer.compute_loss(trainer.model, inputs)
    trainer.accelerator.backward(loss)
    trainer._metrics["train"].clear()
    if hasattr(trainer, "_total_train_tokens"):
        trainer._total_train_tokens = 0
    if _on_gpu():
        torch.cuda.synchronize()
    return time.monotonic() - started


def _memory() -> tuple[int, int, str]:
    """Peak of this process, what there is, and where."""
    if _on_gpu():
        place = torch.cuda.current_device()
        total = torch.cuda.get_device_properties(place).total_memory
        return int(torch.cuda.max_memory_reserved(place)), int(total), torch.cuda.get_device_name(place)
    held = psutil.Process().memory_info()
    return _peak(held), int(held.rss + psutil.virtual_memory().available), "cpu"


def _peak(held: Any) -> int:
    """The most bytes that this process ever held."""
    if hasattr(held, "peak_wset"):  # Windows, which has no `resource`
        return int(held.peak_wset)
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _advice(peak: int, available: int, seconds: float) -> list[str]:
    found = []
    if peak > _FULL * available:
        found.append("memory is nearly full: lower training.max_length")
    if seconds > 8 * 3600:
        found.append("this takes more than a night: lower training.epochs or data.limit, or use a GPU")
    return found
