"""Who is next: requests, the line they wait in, and fairness between users. Knows no model."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from dataclasses import dataclass, field
from queue import SimpleQueue

from assistant.errors import QueueFullError, TooManyRequestsError
from assistant.schema import AdapterRef, Sampling

RETRY_S = 5
_arrivals = itertools.count()


@dataclass(eq=False, slots=True)
class Ticket:
    """One request, from submission to its last token."""

    ids: list[int]
    """The prompt."""
    sampling: Sampling
    seed: int
    adapter: AdapterRef | None = None
    user: str = ""
    arrival: int = field(default_factory=lambda: next(_arrivals))
    submitted: float = field(default_factory=time.monotonic)
    tokens: list[int] = field(default_factory=list)
    """Generated so far."""
    faults: int = 0
    """Times that the engine broke down while this ran."""
    suspect: bool = False
    """It ran when the engine broke down, and has not yet made a token alone since."""
    events: SimpleQueue[list[int] | Exception | None] = field(default_factory=SimpleQueue)
    """For the reader: new tokens; an error that ended it; ``None`` for its regular end."""

    @property
    def id(self) -> str:
        """Unique in this process, also between two runs of one request."""
        return f"{self.arrival}.{self.faults}"

    @property
    def length(self) -> int:
        """Prompt and longest possible reply, in tokens."""
        return len(self.ids) + self.sampling.max_new_tokens


class Line:
    """The line in front of the model. Users take turns; not safe between threads without a lock.

    Args:
        max_waiting: Requests that may wait.
        max_per_user: Requests of one named user that may wait or run.
    """

    def __init__(self, max_waiting: int, max_per_user: int) -> None:
        self.max_waiting = max_waiting
        self.max_per_user = max_per_user
        self.running: dict[str, Ticket] = {}
        self._waiting: list[Ticket] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self, ticket: Ticket) -> None:
        """Let a new request wait.

        Raises:
            QueueFullError: ``max_waiting`` requests wait.
            TooManyRequestsError: The user has ``max_per_user`` requests.
        """
        if len(self._waiting) >= self.max_waiting:
            raise QueueFullError(value=len(self._waiting), limit=self.max_waiting, retry_s=RETRY_S)
        own = sum(other.user == ticket.user for other in (*self._waiting, *self.running.values()))
        if ticket.user and own >= self.max_per_user:
            raise TooManyRequestsError(kind="answers at once", limit=self.max_per_user, retry_s=RETRY_S)
        self._waiting.append(ticket)

    def waits(self, ticket: Ticket) -> bool:
        """Whether a request is in the line."""
        return ticket in self._waiting

    def order(self) -> list[Ticket]:
        """Who comes when: suspects of a breakdown, then users with fewer requests ahead, then arrival."""
        held = Counter(ticket.user for ticket in self.running.values())
        ranked = []
        for ticket in sorted(self._waiting, key=lambda waiting: waiting.arrival):
            ranked.append((not ticket.suspect, held[ticket.user], ticket.arrival, ticket))
            held[ticket.user] += 1
        return [entry[-1] for entry in sorted(ranked, key=lambda entry: entry[:3])]

    def position(self, ticket: Ticket) -> int:
        """Requests ahead, this one counted: 1 is next, 0 runs or is over."""
        return self.order().index(ticket) + 1 if ticket in self._waiting else 0

    def start(self, ticket: Ticket) -> None:
        """Move a request from the line to the model."""
        self._waiting.remove(ticket)
        self.running[ticket.id] = ticket

    def leave(self, ticket: Ticket) -> bool:
        """Forget a request. True if it was running."""
        if ticket in self._waiting:
            self._waiting.remove(ticket)
        return self.running.pop(ticket.id, None) is not None

    def suspend(self) -> list[Ticket]:
        """Take all running requests back into the line, after a breakdown; caps do not apply."""
        tickets = list(self.running.values())
        self.running.clear()
        self._waiting += tickets
        return tickets

    def everyone(self) -> list[Ticket]:
        """All requests, waiting and running."""
        return [*self._waiting, *self.running.values()]
