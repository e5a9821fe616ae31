"""The process that reads one file: ``python -m assistant.retrieval.child``.

The parent sends a line of JSON (name, limits) and then the bytes; the answer is one JSON value. JSON and not
pickle: what a broken parser says must not be able to run here. Nothing is imported but the parser of this type.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict
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
        return assemble(name, _timed(find(name).parse(name, data, limits), limits), limits)
    except YoujuError:
        raise
    except MemoryError:
        reason = f"it is too complex (over {limits.memory_bytes // 1_000_000} MB of memory)"
    except RecursionError:
        reason = "it is too complex (nested too deeply)"
    except Exception as fault:  # noqa: BLE001 — parsers of hostile files raise anything
        reason = f"it is damaged ({type(fault).__name__})"
    raise UnreadableFileError(
        name=name, reason=reason, remedy="open it in the program that made it and save it again, or split it"
    ) from None


def _timed(pieces: Iterator[Piece], limits: Limits) -> Iterator[Piece]:
    """Die by SIGALRM when one page takes too long: that ends even a loop inside a C library."""
    for piece in pieces:
        if isinstance(piece, Page) and _is_child():
            signal.setitimer(signal.ITIMER_REAL, limits.page_s)
        yield piece


def _is_child() -> bool:
    return __name__ == "__main__"


def _confine(limits: Limits) -> None:
    """Bound memory and time of this process; where the system has no such bounds, the parent's clock remains."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    seconds = int(limits.total_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


if __name__ == "__main__":
    main()
