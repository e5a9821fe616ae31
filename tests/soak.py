"""Minutes of mixed load on one server, and whether what it holds stays level. By hand: ``python tests/soak.py``.

Eight readers ask over HTTP (a tiny real model answers), some leave in the middle, some send nonsense, while
documents come and go. The last two thirds of the samples are fitted with a line; it should be flat.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import tiny
from fakes import WordEmbedder
from sites import Site

from assistant.config import Settings
from assistant.engine.local import LocalGenerator
from assistant.runtime import Runtime
from assistant.web.draining import Drain
from assistant.web.shell import create_app

READERS = 8
NONSENSE = ({"model": "nobody", "messages": []}, {"messages": "x"}, {"model": "tiny", "n": 10**9})


def server(home: Path) -> Site:
    """The real runtime; of the models only the weights are small."""
    runtime = Runtime(Settings(home=home, model="tiny", auth="users", samples=False), exclusive=True)
    runtime._embedder = WordEmbedder()
    runtime._generator = LocalGenerator(tiny.build(home / "tiny"), name="tiny")
    runtime.languages = lambda: ("en", "zh")  # type: ignore[method-assign]
    runtime.adapters = list  # type: ignore[method-assign]
    drain = Drain(1.0)
    return Site(runtime, create_app(runtime, drain), drain)  # type: ignore[arg-type]


def read(site: Site, number: int, ended: threading.Event, seen: Counter[str]) -> None:
    """One reader: asks, sometimes leaves, sometimes sends nonsense."""
    chance, client = random.Random(number), site.client(Authorization=f"Bearer {site.key(f'reader{number}')}")
    while not ended.wait(chance.uniform(0.2, 1.0)):
        luck = chance.random()
        body: Any = chance.choice(NONSENSE) if luck < 0.05 else question(chance)
        with client.stream("POST", "/v1/chat/completions", json=body) as answer:
            seen[f"{answer.status_code // 100}xx"] += 1
            for line in answer.iter_lines():
                if luck > 0.9 and '"content"' in line:
                    seen["left"] += 1
                    break


def question(chance: random.Random) -> dict[str, Any]:
    model = chance.choice(["tiny", "youju"])
    words = f"what does row {chance.randrange(50)} cost"
    return {"model": model, "stream": chance.random() < 0.7, "max_tokens": 24, "messages": [{"role": "user", "content": words}]}  # fmt: skip


def shelve(site: Site, ended: threading.Event, seen: Counter[str]) -> None:
    """Documents come, and the one before goes."""
    library, user, number = site.runtime.library, site.account("reader0"), 0
    collection = site.runtime.store.collections.default(user).id
    kept: list[str] = []
    while not ended.wait(5.0):
        number += 1
        text = "".join(
            f"# Row {n}\n\nRow {n} of list {number} costs {n * number} pounds.\n\n" for n in range(50)
        )
        (record,) = library.ingest(user, collection, "rows.md", text.encode())  # type: ignore[attr-defined]
        seen[record.state] += 1
        kept.append(record.id)
        if len(kept) > 3:
            library.delete(user, kept.pop(0))  # type: ignore[attr-defined]


def sample(site: Site, home: Path) -> dict[str, float]:
    me = psutil.Process()
    state = site.runtime.engine_state()
    disk = 0
    for folder, _, names in os.walk(home):  # folders and files come and go under it
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                disk += (Path(folder) / name).stat().st_size
    return {
        "rss_mb": me.memory_info().rss / 1e6, "threads": me.num_threads(), "fds": me.num_fds(),
        "open_requests": state.running + state.waiting, "home_mb": disk / 1e6,
    }  # fmt: skip


def report(samples: list[dict[str, float]], every_s: float) -> None:
    level = samples[len(samples) // 3 :]
    minutes = np.arange(len(level)) * every_s / 60
    print(f"{'':14}{'first':>10}{'last':>10}{'highest':>10}{'slope/min':>12}")
    for name in samples[0]:
        values = [each[name] for each in level]
        slope = float(np.polyfit(minutes, values, 1)[0])
        print(f"{name:14}{values[0]:10.1f}{values[-1]:10.1f}{max(values):10.1f}{slope:12.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--every", type=float, default=5.0, help="Seconds between samples.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, ended, seen = Path(folder), threading.Event(), Counter[str]()
        site = server(home)
        jobs: list[Callable[[], None]] = [lambda n=n: read(site, n, ended, seen) for n in range(READERS)]  # type: ignore[misc]
        threads = [threading.Thread(target=job) for job in [*jobs, lambda: shelve(site, ended, seen)]]
        for thread in threads:
            thread.start()
        samples, end = [], time.monotonic() + options.minutes * 60
        while time.monotonic() < end and all(thread.is_alive() for thread in threads):
            time.sleep(options.every)
            samples.append(sample(site, home))
            print(samples[-1], dict(seen), flush=True)
        alive = sum(thread.is_alive() for thread in threads)
        ended.set()
        for thread in threads:
            thread.join(30)
        time.sleep(2)
        print("at rest", sample(site, home), httpx.get(f"{site.url}/health").text)
        report(samples, options.every)
        site.stop()
    if alive < len(threads):
        sys.exit("a reader died")


if __name__ == "__main__":
    main()
