"""What was read of a model's files is given back, and nothing that was written is lost."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest

from assistant.engine import memory

MEGABYTE = 1 << 20

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="Linux tells what is resident")


def mapped(path: Path) -> mmap.mmap:
    """The file, privately mapped as weights are, and every page of it read."""
    path.write_bytes(bytes(range(256)) * (4 * MEGABYTE // 256))
    with path.open("r+b") as file:
        weights = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    assert weights[:].count(b"\x07") == 4 * MEGABYTE // 256
    return weights


def resident(path: Path) -> int:
    """Kilobytes of it that count as this process's."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    for line in lines:
        if line.endswith(str(path)):
            return next(int(each.split()[1]) for each in lines if each.startswith("Rss:"))
    raise AssertionError("not mapped")


def test_pages_that_were_read_are_dropped_and_come_back_the_same(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    weights = mapped(path)
    assert resident(path) > 1000
    memory.give_back(tmp_path)
    assert resident(path) == 0
    assert weights[:512] == bytes(range(256)) * 2


def test_what_was_written_to_stays(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    weights = mapped(path)
    weights[5000:5004] = b"kept"
    memory.give_back(tmp_path)
    assert weights[5000:5004] == b"kept"
    assert resident(path) > 1000


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    ours, other = tmp_path / "ours", tmp_path / "ours-too"
    ours.mkdir()
    other.mkdir()
    paths = [ours / "notes.bin", other / "model.safetensors"]
    kept = [mapped(path) for path in paths]
    memory.give_back(ours)
    assert all(resident(path) > 1000 for path in paths)
    assert len(kept) == 2
