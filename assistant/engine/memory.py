"""Memory that loading and answering leave behind, given back to the system."""

from __future__ import annotations

import ctypes
import re
import sys
from pathlib import Path

_SMAPS = Path("/proc/self/smaps")
_DONTNEED = 4
"""``MADV_DONTNEED`` of Linux: drop the pages; whoever reads one again gets it from the file."""
_MAPPING = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \d+\s+(/.*)$")
_WRITTEN = re.compile(r"^Anonymous:\s+(\d+) kB$")


def give_back(folder: Path) -> None:
    """Drop what was read of a model's files and is packed elsewhere now, and free lists of the allocator.

    Weights are mapped, not copied: what was read once would count as ours for ever. A page that was written
    to is no longer the file's; no loader writes any, and where one did, its whole mapping stays. Other
    systems than Linux keep everything.

    Args:
        folder: Whose files are mapped.
    """
    if not _SMAPS.exists():
        return
    libc = ctypes.CDLL(None)
    for start, end in _mapped(_SMAPS.read_text(), folder.resolve()):
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _DONTNEED)
    trim()


def trim() -> None:
    """Give back what the allocator keeps in its free lists, where it is glibc's; tenths of a second."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


def _mapped(smaps: str, folder: Path) -> list[tuple[int, int]]:
    """Spans of memory that are weights of ``folder`` and unchanged."""
    spans: list[tuple[int, int]] = []
    ours = False
    for line in smaps.splitlines():
        if mapping := _MAPPING.match(line):
            path = Path(mapping[3])
            ours = path.suffix == ".safetensors" and path.resolve().is_relative_to(folder)
            if ours:
                spans.append((int(mapping[1], 16), int(mapping[2], 16)))
        elif re.match(r"^[0-9a-f]+-[0-9a-f]+ ", line):
            ours = False
        elif ours and (written := _WRITTEN.match(line)) and int(written[1]):
            spans.pop()
            ours = False
    return spans
