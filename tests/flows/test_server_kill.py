"""A whole server, killed at any moment while it chats, imports and deletes: what it acknowledged is there.

``python -m pytest tests/flows/test_server_kill.py --rounds 40`` does what one does before a release.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import httpx
import pytest
from fakes import WordEmbedder, opened

from assistant.assistant import Assistant
from assistant.config import Settings
from assistant.errors import HomeLockedError
from assistant.schema import Finish

SERVER = """
import os, sys, threading
from pathlib import Path
from fakes import FakeGenerator, WordEmbedder, opened
from assistant.config import Settings
from assistant.errors import StillReadingError
from assistant.web import server, turns
from assistant.web.draining import Drain
from assistant.web.shell import create_app
home, port, number = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
settings = Settings(home=home, port=port, model="smollm2-135m", adapter="none", samples=False)
runtime = opened(settings, embedder=WordEmbedder(), generator=FakeGenerator("Row one costs five pounds. " * 20))
library, store, user = runtime.workspace.library, runtime.workspace.store, runtime.workspace.store.users.local()
collection = store.collections.default(user).id
say = lambda *words: os.write(1, (" ".join(map(str, words)) + "\\n").encode())  # whole lines of three threads
def shelve():
    for n in range(10_000):
        text = ("# Part %d\\n\\nRow of round %s costs %d pounds. " % (n, number, n)) * 30
        (record,) = library.ingest(user, collection, "a.md", text.encode())
        say("document", record.id)
        if n % 3 == 2:
            say("going", record.id)
            library.delete(user, record.id)
            say("gone", record.id)
            library.purge()
def talk():
    while True:
        chat = store.conversations.create(user)
        say("chat", chat.id)
        for _ in range(4):
            try:
                list(turns.run(runtime, user, chat.id, turns.Ask("What does a row cost?")))
            except StillReadingError:  # nothing can be read yet, as the page says: ask again
                threading.Event().wait(0.01)
                continue
            say("answer", store.conversations.path(user, chat.id)[-1].id)
for job in (shelve, talk, talk):
    threading.Thread(target=job, daemon=True).start()
drain = Drain(1.0)
server.serve(runtime, create_app(runtime, drain), drain, lambda: say("open", port))
"""


def start(home: Path, number: int) -> tuple[subprocess.Popen[str], int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root}:{root / 'tests'}"}
    command = [sys.executable, "-c", SERVER, str(home), str(port), str(number)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment), port


def round_of(home: Path, number: int, chance: random.Random, ledger: dict[str, set[str]]) -> None:
    """Run a server, ask for its health, kill it in the middle of things; note what it acknowledged."""
    process, port = start(home, number)
    assert process.stdout is not None
    lines: list[str] = []
    # Later rounds are killed at any moment; the first one lets an answer through, so that there is something to keep.
    awaited = {"open", "answer"} if number == 0 else {"open"}
    while not awaited <= {line.split()[0] for line in lines}:
        lines.append(process.stdout.readline())
        assert lines[-1], "the server did not start on what the last round left"
    assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200
    if number == 0:
        with pytest.raises(HomeLockedError, match=str(process.pid)):
            Assistant.open(Settings(home=home), exclusive=True)
    lines += [process.stdout.readline() for _ in range(chance.randrange(30))]
    time.sleep(chance.uniform(0.0, 0.05))
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.read().splitlines(keepends=True)
    process.wait()
    for line in lines:
        if line.endswith("\n"):
            kind, id_ = line.split()
            ledger[kind].add(id_)


def check(home: Path, ledger: dict[str, set[str]]) -> None:
    assert sqlite3.connect(home / "youju.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)
    runtime = opened(
        Settings(home=home, samples=False), embedder=WordEmbedder()
    )  # the lock went with the process
    store, user = runtime.workspace.store, runtime.workspace.store.users.local()
    records = {record.id: record for record in store.documents.list(user)}
    ready = {id_ for id_, record in records.items() if record.state == "ready"}
    library = runtime.workspace.library  # opening it sweeps
    assert ledger["document"] - ledger["going"] <= ready
    assert not ledger["gone"] & set(records)
    assert library._index.document_ids() == ready
    assert sum(len(library.chunks(user, id_)) for id_ in ready) == sum(records[i].chunks for i in ready)
    assert {path.name for path in (home / "files").glob("*")} <= set(records)
    found = library.search(user, "what does a row of a round cost in pounds", k=20)
    assert {hit.chunk.document_id for hit in found.fused} <= ready
    messages = {}
    for chat_id in ledger["chat"]:
        messages |= {message.id: message for message in store.conversations.path(user, chat_id)}
    assert ledger["answer"] <= set(messages)
    assert all(messages[id_].finish in (Finish.STOP, Finish.DECLINED) for id_ in ledger["answer"])
    runtime.close()


def test_what_a_killed_server_acknowledged_is_there(tmp_path: Path, rounds: int) -> None:
    chance, home = random.Random(40), tmp_path / "home"
    ledger: dict[str, set[str]] = defaultdict(set)
    for number in range(max(rounds, 3)):
        round_of(home, number, chance, ledger)
        check(home, ledger)
    assert ledger["document"]
    assert ledger["answer"]
    print({kind: len(ids) for kind, ids in ledger.items()})
