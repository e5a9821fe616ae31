"""Measurements of collections in the background of a server: one at a time, while nobody is being answered.

How sure a collection's answers have to be (`refusals`) takes half an hour to measure on two cores. Whoever
asks for it goes on working; a collection that was measured once is measured anew when much of it has changed.
"""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assistant.errors import YoujuError

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.evidence.refusal import Refusal
    from assistant.store import Collection, User

log = logging.getLogger(__name__)
_PAUSE = 1.0
"""Seconds between two looks at whether anybody is being answered."""
_LOOK = 60.0
"""Seconds between two looks for collections that have changed."""
_MUCH = 1 / 3
"""Share of the documents that came or went, from which a collection is measured anew."""


class _StoppedError(Exception):
    """Somebody stopped the measurement, or the server ends."""


@dataclass
class Running:
    """A measurement that waits or goes on; written by its thread, read by the pages."""

    what: str = ""
    """What is being done, for people; empty while it waits for its turn."""
    part: float = 0.0
    """How far it is, 0..1."""
    error: Exception | None = None
    """Why it ended without a result."""
    ended: bool = False
    stopped: threading.Event = field(default_factory=threading.Event)


class Measurements:
    """The measurements of one assistant.

    Args:
        assistant: Whose collections, reader and embedder are used.
    """

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._runs: dict[str, Running] = {}
        self._guard = threading.Lock()
        self._closed = threading.Event()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="measure")
        self._watch = threading.Thread(target=self._watching, name="changed", daemon=True)

    def start(self) -> None:
        """From now on look for collections that have changed since they were measured."""
        self._watch.start()

    def begin(self, user: User, collection: Collection) -> None:
        """Measure a collection; returns at once. One that is being measured already goes on.

        Raises:
            BadRequestError: It cannot be measured; see `refusals.check`.
        """
        from assistant import refusals

        refusals.check(self._assistant, user, collection)
        with self._guard:
            known = self._runs.get(collection.id)
            if known and not known.ended:
                return
            run = self._runs[collection.id] = Running()
        self._worker.submit(self._measure, user, collection, run)

    def of(self, collection_id: str) -> Running | None:
        """The measurement of a collection that goes on, or that ended without a result."""
        run = self._runs.get(collection_id)
        return run if run and not (run.ended and run.error is None) else None

    def stop(self, collection_id: str) -> None:
        """Stop the measurement of a collection; nothing of it is kept."""
        if run := self._runs.get(collection_id):
            run.stopped.set()

    def found(self, collection_id: str) -> Refusal | None:
        """What was measured with the model and adapter in use."""
        from assistant.evidence import refusal

        models = self._assistant.models
        name = models.calibration_name(models.adapter_name(None))
        return refusal.load(self._assistant.settings.home, collection_id, name)

    def choose(self, collection_id: str, threshold: float | None) -> None:
        """Hold answers to a threshold of people's own; ``None`` takes the measured one again."""
        from assistant.evidence import refusal

        if measured := self.found(collection_id):
            changed = measured.model_copy(update={"chosen": threshold})
            refusal.save(self._assistant.settings.home, changed)

    def look(self) -> None:
        """Begin with the collections of which much has changed; forget what was measured on deleted ones."""
        from assistant import refusals
        from assistant.evidence import refusal

        store, home = self._assistant.workspace.store, self._assistant.settings.home
        kept = set(refusal.measured(home))
        for user in store.users.list() if kept else ():
            for place in store.collections.list(user):
                kept.discard(place.id)
                found = self.found(place.id) if place.user_id == user.id else None
                ids = [record.id for record in refusals.ready(self._assistant, user, place)] if found else []
                enough = len(ids) >= refusals.LEAST_DOCUMENTS and not self._given_up(place.id)
                if found and enough and found.changed(ids) > _MUCH:
                    self.begin(user, place)
        for gone in kept:
            refusal.forget(home, gone)

    def _given_up(self, collection_id: str) -> bool:
        """Somebody stopped the last one, or it failed: only people begin it again."""
        run = self._runs.get(collection_id)
        return run is not None and (run.stopped.is_set() or run.error is not None)

    def close(self) -> None:
        """Stop after the question at hand."""
        self._closed.set()
        for run in self._runs.values():
            run.stopped.set()
        self._worker.shutdown(cancel_futures=True)
        if self._watch.is_alive():
            self._watch.join()

    def _watching(self) -> None:
        while not self._closed.wait(_LOOK):
            try:
                self.look()
            except YoujuError as fault:  # deleted meanwhile, or no disk: nobody asked for this
                log.info("collections are not measured anew now: %s", fault)

    def _measure(self, user: User, collection: Collection, run: Running) -> None:
        from assistant import refusals

        def progress(what: str, part: float) -> None:
            run.what, run.part = what, part
            while not run.stopped.wait(0.0):
                if not self._busy():
                    return
                run.stopped.wait(_PAUSE)
            raise _StoppedError

        try:
            refusals.calibrate(self._assistant, user, collection, progress=progress)
        except _StoppedError:
            log.info("the measurement of %s was stopped", collection.name)
        except Exception as error:
            if not isinstance(error, YoujuError):
                log.exception("a collection could not be measured")
            run.error = error
        finally:
            run.ended = True

    def _busy(self) -> bool:
        state = self._assistant.models.state()
        return bool(state.running or state.waiting)
