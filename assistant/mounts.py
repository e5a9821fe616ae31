"""Whether a folder lies on a disk of this machine."""

from __future__ import annotations

from pathlib import Path

import psutil

NETWORK = frozenset(
    {
        *("9p", "afpfs", "afs", "ceph", "cifs", "davfs", "fuse", "glusterfs", "lustre"),
        *("ncpfs", "nfs", "nfs4", "smb2", "smb3", "smbfs", "webdav"),
    }
)
"""File systems whose locks and memory maps do not hold what SQLite asks of them."""
LOCAL_FUSE = frozenset({"fuse.fuse-overlayfs", "fuse.mergerfs", "fuse.ntfs-3g"})
"""Every other ``fuse.*`` reaches over a network: sshfs, rclone, s3fs, buckets."""

REMEDY = "a crash could damage the database there: set YOUJU_HOME to a folder on a disk of this machine"


def network(folder: Path) -> str:
    """The type of the network file system that ``folder`` lies on; empty on a disk of this machine."""
    path = folder.expanduser().resolve()
    mounts = {Path(part.mountpoint): part.fstype.lower() for part in psutil.disk_partitions(all=True)}
    kind = next((mounts[above] for above in (path, *path.parents) if above in mounts), "")
    remote = kind in NETWORK or (kind.startswith("fuse.") and kind not in LOCAL_FUSE)
    return kind if remote else ""
