from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from assistant.web.draining import Drain, Draining

GONE = {"type": "http.disconnect"}
SCOPE = {"type": "http", "path": "/gradio_api/queue/data", "headers": []}


def heard(watchers: int, happens: Callable[[Drain, asyncio.Queue[Any]], Awaitable[None]]) -> list[Any]:
    """What tasks that wait for the client at the same time are told when something ``happens``."""

    async def run() -> list[Any]:
        drain, client, told = Drain(), asyncio.Queue[Any](), []

        async def app(_scope: Any, receive: Any, _send: Any) -> None:
            told.extend(await asyncio.gather(*(receive() for _ in range(watchers))))
            told.append(await receive())

        async def send(_message: Any) -> None:
            raise AssertionError("nothing is answered")

        serving = asyncio.ensure_future(Draining(app, drain)(SCOPE, client.get, send))
        await asyncio.sleep(0)
        await happens(drain, client)
        await asyncio.wait_for(serving, 5)
        return told

    return asyncio.run(run())


async def client_leaves(_drain: Drain, client: asyncio.Queue[Any]) -> None:
    await asyncio.sleep(0.01)
    for _ in range(2):
        client.put_nowait(GONE)


async def grace_ends(drain: Drain, _client: asyncio.Queue[Any]) -> None:
    await asyncio.sleep(0.01)
    drain.expired.set()


@pytest.mark.parametrize("happens", [client_leaves, grace_ends])
@pytest.mark.parametrize("watchers", [1, 2])
def test_everyone_who_waits_is_told_that_the_client_left(watchers: int, happens: Any) -> None:
    assert heard(watchers, happens) == [GONE] * (watchers + 1)
