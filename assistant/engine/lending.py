"""Requests on a GPU that is lent for the length of a call, as Hugging Face's ZeroGPU does.

A call runs in a forked process that may be gone after it, so there is no batch that outlives a request and no
thread that holds the model: each request is one call of a plain generator, and they run one after the other.
The caller's context goes along into its thread, for it says whose share of GPU time the call takes.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from assistant.engine import scoring, stepping
from assistant.engine.drawing import Draw
from assistant.engine.line import Line, Ticket
from assistant.engine.protocol import EngineState, Lend
from assistant.engine.shelf import Shelf
from assistant.errors import EngineError, YoujuError
from assistant.schema import AdapterRef, Sampling


@dataclass(frozen=True, slots=True)
class _Fault:
    """An error of ours, as it passes from one process to another: exceptions of ours cannot be pickled."""

    kind: type[YoujuError]
    fields: dict[str, Any]


class Lent:
    """What ``Dispatcher`` is to a model of one's own. Safe to share between threads.

    Args:
        shelf: The model's adapters.
        ends: Token ids that end an answer.
        line: Empty.
        lend: Decorates what runs where the GPU is.
    """

    def __init__(self, shelf: Shelf, ends: Sequence[int], line: Line, lend: Lend) -> None:
        self._shelf, self._ends, self._line = shelf, tuple(ends), line
        self._write, self._weigh = lend(self._tokens_there), lend(self._scores_there)
        self._changed = threading.Condition()
        self._gpu = threading.Lock()
        self._stopping = False
        self._tokens = 0
        self._progress = time.monotonic()

    def submit(
        self,
        ids: list[int],
        sampling: Sampling,
        adapter: AdapterRef | None,
        user: str,
    ) -> Ticket:
        """Let a request wait for its turn; see ``Dispatcher.submit``."""
        seed = secrets.randbits(64) if sampling.seed is None else sampling.seed
        ticket = Ticket(ids, sampling, seed, adapter, user)
        with self._changed:
            if self._stopping:
                raise EngineError(reason="it is stopped", remedy="start the server again")
            self._line.join(ticket)
        run = copy_context().run
        threading.Thread(target=run, args=(self._serve, ticket), name="lent", daemon=True).start()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Free whatever a request holds; harmless when it is over."""
        with self._changed:
            self._line.leave(ticket)
            self._changed.notify_all()

    def position(self, ticket: Ticket) -> int:
        """Place in line: 1 is next, 0 runs."""
        with self._changed:
            return self._line.position(ticket)

    def score(
        self,
        prompts: Sequence[Sequence[int]],
        replies: Sequence[Sequence[Sequence[int]]],
        adapter: AdapterRef | None,
    ) -> list[list[float]]:
        """Score replies to prompts, after the answer that is being written; see ``scoring.score``."""
        with self._gpu:
            try:
                found = self._weigh(prompts, replies, adapter)
            except Exception as fault:
                raise _lost(fault) from fault
        if isinstance(found, _Fault):
            raise found.kind(**found.fields)
        return list(found)

    def state(self) -> EngineState:
        """Progress; device and quantization are left to the caller."""
        with self._changed:
            running, waiting = len(self._line.running), len(self._line)
            if self._stopping:
                return EngineState("stopped")
            progress = self._progress if running or waiting else time.monotonic()
            return EngineState("ready", "", running, waiting, self._tokens, progress)

    def close(self) -> None:
        """Stop; whoever still reads gets an error."""
        with self._changed:
            self._stopping = True
            for ticket in self._line.everyone():
                self._line.leave(ticket)
                ticket.events.put(EngineError(reason="it was stopped", remedy="try again"))
            self._changed.notify_all()

    def _serve(self, ticket: Ticket) -> None:
        """One request in its own thread: wait for the turn, then pass tokens on until it ends."""
        if not self._begin(ticket):
            return
        fault: Exception | None = None
        try:
            with self._gpu:
                self._follow(ticket)
        except YoujuError as error:
            fault = error
        except Exception as error:  # noqa: BLE001 - whatever the lender raises: quotas, a killed process
            fault = _lost(error)
        self.leave(ticket)
        ticket.events.put(fault)

    def _begin(self, ticket: Ticket) -> bool:
        """Wait until this is the next of all; False where its reader left before."""
        with self._changed:
            self._changed.wait_for(lambda: not self._line.waits(ticket) or self._is_next(ticket))
            if not self._line.waits(ticket):
                return False
            self._progress = time.monotonic()
            self._line.start(ticket)
            return True

    def _is_next(self, ticket: Ticket) -> bool:
        return not self._line.running and self._line.order()[0] is ticket

    def _follow(self, ticket: Ticket) -> None:
        s = ticket.sampling
        draw = Draw(s.temperature, s.top_p, ticket.seed)
        with closing(self._write(ticket.ids, s.max_new_tokens, draw, ticket.adapter)) as tokens:
            for token in tokens:
                if isinstance(token, _Fault):
                    raise token.kind(**token.fields)
                ticket.tokens.append(token)
                ticket.events.put([token])
                self._tokens, self._progress = self._tokens + 1, time.monotonic()
                if ticket.id not in self._line.running:
                    return  # its reader left

    def _tokens_there(
        self, ids: list[int], most: int, draw: Draw, adapter: AdapterRef | None
    ) -> Iterator[int | _Fault]:
        try:
            self._shelf.use(adapter)
        except YoujuError as fault:
            yield _Fault(type(fault), fault.fields)
            return
        yield from stepping.tokens(self._shelf.model, ids, self._ends, most, draw)

    def _scores_there(
        self,
        prompts: Sequence[Sequence[int]],
        replies: Sequence[Sequence[Sequence[int]]],
        adapter: AdapterRef | None,
    ) -> list[list[float]] | _Fault:
        try:
            self._shelf.use(adapter)
        except YoujuError as fault:
            return _Fault(type(fault), fault.fields)
        return scoring.score(self._shelf.model, prompts, replies)


def _lost(fault: Exception) -> EngineError:
    """What the lender says, e.g. that a reader's share of GPU time is used up."""
    return EngineError(reason=f"the GPU was not lent: {str(fault)[:300]}", remedy="try again later")
