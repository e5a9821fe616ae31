"""Many readers of one model on a CPU, by the lean step: what ``Batch`` is to transformers' own.

One thread computes everything: steps of the readers, and between them whatever is asked while it is paused.
A reader alone is written for with drafts; prompts are read in slices, so that running answers go on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from queue import Queue, SimpleQueue
from typing import Any

import torch  # noqa: TID253

from assistant.engine import weighing
from assistant.engine.batching import PAGE, Batch
from assistant.engine.drawing import Draw, choose
from assistant.engine.lean import Lean
from assistant.engine.lookup import Lookup, agreed
from assistant.engine.prefixes import Cache, Prefixes
from assistant.engine.shelf import Shelf
from assistant.schema import AdapterRef

log = logging.getLogger(__name__)
_SLICE_ALONE = 1024  # tokens of a prompt in one step: a reader that leaves frees the model after it
_SLICE_AMONG = 256  # the same where others are writing and wait for it


@dataclass(frozen=True, slots=True)
class Written:
    """What a request has come to."""

    request_id: str
    prompt_ids: list[int]
    generated_tokens: list[int]
    finished: bool
    error: str | None = None

    def is_finished(self) -> bool:
        """Whether it is over."""
        return self.finished


@dataclass(slots=True)
class _Row:
    """One request on the model."""

    id: str
    ids: list[int]
    most: int
    draw: Draw | None
    adapter: AdapterRef | None
    cache: Cache
    tokens: list[int] = field(default_factory=list)
    lookup: Lookup = field(default_factory=Lookup)
    draft: list[int] = field(default_factory=list)

    @property
    def length(self) -> int:
        """Tokens of its text so far."""
        return len(self.ids) + len(self.tokens)

    @property
    def draws(self) -> bool:
        """Whether its next token is drawn rather than the likeliest."""
        return self.draw is not None and self.draw.temperature > 0

    def feed(self, most: int, drafting: bool) -> list[int]:
        """What to read next: up to ``most`` tokens, and a draft after the last of them."""
        text = self.ids + self.tokens
        known = len(self.cache.tokens)
        fresh = text[known : known + most]
        writes = known + len(fresh) == len(text)
        left = self.most - len(self.tokens) - 1
        drafting = drafting and writes and not self.draws
        self.draft = self.lookup.draft(text)[:left] if drafting else []
        return fresh + self.draft

    @property
    def has_read(self) -> bool:
        """Whether all its text has been read."""
        return len(self.cache.tokens) >= self.length


class LeanBatch:
    """One thread over one model.

    Args:
        lean: The model's step.
        shelf: The model's adapters.
        capacity: Tokens of all requests together.
        ends: Token ids that end an answer.
        results: Where its thread puts each ``Written``.
    """

    cost = staticmethod(Batch.cost)

    def __init__(
        self, lean: Lean, shelf: Shelf, capacity: int, ends: Sequence[int], results: Queue[Any]
    ) -> None:
        self.capacity = capacity // PAGE * PAGE
        self.fault: BaseException | None = None
        self._lean, self._shelf, self._ends, self._results = lean, shelf, frozenset(ends), results
        self._prefixes = Prefixes(self.capacity // 4)
        self._rows: dict[str, _Row] = {}
        self._adapted: tuple[AdapterRef | None] | None = None
        self._inbox: Queue[Callable[[], None]] = Queue()
        self._asked: SimpleQueue[Callable[[], None] | None] = SimpleQueue()  # while it is paused
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="lean", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """False once a fault has ended the thread."""
        return self.fault is None and self._thread.is_alive()

    @property
    def failing(self) -> bool:
        """A fault is ending the thread."""
        return self.fault is not None

    @property
    def empty(self) -> bool:
        """Nothing is held on the model any more; cancelled requests are gone too."""
        return not self._rows and not self._inbox.unfinished_tasks

    def add(self, request_id: str, ids: list[int], max_new_tokens: int, draw: Draw | None) -> None:
        """Start a request; results carry its id."""
        self._inbox.put(partial(self._start, request_id, ids, max_new_tokens, draw))

    def cancel(self, request_id: str) -> None:
        """Free a request before the next step; harmless once it is over."""
        self._inbox.put(partial(self._end, request_id))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Hold all requests between two steps; one caller at a time.

        Raises:
            RuntimeError: The thread is gone.
        """
        entered = threading.Event()
        self._inbox.put(partial(self._hold, entered))
        while not entered.wait(0.1):
            if not self.alive:
                raise RuntimeError(f"the model's thread is gone ({self.fault or 'it was stopped'})")
        try:
            yield
        finally:
            self._asked.put(None)

    def score(
        self, prompts: Sequence[Sequence[int]], replies: Sequence[Sequence[Sequence[int]]]
    ) -> list[list[float]]:
        """Score replies to prompts, by the batch's own thread; call paused. See ``scoring.score``."""
        answer: Future[list[list[float]]] = Future()

        def work() -> None:
            try:
                answer.set_result(self._score(prompts, replies))
            except Exception as fault:  # noqa: BLE001 - handed to the caller's thread
                answer.set_exception(fault)

        self._asked.put(work)
        return answer.result()

    def forget(self) -> None:
        """Nothing to drop: kept prefixes know their adapter."""

    def close(self) -> None:
        """Stop now; a step that hangs is left behind after a while."""
        self._stopping = True
        self._inbox.put(lambda: None)
        if self._thread is not threading.current_thread():
            self._thread.join(timeout=5.0)

    def _run(self) -> None:
        try:
            with torch.inference_mode():
                while not self._stopping:
                    self._take_in()
                    if self._rows and not self._stopping:
                        self._step()
        except Exception as fault:  # noqa: BLE001 - the dispatcher asks for it, and makes a new batch
            self.fault = fault
        self._results.put(None)

    def _take_in(self) -> None:
        """Do what was asked since the last step; wait for something where there is nothing to do."""
        while not self._rows or not self._inbox.empty():
            self._inbox.get()()
            self._inbox.task_done()
            if self._stopping:
                return

    def _hold(self, entered: threading.Event) -> None:
        entered.set()
        while (work := self._asked.get()) is not None:
            work()

    def _start(self, request_id: str, ids: list[int], most: int, draw: Draw | None) -> None:
        cache = self._begin(ids, len(ids) + most)
        self._rows[request_id] = _Row(request_id, ids, most, draw, self._shelf.current, cache)

    def _begin(self, ids: Sequence[int], room: int) -> Cache:
        """A cache for a prompt of the adapter in use, with what is known of it."""
        adapter = self._shelf.current
        running = [row.cache for row in self._rows.values() if row.adapter == adapter]
        return self._prefixes.cache(adapter, ids, self._lean.shape, room, running)

    def _end(self, request_id: str) -> None:
        if (row := self._rows.pop(request_id, None)) is not None:
            self._prefixes.keep(row.adapter, row.cache)

    def _adapt(self) -> None:
        if self._adapted != (self._shelf.current,):
            self._lean.adapt()
            self._adapted = (self._shelf.current,)

    def _score(
        self, prompts: Sequence[Sequence[int]], replies: Sequence[Sequence[Sequence[int]]]
    ) -> list[list[float]]:
        self._adapt()
        keep = partial(self._prefixes.keep, self._shelf.current)
        return weighing.score(self._lean, prompts, replies, self._begin, keep)

    def _step(self) -> None:
        """Every row reads on, and those that have read all of their text write."""
        self._adapt()
        fed = self._feeds()
        hidden = self._lean.read([(row.cache, tokens) for row, tokens in fed])
        parts = hidden.split([len(tokens) for _, tokens in fed])
        ready = [
            (row, states[-len(row.draft) - 1 :])
            for (row, _), states in zip(fed, parts, strict=True)
            if row.has_read
        ]
        if ready:
            self._write(ready)

    def _feeds(self) -> list[tuple[_Row, list[int]]]:
        """What each row reads next: prompts share a slice, whoever writes reads its last token."""
        rows, fed = list(self._rows.values()), []
        left = _SLICE_ALONE if len(rows) == 1 else _SLICE_AMONG
        for row in rows:
            tokens = row.feed(max(left, 1), drafting=len(rows) == 1)
            left -= len(tokens)
            fed.append((row, tokens))
        return fed

    def _write(self, ready: Sequence[tuple[_Row, torch.Tensor]]) -> None:
        """Choose the next tokens of rows from the states after their text and each token of their draft."""
        drawn = [(row, states) for row, states in ready if row.draws]
        if drawn:
            logits = self._lean.logits(torch.cat([states for _, states in drawn])).float()
            for (row, _), scores in zip(drawn, logits, strict=True):
                assert row.draw is not None
                self._deliver(row, [choose(scores, row.draw, row.length)])
        greedy = [(row, states) for row, states in ready if not row.draws]
        if greedy:
            likeliest = iter(self._lean.likeliest(torch.cat([states for _, states in greedy])))
            for row, states in greedy:
                self._deliver(row, agreed(row.draft, list(islice(likeliest, len(states)))))

    def _deliver(self, row: _Row, tokens: list[int]) -> None:
        row.cache.cut(row.length + len(tokens) - 1)
        last = next((n for n, token in enumerate(tokens) if token in self._ends), len(tokens) - 1)
        row.tokens += tokens[: last + 1]
        finished = row.tokens[-1] in self._ends or len(row.tokens) >= row.most
        if finished:
            self._end(row.id)
        self._results.put(Written(row.id, row.ids, list(row.tokens), finished))
