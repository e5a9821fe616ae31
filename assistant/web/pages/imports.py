"""Files on their way in: added one after the other in the background, so that the chat stays usable."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from assistant.errors import YoujuError
from assistant.web import i18n
from assistant.web.pages.bridge import Reader

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.store import DocumentRecord

log = logging.getLogger(__name__)
ENDED = ("ready", "failed")
"""States after which nothing more happens to a file."""


@dataclass
class _File:
    """One file of a batch; written by the worker, read by the pages."""

    name: str
    source: Path | None
    """The uploaded copy; ``None`` for a document that the library has already."""
    collection_id: str
    document_id: str = ""
    state: str = "waiting"
    progress: float = 0.0
    error: Exception | None = None
    told: str = ""
    """Why it failed, as the library wrote it down."""


@dataclass
class _Batch:
    """What one user added and has not dismissed yet."""

    files: list[_File] = field(default_factory=list)

    def busy(self) -> bool:
        return any(file.state not in ENDED for file in self.files)


_batches: dict[str, _Batch] = {}
_guard = threading.Lock()
_worker = ThreadPoolExecutor(1, thread_name_prefix="import")


def begin(runtime: Assistant, reader: Reader, collection_id: str, paths: Sequence[str]) -> None:
    """Add uploaded files to a collection; returns at once."""
    runtime.workspace.store.collections.get(reader.user, collection_id)
    files = [_File(Path(path).name, Path(path), collection_id) for path in paths]
    _line_up(reader, files)
    for file in files:
        _worker.submit(_add, runtime, reader, file)


def again(runtime: Assistant, reader: Reader, document_id: str) -> None:
    """Try a failed document once more; returns at once."""
    record = runtime.workspace.store.documents.get(reader.user, document_id)
    file = _File(record.filename, None, record.collection_id, document_id=record.id)
    _line_up(reader, [file])
    _worker.submit(_add, runtime, reader, file)


def _line_up(reader: Reader, files: Sequence[_File]) -> None:
    with _guard:
        batch = _batches.get(reader.user.id)
        if batch is None or not batch.busy():
            batch = _batches[reader.user.id] = _Batch()
        batch.files += files


def dismiss(user_id: str) -> None:
    """Forget the finished files of the list."""
    with _guard:
        batch = _batches.get(user_id)
        if batch and not batch.busy():
            del _batches[user_id]


def line(runtime: Assistant, reader: Reader, page: str) -> Markup:
    """One summary line, with the files behind it on demand."""
    with _guard:
        batch = _batches.get(reader.user.id)
        files = list(batch.files) if batch else []
    if not files:
        return Markup("")
    say = reader.say
    done = sum(file.state == "ready" for file in files)
    failed = [file for file in files if file.state == "failed"]
    moving = done + len(failed) < len(files)
    words = say("importing", total=len(files), done=done) if moving else say("imported", count=done)
    if failed:
        words += ("，" if reader.language == "zh" else ", ") + say("importing_failed", count=len(failed))
    share = sum(1.0 if f.state in ENDED else f.progress for f in files) / len(files)
    dismissal = Markup('<button type="button" class="text" data-{}="dismiss">{}</button>').format(
        "docs" if page == "documents" else "act", say("dismiss")
    )
    return Markup(
        '<div class="imports" {poll} data-page-of="{page}"><progress value="{share}" max="1"></progress>'
        '<details{open}><summary>{words}</summary><ul>{items}</ul></details>{dismiss}</div>'
    ).format(
        poll=Markup("data-poll-imports") if moving else Markup(""), page=page, share=f"{share:.2f}",
        open=Markup(" open") if failed and not moving else Markup(""), words=words,
        items=Markup("").join(_item(reader, file) for file in files), dismiss=Markup("") if moving else dismissal,
    )  # fmt: skip


def _item(reader: Reader, file: _File) -> Markup:
    words = (
        i18n.error_text(file.error, reader.language)
        if file.error
        else i18n.kept_error(file.told, reader.language)
    )
    words = words or reader.say(f"state_{file.state}")
    return Markup('<li class="{}"><b>{}</b><span>{}</span></li>').format(file.state, file.name, words)


def _add(runtime: Assistant, reader: Reader, file: _File) -> None:
    def follow(record: DocumentRecord) -> None:
        # One document of an archive ends before the others: the file has ended when all have.
        if record.state not in ENDED:
            file.state, file.progress = record.state, record.progress

    try:
        file.state = "parsing"
        if file.source is None:
            records = runtime.workspace.library.retry(reader.user, file.document_id, follow)
        else:
            records = runtime.workspace.library.ingest(
                reader.user, file.collection_id, file.name, file.source, follow
            )
        failed = next((record for record in records if record.state == "failed"), None)
        file.told, file.state = (failed.error, "failed") if failed else ("", "ready")
    except Exception as error:
        if not isinstance(error, YoujuError):
            log.exception("adding a file failed")
        file.error, file.state = error, "failed"
    finally:
        # Gradio's upload folder is shared: no copy stays there.
        if file.source is not None:
            file.source.unlink(missing_ok=True)
