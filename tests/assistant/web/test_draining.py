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
    drain.over.set()


@pytest.mark.parametrize("happens", [client_leaves, grace_ends])
@pytest.mark.parametrize("watchers", [1, 2])
def test_everyone_who_waits_is_told_that_the_client_left(watchers: int, happens: Any) -> None:
    assert heard(watchers, happens) == [GONE] * (watchers + 1)


def test_a_stream_may_say_that_it_was_ended_before_the_connection_ends() -> None:
    async def run() -> None:
        drain, client = Drain(grace_s=0.01), asyncio.Queue[Any]()

        async def app(_scope: Any, receive: Any, _send: Any) -> None:
            drain.begin()
            left = asyncio.ensure_future(receive())
            await drain.expired.wait()
            assert not (await asyncio.wait({left}, timeout=0.05))[0], "cut off before its last word"
            assert await left == GONE

        async def send(_message: Any) -> None:
            raise AssertionError("nothing is answered")

        await asyncio.wait_for(Draining(app, drain)(SCOPE, client.get, send), 5)

    asyncio.run(run())
