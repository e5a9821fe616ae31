"""A blocking iterator, run in a thread, as an asynchronous one that can be left at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import TypeVar

from assistant.errors import EngineError, QueueFullError

T = TypeVar("T")
_END = object()


class Threads:
    """Runs iterators, at most ``limit`` at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._slots = threading.BoundedSemaphore(limit)

    async def iterate(self, make: Callable[[], Iterator[T]], expired: asyncio.Event) -> AsyncGenerator[T]:
        """Yield what the iterator yields.

        Leaving early (a stop, a dropped connection) closes it in its own thread at its next item, heartbeats
        included; closing it from here would fail while it runs.

        Args:
            make: Makes the iterator; runs in the thread too.
            expired: Ends it with an EngineError, when the server stops.

        Raises:
            QueueFullError: ``limit`` iterators run already.
        """
        if not self._slots.acquire(blocking=False):
            raise QueueFullError(value=self._limit, limit=self._limit, retry_s=5)
        items: asyncio.Queue[object] = asyncio.Queue()
        left = threading.Event()
        loop = asyncio.get_running_loop()

        def put(item: object) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is listening any more
                loop.call_soon_threadsafe(items.put_nowait, item)

        def work() -> None:
            try:
                with contextlib.closing(make()) as iterator:  # type: ignore[type-var]
                    for item in iterator:
                        if left.is_set():
                            return
                        put(item)
                put(_END)
            except BaseException as error:  # noqa: BLE001  # raised again where it is awaited
                put(_Raised(error))
            finally:
                self._slots.release()

        threading.Thread(target=work, name="turn", daemon=True).start()
        try:
            while (item := await _next(items, expired)) is not _END:
                if isinstance(item, _Raised):
                    raise item.error
                yield item  # type: ignore[misc]
        finally:
            left.set()


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error


async def _next(items: asyncio.Queue[object], expired: asyncio.Event) -> object:
    end = asyncio.ensure_future(expired.wait())
    item = asyncio.ensure_future(items.get())
    try:
        await asyncio.wait({item, end}, return_when=asyncio.FIRST_COMPLETED)
        if not item.done():
            raise EngineError(reason="the server is stopping", remedy="ask again in a minute")
        return item.result()
    finally:
        end.cancel()
        item.cancel()
