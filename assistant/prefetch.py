"""Vectors of paragraphs before anybody asks: the first question about a document need not wait for them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

from assistant.errors import YoujuError
from assistant.loaded import Models
from assistant.schema import Hit
from assistant.store import DocumentRecord, User
from assistant.workspace import Workspace

log = logging.getLogger(__name__)
MOST = 6000
"""Paragraphs embedded beforehand; as many again as a third of them may be kept for what else is read."""
_STEP = 4
"""Paragraphs embedded at once: a question that comes meanwhile waits for some tenths of a second."""
_LOOK = 100
"""Documents taken at one look."""
_PAUSE = 2.0
"""Seconds between two looks for new documents, and between two at whether anybody is being answered."""


class Prefetch:
    """Embeds the paragraphs of documents that are ready, the newest first, while nobody is being answered.

    What is left when `MOST` are kept is embedded when it is found, as without this.

    Args:
        models: Embeds, keeps the vectors, and tells whether it is busy.
        workspace: The documents, of all users.
    """

    def __init__(self, models: Models, workspace: Workspace) -> None:
        self._models, self._workspace = models, workspace
        self._done: set[str] = set()
        self._left = MOST
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prefetch", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def close(self) -> None:
        """Stop after the step at hand."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._closed.wait(_PAUSE) and self._left > 0:
            try:
                self.look()
            except YoujuError as fault:  # deleted meanwhile, or no disk: nobody asked for this
                log.info("paragraphs are not embedded beforehand now: %s", fault)

    def look(self) -> None:
        """Embed the paragraphs of every document that is new since the last look."""
        for user, record in self._workspace.store.documents.ready(self._done, _LOOK):
            self._done.add(record.id)
            for texts in self._steps(user, record):
                if self._left <= 0 or not self._free():
                    return
                self._models.prefetch(texts)
                self._left -= len(texts)

    def _steps(self, user: User, record: DocumentRecord) -> Iterator[list[str]]:
        from assistant.tools import reading

        for chunk in self._workspace.library.chunks(user, record.id):
            texts = reading.texts(Hit(chunk, record.title, 0.0))
            yield from (texts[at : at + _STEP] for at in range(0, len(texts), _STEP))

    def _free(self) -> bool:
        """Wait until nobody is being answered and nothing is imported; false once it is to stop."""
        while self._busy():
            if self._closed.wait(_PAUSE):
                return False
        return not self._closed.is_set()

    def _busy(self) -> bool:
        state = self._models.state()
        return bool(state.running or state.waiting or self._workspace.store.documents.unfinished())
