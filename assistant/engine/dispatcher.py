"""Moves requests from the line to the batch and tokens from the batch to their readers.

One thread does it all, so the order of things is the order of this file. Requests of one adapter run
together; when the next in line needs another, the batch runs empty first. When the batch breaks down, a new
one is made and its requests go on where they were, one at a time, until the one at fault shows itself.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, Queue
from typing import Any

from assistant.engine import memory
from assistant.engine.batching import Batch
from assistant.engine.drawing import Draw
from assistant.engine.lean_batch import LeanBatch
from assistant.engine.line import Line, Ticket
from assistant.engine.protocol import EngineState
from assistant.engine.shelf import Shelf
from assistant.engine.threads import in_passing
from assistant.errors import EngineError, YoujuError
from assistant.schema import AdapterRef, Sampling

log = logging.getLogger(__name__)
AnyBatch = Batch | LeanBatch
TICK_S = 0.1
REST_S = 3.0
"""Seconds without a token after which memory is given back."""
_MAX_FAULTS = 3


class Dispatcher:
    """The thread between readers and the model.

    Args:
        new_batch: Makes a running batch that puts its results into the queue it is given.
        shelf: The model's adapters.
        line: Empty.
        slots: Requests that run at once.
    """

    def __init__(
        self, new_batch: Callable[[Queue[Any]], AnyBatch], shelf: Shelf, line: Line, slots: int
    ) -> None:
        self._new_batch = new_batch
        self._shelf = shelf
        self._line = line
        self._slots = slots
        self._results: Queue[Any] = Queue()
        self._guard = threading.RLock()  # of the line and the state
        self._model = threading.Lock()  # of the adapter in use
        self._adapter: AdapterRef | None = None  # of the streams; `model` takes it off for a while
        self._stopping = False
        self._failure = ""
        self._tokens = self._rested = 0
        self._progress = time.monotonic()
        self._batch: AnyBatch | None = None
        started: Queue[Exception | None] = Queue()
        self._thread = threading.Thread(target=self._run, args=(started,), name="engine", daemon=True)
        self._thread.start()
        if (fault := started.get()) is not None:
            raise fault

    def submit(
        self,
        ids: list[int],
        sampling: Sampling,
        adapter: AdapterRef | None,
        user: str,
    ) -> Ticket:
        """Let a request wait for its turn.

        Raises:
            QueueFullError, TooManyRequestsError: See ``Line.join``.
            EngineError: The engine is stopped.
        """
        seed = secrets.randbits(64) if sampling.seed is None else sampling.seed
        ticket = Ticket(ids, sampling, seed, adapter, user)
        with self._guard:
            if self._stopping or self._failure:
                raise EngineError(reason=self._failure or "it is stopped", remedy="start the server again")
            self._line.join(ticket)
        self._results.put(None)
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Free whatever a request holds; harmless when it is over."""
        with self._guard:
            if self._line.leave(ticket) and self._batch is not None:
                self._batch.cancel(ticket.id)
        self._results.put(None)

    def position(self, ticket: Ticket) -> int:
        """Place in line: 1 is next, 0 runs."""
        with self._guard:
            return self._line.position(ticket)

    @contextmanager
    def model(self, adapter: AdapterRef | None) -> Iterator[AnyBatch]:
        """Hold the streams between two tokens and use the model, with an adapter of one's own.

        Raises:
            AdapterError: The adapter cannot be used.
            EngineError: The engine is down.
        """
        with self._model:
            batch = self._batch
            if batch is None:
                raise EngineError(reason=self._failure or "it is stopped", remedy="try again")
            with _pause(batch):
                if adapter != self._adapter:
                    self._shelf.use(adapter)
                try:
                    yield batch
                finally:
                    if adapter != self._adapter:
                        self._shelf.use(self._adapter)

    def score(
        self,
        prompts: Sequence[Sequence[int]],
        replies: Sequence[Sequence[Sequence[int]]],
        adapter: AdapterRef | None,
    ) -> list[list[float]]:
        """Score replies to prompts between two tokens of the streams; see ``scoring.score``."""

        def work() -> list[list[float]]:
            with self.model(adapter) as batch:
                return batch.score(prompts, replies)

        return in_passing(work)

    def state(self) -> EngineState:
        """Progress; device and quantization are left to the caller."""
        with self._guard:
            running, waiting = len(self._line.running), len(self._line)
            if self._stopping:
                return EngineState("stopped")
            progress = self._progress if running or waiting else time.monotonic()
            word = "failed" if self._failure else "ready" if self._batch is not None else "loading"
            return EngineState(word, self._failure, running, waiting, self._tokens, progress)  # type: ignore[arg-type]

    def close(self) -> None:
        """Stop; whoever still reads gets an error."""
        self._stopping = True
        self._results.put(None)
        self._thread.join(timeout=10.0)

    def _run(self, started: Queue[Exception | None]) -> None:
        try:
            self._batch = self._new_batch(self._results)
        except Exception as fault:  # noqa: BLE001 - handed to the caller's thread
            started.put(fault)
            return
        started.put(None)
        while not self._stopping:
            try:
                self._step()
            except Exception as fault:
                log.exception("the engine cannot go on")
                self._give_up(f"{type(fault).__name__}: {fault}")
                return
        self._give_up("")

    def _step(self) -> None:
        with suppress(Empty):
            outputs = [self._results.get(timeout=TICK_S)]
            outputs += [self._results.get_nowait() for _ in range(self._results.qsize())]  # of one step
            with self._guard:
                for output in filter(None, outputs):
                    self._deliver(output)
        if self._batch is not None and not self._batch.alive:
            self._recover(self._batch)
        while self._admit_next():
            pass
        self._rest()

    def _rest(self) -> None:
        """Give back, once after a while without readers, what answering left in the allocator's lists."""
        with self._guard:
            idle = not self._line.running and not len(self._line)
        if idle and self._rested != self._tokens and time.monotonic() - self._progress > REST_S:
            self._rested = self._tokens
            memory.trim()

    def _deliver(self, output: Any) -> None:
        ticket = self._line.running.get(output.request_id)
        if ticket is None or (output.error and self._batch is not None and self._batch.failing):
            return  # cancelled, or a breakdown of all
        before = len(output.prompt_ids) - len(ticket.ids)  # made in an earlier batch
        fresh = output.generated_tokens[len(ticket.tokens) - before :]
        if fresh:
            ticket.tokens += fresh
            ticket.suspect = False
            ticket.events.put(list(fresh))
            self._tokens += len(fresh)
            self._progress = time.monotonic()
        if output.is_finished():
            self._end(ticket, _failure(output.error) if output.error else None)

    def _end(self, ticket: Ticket, fault: Exception | None) -> None:
        self._line.leave(ticket)
        ticket.events.put(fault)

    def _admit_next(self) -> bool:
        """Start the next request in line, if it can run now; heavy work is done outside the guard."""
        batch = self._batch
        with self._guard:
            running = list(self._line.running.values())
            ticket = next(iter(self._line.order()), None)
        if batch is None or ticket is None or not batch.alive or len(running) >= self._slots:
            return False
        if running and (ticket.suspect or any(other.suspect for other in running)):
            return False
        if ticket.adapter != self._adapter:
            return not running and self._switch(batch, ticket)
        with self._guard:
            return self._start(batch, ticket)

    def _switch(self, batch: AnyBatch, ticket: Ticket) -> bool:
        """Change the adapter, once the model is free. True if it is done, one way or the other."""
        if not batch.empty or not self._model.acquire(timeout=TICK_S):
            return False
        try:
            with _pause(batch):
                in_passing(lambda: self._shelf.use(ticket.adapter))
                self._adapter = ticket.adapter
                batch.forget()
        except YoujuError as fault:
            with self._guard:
                self._end(ticket, fault)
        finally:
            self._model.release()
        return True

    def _start(self, batch: AnyBatch, ticket: Ticket) -> bool:
        if not self._line.waits(ticket):
            return True  # it has left meanwhile
        taken = sum(batch.cost(other.length) for other in self._line.running.values())
        if taken + batch.cost(ticket.length) > batch.capacity:
            return False
        if not self._line.running:
            self._progress = time.monotonic()
        self._line.start(ticket)
        s = ticket.sampling
        draw = Draw(s.temperature, s.top_p, ticket.seed) if s.temperature > 0 else None
        batch.add(ticket.id, ticket.ids + ticket.tokens, s.max_new_tokens - len(ticket.tokens), draw)
        return True

    def _recover(self, broken: AnyBatch) -> None:
        """Make a new batch; its requests go on, except the one at fault."""
        fault = broken.fault
        log.error("the engine broke down and is made anew: %r", fault)
        with self._guard:
            self._batch = None
            tickets = self._line.suspend()
            for ticket in tickets:
                ticket.faults += 1
                ticket.suspect = True
                if len(tickets) == 1 or ticket.faults >= _MAX_FAULTS:
                    self._end(ticket, _failure(str(fault)))
        broken.close()
        self._batch = self._new_batch(self._results)

    def _give_up(self, reason: str) -> None:
        with self._guard:
            self._failure = reason
            for ticket in self._line.everyone():
                self._end(ticket, _failure(reason or "it was stopped"))
            batch, self._batch = self._batch, None
        if batch is not None:
            batch.close()


@contextmanager
def _pause(batch: AnyBatch) -> Iterator[None]:
    try:
        pause = batch.paused()
        pause.__enter__()
    except RuntimeError as fault:
        raise _failure(str(fault)) from fault
    try:
        yield
    finally:
        pause.__exit__(None, None, None)


def _failure(reason: str) -> EngineError:
    if "memory" in reason.lower():
        return EngineError(reason=reason, remedy="ask for less, or free memory")
    return EngineError(reason=reason, remedy="try again")
