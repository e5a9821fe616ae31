"""Which adapter answers: the promoted one of the base in use, else the shipped one, else none.

``adapters/live.json`` under the data folder is a list of what was done, oldest first; nothing is ever taken
out of it. It is replaced in one step, so that a reader sees the whole old list or the whole new one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from assistant.errors import AdapterError, ConflictError, DatabaseFileError, StorageError
from assistant.models import adapters, skills
from assistant.schema import AdapterRef

FILE = "live.json"
WAIT_S = 30.0
RENEW = "promote it again, or run `youju adapters rollback`"


@dataclass(frozen=True, slots=True)
class Event:
    """A promotion, or a rollback."""

    do: Literal["promote", "rollback"]
    name: str
    """What was put live, or taken off."""
    base: str
    at: str
    """ISO 8601, with its zone."""
    sha256: str
    """Of the adapter's config and weights."""
    gate: str | None = None
    """The report that proved it."""
    forced: str | None = None
    """Why it went live without proof."""
    popped: int = 0
    """Of a rollback: how many promotions it took back; more than one where the one before was deleted."""


_EVENTS: TypeAdapter[tuple[Event, ...]] = TypeAdapter(tuple[Event, ...])


def current(home: Path, base: str) -> AdapterRef | None:
    """The adapter that answers for ``base``; ``None`` is the bare model. Reads files only where they changed.

    Raises:
        AdapterError: The promoted one is gone, broken, or no longer what was proved.
    """
    promoted = stack(home, base)
    return _checked(home, promoted[-1]) if promoted else shipped(base)


def shipped(base: str) -> AdapterRef | None:
    """The adapter that comes with Youju for a base and was proved."""
    ours = (ref for ref in adapters.available(adapters.SHIPPED) if ref.base == base)
    return next((ref for ref in ours if not skills.of(ref).candidate), None)


def stack(home: Path, base: str) -> tuple[Event, ...]:
    """The promotions of a base that no rollback took back; the last one is live."""
    kept: list[Event] = []
    for event in history(home):
        if event.base == base:
            if event.do == "promote":
                kept.append(event)
            else:
                del kept[len(kept) - event.popped :]
    return tuple(kept)


def history(home: Path) -> tuple[Event, ...]:
    """All that was done, oldest first.

    Raises:
        DatabaseFileError: The file was damaged by hand.
    """
    path = home / "adapters" / FILE
    try:
        stat = path.stat()
    except FileNotFoundError:
        return ()
    return _read(path, stat.st_size, stat.st_mtime_ns, stat.st_ino)


def promote(
    home: Path,
    ref: AdapterRef,
    before: Sequence[Event],
    *,
    gate: str | None = None,
    forced: str | None = None,
) -> Event:
    """Put an adapter live.

    Args:
        home: The data folder.
        ref: What was measured.
        before: The stack that it was measured against.
        gate: Where the proof is.
        forced: Why it goes live without one.

    Raises:
        ConflictError: Another one went live meanwhile.
        AdapterError: Its files are not those that were measured.
        StorageError: The disk took nothing; what was live is still live.
    """
    with _changing(home) as past:
        if tuple(before) != stack(home, ref.base):
            detail = "was measured, and meanwhile another one went live or was taken off: promote it again"
            raise ConflictError(kind="adapter", value=ref.name, detail=detail)
        event = Event("promote", ref.name, ref.base, _now(), ref.sha256, gate, forced)
        _checked(home, event)
        _write(home, (*past, event))
    return event


def rollback(home: Path, base: str) -> tuple[Event, AdapterRef | None]:
    """Take the live adapter of a base off; the one before answers again.

    Returns:
        What was taken off, and what answers now. Promoted ones that were deleted since are passed over.

    Raises:
        AdapterError: None was promoted.
        StorageError: The disk took nothing; what was live is still live.
    """
    with _changing(home) as past:
        promoted = stack(home, base)
        if not promoted:
            remedy = "set adapter = none for the bare model"
            raise AdapterError(name=base, reason="no promoted adapter of this base is live", remedy=remedy)
        left = len(promoted) - 1
        while left and not _is_there(home, promoted[left - 1]):
            left -= 1
        taken = promoted[-1]
        popped = len(promoted) - left
        _write(home, (*past, Event("rollback", taken.name, base, _now(), taken.sha256, popped=popped)))
    return taken, current(home, base)


def _checked(home: Path, event: Event) -> AdapterRef:
    """The adapter of a promotion.

    Raises:
        AdapterError: It is gone, broken, or its files were changed since.
    """
    remedy = "`youju adapters rollback` brings back the one before"
    path = adapters.folders(home).get(event.name)
    if path is None:
        raise AdapterError(name=event.name, reason="it is live and was deleted", remedy=remedy)
    ref = adapters.read(path)
    if ref.sha256 != event.sha256:
        reason = "its files were changed after it was measured"
        raise AdapterError(name=event.name, reason=reason, remedy=RENEW)
    return ref


def _is_there(home: Path, event: Event) -> bool:
    try:
        _checked(home, event)
    except AdapterError:
        return False
    return True


@contextmanager
def _changing(home: Path) -> Iterator[tuple[Event, ...]]:
    """The events, while nobody else changes them."""
    try:
        with FileLock(home / "adapters" / "live.lock", timeout=WAIT_S):
            yield history(home)
    except Timeout:
        remedy = "try again"
        raise StorageError(what=FILE, reason="another program holds it", remedy=remedy) from None


def _write(home: Path, events: Sequence[Event]) -> None:
    """Replace the file in one step, on disk before it counts."""
    path = home / "adapters" / FILE
    part = path.with_name(f".{FILE}.part")
    try:
        with part.open("wb") as file:
            file.write(_EVENTS.dump_json(tuple(events), indent=1) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as fault:
        remedy = "free some space, or make the data folder writable"
        raise StorageError(what=path, reason=fault.strerror or fault, remedy=remedy) from None


@lru_cache(maxsize=16)
def _read(path: Path, size: int, mtime_ns: int, inode: int) -> tuple[Event, ...]:
    try:
        return _EVENTS.validate_json(path.read_bytes())
    except ValidationError as fault:
        remedy = "mend it, or delete it: then no promoted adapter answers"
        reason = f"it is no list of promotions ({fault.errors()[0]['msg']})"
        raise DatabaseFileError(path=path, reason=reason, remedy=remedy) from None


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
