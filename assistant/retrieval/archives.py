"""Zip containers (DOCX, PPTX, XLSX, EPUB), judged by their directory before anything is unpacked."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import PurePosixPath

from assistant.errors import TooLargeError, UnreadableFileError
from assistant.retrieval.limits import MB, Limits

_ARCHIVES = frozenset(
    {".zip", ".gz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".jar", ".docx", ".pptx", ".xlsx", ".epub"}
)
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    struct.error,
    NotImplementedError,
    ValueError,
    RuntimeError,
)
_REMEDY = "save it again in the program that made it"


def check(name: str, data: bytes, member: str, limits: Limits) -> None:
    """Refuse bombs and files of another kind from the directory alone: nothing is unpacked.

    ``zipfile`` never returns more than the declared size, so the declared sum is a sound cap.

    Args:
        name: For messages.
        data: The container.
        member: The member without which it is not this kind.
        limits: Bounds on sum, ratio and number of members.

    Raises:
        TooLargeError: Over a bound.
        UnreadableFileError: Damaged, encrypted, holding an archive, or of another kind.
    """
    _count(name, data, limits)
    try:
        members = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except _DAMAGED:
        raise _unreadable(name, "it is damaged or cut off") from None
    _weigh(name, len(data), members, limits)
    names = [entry.filename for entry in members]
    if member not in names:
        raise _unreadable(name, f"it holds no {member}: the content is not what its name says")
    if len(set(names)) < len(names):
        raise _unreadable(name, "its directory names a member twice")
    for entry in members:
        if entry.flag_bits & 0x1:
            raise _unreadable(name, "it is protected with a password")
        if PurePosixPath(entry.filename).suffix.lower() in _ARCHIVES and "embeddings/" not in entry.filename:
            raise _unreadable(name, f"it holds another archive ({entry.filename[:80]!r})")


def member(name: str, data: bytes, path: str) -> bytes:
    """One member, unpacked.

    Raises:
        UnreadableFileError: Missing or damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as container:
            return container.read(path)
    except KeyError:
        raise _unreadable(name, f"{path[:80]!r} is missing in it") from None
    except _DAMAGED:
        raise _unreadable(name, "it is damaged or cut off") from None


def _count(name: str, data: bytes, limits: Limits) -> None:
    """Read the number of members from the end record: ``ZipFile`` would build an object for each."""
    at = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_557))
    if at >= 0 and len(data) >= at + 12:
        declared = struct.unpack_from("<H", data, at + 10)[0]
        # A forged or zip64 count is below the true one; the directory has 46 bytes a member at least.
        size = struct.unpack_from("<L", data, at + 12)[0] if len(data) >= at + 16 else 0
        if declared > limits.zip_members or (size > limits.zip_members * 1_000):
            _too_large(name, "members", declared, limits.zip_members)


def _weigh(name: str, packed: int, members: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(members) > limits.zip_members:
        _too_large(name, "members", len(members), limits.zip_members)
    declared = sum(entry.file_size for entry in members)
    if declared > limits.unpacked_bytes:
        _too_large(name, "unpacked", f"{declared / MB:.0f} MB", f"{limits.unpacked_bytes / MB:.0f} MB")
    for size, cost in [(declared, packed), *((entry.file_size, entry.compress_size) for entry in members)]:
        if size > MB and size > limits.zip_ratio * max(cost, 1):
            _too_large(name, "compression ratio", size // max(cost, 1), limits.zip_ratio)


def _too_large(name: str, what: str, value: object, limit: object) -> None:
    raise TooLargeError(
        field=f"{name} ({what})", value=value, limit=limit, remedy="split it into smaller files"
    )


def _unreadable(name: str, reason: str) -> UnreadableFileError:
    return UnreadableFileError(name=name, reason=reason, remedy=_REMEDY)
