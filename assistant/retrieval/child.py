"""The process that reads one file: ``python -m assistant.retrieval.child``.

The parent sends a line of JSON (name, limits) and then the bytes; the answer is one JSON value. JSON and not
pickle: what a broken parser says must not be able to run there. Only the parser of this type is imported.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from itertools import chain
from typing import Any

from assistant.errors import UnreadableFileError, YoujuError
from assistant.retrieval.assembly import Parsed, assemble
from assistant.retrieval.formats import Page, Piece, find
from assistant.retrieval.limits import Limits


def main() -> None:
    """Read the request, parse, answer; the exit code is 0 for every answer."""
    request = json.loads(sys.stdin.buffer.readline())
    limits = Limits(**request["limits"])
    _confine(limits)
    # openpyxl takes numpy where it finds it; its threads alone need more memory than a sheet.
    sys.modules["numpy"] = None  # type: ignore[assignment]
    answer = run(request["name"], sys.stdin.buffer.read(), limits)
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    # Freeing what a large file built takes as long as reading it.
    os._exit(0)


def run(name: str, data: bytes, limits: Limits) -> dict[str, Any]:
    """``{"documents": […]}`` or ``{"error": class name, "fields": {…}}``."""
    try:
        return {"documents": [asdict(parsed) for parsed in parse(name, data, limits)]}
    except YoujuError as error:
        return {"error": type(error).__name__, "fields": error.fields}


def parse(name: str, data: bytes, limits: Limits) -> list[Parsed]:
    """Parse and assemble, every fault of a parser turned into one error.

    Raises:
        UnreadableFileError: The parser gave up.
        TooLargeError: Over a limit.
    """
    try:
        kind = find(name)
        pieces = _timed(kind.parse(name, data, limits), limits, is_paged=kind.shape == "pdf")
        return assemble(name, pieces, limits)
    except YoujuError:
        raise
    except MemoryError:
        reason = f"it is too complex (over {limits.memory_bytes // 1_000_000} MB of memory)"
    except RecursionError:
        reason = "it is too complex (nested too deeply)"
    except Exception as fault:  # noqa: BLE001 — parsers of hostile files raise anything
        cause = type(fault).__name__
        reason = "it is too complex" if cause == "LimitReachedError" else f"it is damaged ({cause})"
    raise UnreadableFileError(
        name=name, reason=reason, remedy="open it in the program that made it and save it again, or split it"
    ) from None


def _timed(pieces: Iterator[Piece], limits: Limits, *, is_paged: bool) -> Iterator[Piece]:
    """Die by SIGALRM when one page takes too long: that ends even a loop inside a C library."""
    for piece in chain([Page(0)] if is_paged else [], pieces):
        if isinstance(piece, Page) and __name__ == "__main__" and hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, limits.page_s)
        yield piece


def _confine(limits: Limits) -> None:
    """Bound what this process may take; where the system has no such bound, the parent's clock remains."""
    try:
        import resource
    except ImportError:
        return
    seconds = int(limits.total_s) + 1
    for bound, value in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(bound, (value, value))


if __name__ == "__main__":
    main()
