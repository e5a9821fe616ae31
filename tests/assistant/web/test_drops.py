"""Clients that leave at random moments; ``--rounds 200`` does what one does before a release."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from fakes import TimedGenerator

ASKED = {"model": "fake", "messages": [{"role": "user", "content": "q"}]}


def leave(site: Any, headers: dict[str, str], number: int) -> int:
    """Ask, and be gone after a moment; streaming or not. Returns the status heard, 0 for none."""
    chance = random.Random(number)
    patience, status = chance.uniform(0.01, 0.5), 0
    body = {**ASKED, "stream": chance.random() < 0.5}
    with (
        contextlib.suppress(httpx.TimeoutException, httpx.RemoteProtocolError),
        httpx.Client(timeout=httpx.Timeout(10, read=patience)) as client,
        client.stream("POST", f"{site.url}/v1/chat/completions", json=body, headers=headers) as answer,
    ):
        status, end = answer.status_code, time.monotonic() + patience
        for _ in answer.iter_lines():
            if time.monotonic() > end:
                break
    return status


def settled(condition: Callable[[], bool]) -> bool:
    for _ in range(100):
        if condition():
            return True
        time.sleep(0.05)
    return False


def turns() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "turn"]


def test_clients_that_leave_at_any_moment_leave_nothing(serve: Callable[..., Any], rounds: int) -> None:
    generator = TimedGenerator(("w ",) * 40, delay=0.02)
    site = serve(generator, max_queue=64)
    headers = {"Authorization": f"Bearer {site.key('ada')}"}
    with ThreadPoolExecutor(8) as pool:
        heard = list(pool.map(lambda number: leave(site, headers, number), range(max(rounds, 40))))
    assert set(heard) <= {0, 200}
    assert {0, 200} <= set(heard), "some left before the first word, some after"
    assert settled(lambda: generator.running == 0 and not turns()), "an answer goes on for nobody"
    made = generator.made
    time.sleep(0.3)
    assert generator.made == made < 40 * len(heard)
    generator.delay = 0
    for _ in range(64):
        assert httpx.post(f"{site.url}/v1/chat/completions", json=ASKED, headers=headers).status_code == 200
