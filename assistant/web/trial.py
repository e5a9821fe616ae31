"""One question that the server asks itself: a deploy can tell that answers move, before any visitor.

It brings its own passage: nobody's documents are read, and nothing is kept. It is asked once a process,
however often it is asked for, so that anybody may look.
"""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from assistant.errors import YoujuError
from assistant.request import Request
from assistant.schema import Answer, Finish
from assistant.scope import Scope
from assistant.store import User

if TYPE_CHECKING:
    from assistant.assistant import Assistant

PASSAGE = ("trial", "Opening hours", "The workshop is open from 8:30 to 17:00 on weekdays.")
QUESTION = "When is the workshop open on weekdays?"
_ASKER = User("trial", "trial", "member")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the question."""

    state: Literal["running", "answered", "failed"]
    seconds: float = 0.0
    citations: int = 0
    reason: str = ""


class Trial:
    """Asks the question in the background, the first time somebody looks."""

    def __init__(self, runtime: Assistant) -> None:
        self._runtime = runtime
        self._guard = threading.Lock()
        self._outcome: Outcome | None = None

    def look(self) -> dict[str, Any]:
        """The state of the question; begins it where nobody has."""
        with self._guard:
            if self._outcome is None:
                self._outcome = Outcome("running")
                threading.Thread(target=self._ask, name="trial", daemon=True).start()
            return asdict(self._outcome)

    def _ask(self) -> None:
        begun = time.monotonic()
        try:
            request = Request(QUESTION, self._runtime.models.sampling())
            events = self._runtime.chat_turn(_ASKER, request, Scope(given=(PASSAGE,)))
            (answer,) = [event for event in events if isinstance(event, Answer)]
            outcome = _judged(answer, round(time.monotonic() - begun, 1))
        except YoujuError as fault:
            outcome = Outcome("failed", reason=str(fault))
        except Exception:
            self._outcome = Outcome("failed", reason="an internal error: see the server's log")
            raise
        self._outcome = outcome


def _judged(answer: Answer, seconds: float) -> Outcome:
    if answer.finish is Finish.ERROR:
        return Outcome("failed", seconds, reason="it stopped in the middle")
    if answer.finish is Finish.DECLINED or not answer.text.strip():
        return Outcome("failed", seconds, reason="it was declined, and the passage holds the answer")
    return Outcome("answered", seconds, len(answer.citations))
