"""Files to documents. Whatever the file, the answer is documents or one clear error."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path, PurePath
from typing import Any

from assistant import errors
from assistant.errors import EmptyInputError, NoTextError, TooLargeError, UnreadableFileError, YoujuError
from assistant.retrieval import archives, formats
from assistant.retrieval.assembly import TITLE_LIMIT
from assistant.retrieval.child import run
from assistant.retrieval.cleaning import one_line
from assistant.retrieval.formats import Format
from assistant.retrieval.limits import MB, Limits
from assistant.schema import Document, Mark

CHILDREN = 2
"""Parsing processes at once, in all threads together."""
_SIGALRM = 14
_slots = threading.BoundedSemaphore(CHILDREN)
_ROOT = str(Path(__file__).resolve().parents[2])
_PASSED_ON = ("SYSTEMROOT", "PATH", "LANG", "LC_ALL")
"""What a child may know of the environment: nothing that holds a secret."""


def read(name: str, source: bytes | Path, limits: Limits | None = None) -> list[Document]:
    """Read one file.

    Args:
        name: The client's name for it: its suffix says the type. Never used as a path.
        source: The bytes, or where they are.
        limits: Bounds; the defaults without it.

    Returns:
        At least one document, none of them blank; several only where a JSON file has a document in each row.
        An ``id`` is the first half of the ``sha256``: callers give their own.

    Raises:
        UnsupportedFileError: A type that is not read.
        UnreadableFileError: Damaged, protected, too complex, or not what its name says.
        TooLargeError: Over a limit; names it.
        NoTextError: Pages without a word, e.g. a scan.
        EmptyInputError: Not a word, or no bytes at all.
    """
    limits = limits or Limits()
    shown = display_name(name)
    kind = formats.find(shown)
    data = _load(shown, source, limits)
    formats.check_content(shown, data, kind)
    if kind.member:
        archives.check(shown, data, kind.member, limits)
    is_plain = kind.shape == "text" and kind.media_type != "text/html"
    is_small = len(data) <= limits.in_process_bytes
    answer = run(shown, data, limits) if is_plain and is_small else _in_child(shown, data, limits)
    if "error" in answer:
        raise _error(answer)
    return _documents(shown, data, kind, answer["documents"])


def as_written(name: str, source: bytes | Path, limits: Limits | None = None) -> str:
    """The text of a file for work on the text itself: Markdown keeps the marks that ``read`` takes out.

    Raises:
        YoujuError: As ``read`` does.
    """
    from assistant.retrieval.formats_plain import decode

    shown = display_name(name)
    if formats.find(shown).media_type != "text/markdown":
        return "\n\n".join(document.text for document in read(name, source, limits))
    return decode(shown, _load(shown, source, limits or Limits())).removeprefix("\ufeff")


def supported_suffixes() -> tuple[str, ...]:
    """Suffixes that ``read`` takes, each with its dot, in the order to show them."""
    return formats.SUFFIXES


def display_name(name: str) -> str:
    """A client's file name as it is shown and stored: one line without folders, <= 200 characters."""
    last = one_line(name, 10_000).replace("\\", "/").rstrip("/").rpartition("/")[2]
    last = last.strip(" .").lstrip("-")
    if not last:
        return "document"
    suffix = PurePath(last).suffix[:20]
    return last[: TITLE_LIMIT - len(suffix)] + suffix if len(last) > TITLE_LIMIT else last


def _load(name: str, source: bytes | Path, limits: Limits) -> bytes:
    """The bytes, never more than the limit in memory."""
    if isinstance(source, bytes):
        data = source
    else:
        try:
            with source.open("rb") as file:
                data = file.read(limits.file_bytes + 1)
        except OSError as fault:
            reason = fault.strerror or type(fault).__name__
            raise UnreadableFileError(
                name=name, reason=reason, remedy="check the file and add it again"
            ) from None
    if len(data) > limits.file_bytes:
        size = (
            f"over {limits.file_bytes / MB:.0f} MB"
            if isinstance(source, Path)
            else f"{len(data) / MB:.1f} MB"
        )
        limit = f"{limits.file_bytes / MB:.0f} MB"
        raise TooLargeError(field=name, value=size, limit=limit, remedy="split it into smaller files")
    if not data:
        raise EmptyInputError(field=name, remedy="choose a file with something in it")
    return data


def _in_child(name: str, data: bytes, limits: Limits) -> dict[str, Any]:
    """Parse in a process of its own; it is gone when this returns."""
    request = json.dumps({"name": name, "limits": asdict(limits)}).encode() + b"\n"
    with _slots, _started(name) as process:
        try:
            output, _ = process.communicate(request + data, timeout=limits.total_s)
        except subprocess.TimeoutExpired:
            raise _too_complex(name, f"over {limits.total_s:g} seconds") from None
        finally:
            process.kill()
    return _answer(name, output, process.returncode, limits)


def _started(name: str) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "assistant.retrieval.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env=_environment(),
        )
    except OSError as fault:
        reason = f"no process could be started ({fault.strerror})"
        raise UnreadableFileError(
            name=name, reason=reason, remedy="free some memory and add it again"
        ) from None


def _environment() -> dict[str, str]:
    passed = {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
    return {
        **passed,
        "PYTHONPATH": _ROOT,
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }


def _answer(name: str, output: bytes, code: int, limits: Limits) -> dict[str, Any]:
    if code == -_SIGALRM:
        raise _too_complex(name, f"over {limits.page_s:g} seconds for one page")
    with suppress(ValueError):
        answer = json.loads(output)
        if isinstance(answer, dict) and ("error" in answer or "documents" in answer):
            return answer
    raise _too_complex(name, f"the reader stopped with code {code}")


def _too_complex(name: str, detail: str) -> UnreadableFileError:
    return UnreadableFileError(
        name=name,
        reason=f"it is too complex ({detail})",
        remedy="split it, or save it again in a simpler form",
    )


def _error(answer: dict[str, Any]) -> YoujuError:
    kind = getattr(errors, answer["error"])
    error: YoujuError = kind(**answer["fields"])
    return error


def _documents(name: str, data: bytes, kind: Format, parsed: Iterable[dict[str, Any]]) -> list[Document]:
    """Identities and titles; blank ones are dropped."""
    parsed = list(parsed)
    found = [each for each in parsed if each["text"].strip()]
    if not found:
        if pages := max(each["pages"] for each in parsed):
            raise NoTextError(name=name, pages=pages)
        raise EmptyInputError(field=name, remedy="there is not a word in it, and pictures are not read")
    whole = hashlib.sha256(data).hexdigest()
    documents = []
    for each in found:
        is_row = len(parsed) > 1
        sha256 = hashlib.sha256(f"{each['title']}\0{each['text']}".encode()).hexdigest() if is_row else whole
        documents.append(
            Document(
                id=sha256[:32],
                title=each["title"] or _opening_heading(each, kind) or PurePath(name).stem or name,
                text=each["text"],
                sha256=sha256,
                media_type=kind.media_type,
                marks=tuple(Mark(start, mark, label) for start, mark, label in each["marks"]),
                removed=each["removed"],
            )
        )
    return documents


def _opening_heading(each: dict[str, Any], kind: Format) -> str:
    """The heading that a text opens with is its title; of a workbook it is only the first sheet's name."""
    if "spreadsheet" in kind.media_type or not each["marks"]:
        return ""
    return next((label for start, mark, label in each["marks"] if start == 0 and mark == "heading"), "")
