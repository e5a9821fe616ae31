"""Several processes, one GPU each, as ``accelerate launch`` or ``torchrun`` start them.

Each holds the whole base and averages the adapter's gradients with the others. Only the first one writes,
measures and decides; the others follow.
"""

from __future__ import annotations

import os


def several() -> int:
    """How many processes train together; 1 where nobody said otherwise."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def first() -> bool:
    """This process is the one that writes."""
    return os.environ.get("RANK", "0") == "0"


def take_device() -> None:
    """Compute on this process's own GPU, where there are any."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))


def decided(flag: bool) -> bool:
    """What the first process says, told to all: who stops at another step is waited for, for ever."""
    import torch
    from torch import distributed

    if several() == 1:
        return flag
    device = "cuda" if distributed.get_backend() == "nccl" else "cpu"
    said = torch.tensor([int(flag)], device=device)
    distributed.broadcast(said, src=0)
    return bool(said.item())
