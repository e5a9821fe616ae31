"""Stopping without cutting anyone off: what runs may finish for a while, what is new is told to come back."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.errors import EngineError
from assistant.web.responses import refuse

GRACE_S = 20.0
"""Seconds that running answers get after SIGTERM."""
_LAST_WORD_S = 1.0
"""What a stream has then to say that it was ended: a dropped connection would cut it off before."""
_HEARTBEAT = "/gradio_api/heartbeat/"


class Drain:
    """The moments of a stop: ``begun`` (nothing new), ``expired`` (end what runs), ``over`` (hang up)."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self.grace_s = grace_s
        self.begun = asyncio.Event()
        self.expired = asyncio.Event()
        self.over = asyncio.Event()

    def begin(self) -> None:
        """Start the stop; from the event loop's thread. Calling it again changes nothing."""
        if not self.begun.is_set():
            self.begun.set()
            loop = asyncio.get_running_loop()
            loop.call_later(self.grace_s, self.expired.set)
            loop.call_later(self.grace_s + _LAST_WORD_S, self.over.set)


class Draining:
    """Refuse what is new during a stop; tell open streams that the client left once it is over.

    Gradio's heartbeat never ends by itself, so it ends at once.
    """

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        if self._drain.begun.is_set():
            error = EngineError(reason="the server is stopping", remedy="try again in a minute", retry_s=30)
            return await refuse(error)(scope, receive, send)
        ends = self._drain.begun if scope["path"].startswith(_HEARTBEAT) else self._drain.over
        return await self._app(scope, _Ending(receive, ends).receive, send)


class _Ending:
    def __init__(self, receive: Receive, ends: asyncio.Event) -> None:
        self._receive = receive
        self._ends = ends
        self._waiting: asyncio.Future[Message] | None = None

    async def receive(self) -> Message:
        # Kept over calls: Starlette peeks by cancelling a call at once, and a message read by then must not
        # be lost. For the same reason a message that is there is handed out without awaiting anything.
        # Two tasks may wait at once (Gradio's stream and Starlette's watch for the client): both are told.
        if self._waiting is None:
            self._waiting = asyncio.ensure_future(self._receive())
        waiting = self._waiting
        if not waiting.done() and not self._ends.is_set():
            await self._either(waiting)
        if not waiting.done() or waiting.cancelled():
            waiting.cancel()
            return {"type": "http.disconnect"}
        if self._waiting is waiting:
            self._waiting = None
        return waiting.result()

    async def _either(self, waiting: asyncio.Future[Message]) -> None:
        end = asyncio.ensure_future(self._ends.wait())
        either: set[asyncio.Future[Any]] = {waiting, end}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            end.cancel()
