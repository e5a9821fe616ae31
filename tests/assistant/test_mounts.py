from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from assistant import mounts
from assistant.config import Settings
from assistant.models import doctor

MOUNTS = {"/": "ext4", "/mnt": "ext4", "/mnt/team": "nfs4", "/mnt/team/disk": "xfs", "/mnt/bucket": "fuse.hf-mount",
          "/mnt/win": "CIFS", "/mnt/pool": "fuse.mergerfs", "/mnt/usb": "fuseblk"}  # fmt: skip


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [SimpleNamespace(mountpoint=point, fstype=kind) for point, kind in MOUNTS.items()]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: parts)  # noqa: A006


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/ada/youju", ""),
        ("/mnt/x", ""),
        ("/mnt/team/youju", "nfs4"),
        ("/mnt/teamwork/youju", ""),
        ("/mnt/team/disk/youju", ""),
        ("/mnt/bucket", "fuse.hf-mount"),
        ("/mnt/win/a/b/c", "cifs"),
        ("/mnt/x/../win/a", "cifs"),
        ("/mnt/pool/a", ""),
        ("/mnt/usb/a", ""),
    ],
)
@pytest.mark.usefixtures("mounted")
def test_the_nearest_mount_decides(folder: str, kind: str) -> None:
    assert mounts.network(Path(folder)) == kind


def test_this_machines_own_mounts_are_read(tmp_path: Path) -> None:
    assert isinstance(mounts.network(tmp_path), str)


def test_doctor_warns_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [SimpleNamespace(mountpoint=str(tmp_path), fstype="nfs")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: parts)  # noqa: A006
    (check,) = [c for c in doctor.examine(Settings(home=tmp_path / "home")).checks if c.name == "home"]
    assert (check.state, "nfs" in check.message) == ("warn", True)
    assert "YOUJU_HOME" in check.remedy
