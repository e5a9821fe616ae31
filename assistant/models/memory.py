"""How much main memory this process may use."""

from __future__ import annotations

from pathlib import Path

import psutil

LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where a container says how much it may use; the machine that it runs on has more."""


def usable() -> int:
    """Bytes: the machine's, or what its container allows."""
    return min([int(psutil.virtual_memory().total), *_allowed()])


def _allowed() -> list[int]:
    found = []
    for path in LIMITS:
        try:
            found.append(int(path.read_text(encoding="ascii")))
        except (OSError, ValueError):  # not in a container, or no limit: "max"
            continue
    return found
