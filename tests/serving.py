"""`youju serve` in a process of its own, for tests of the whole product."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def server(home: Path, port: int, **settings: str) -> Iterator[str]:
    """`youju serve` in a process of its own; it must stop when it is told to, and have logged no fault."""
    command = [sys.executable, "-m", "assistant", "serve", "--home", str(home), "--port", str(port)]
    given = {"YOUJU_SAMPLES": "false", "YOUJU_MAX_NEW_TOKENS": "48", "OMP_NUM_THREADS": "2", **settings}
    log = home.parent / "server.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **given}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        base = f"http://127.0.0.1:{port}"
        wait_until_open(base, process, log)
        try:
            yield base
        except BaseException:
            print("---- the server said:", log.read_text()[-4000:], sep="\n")
            raise
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, log.read_text()
        assert "Traceback" not in log.read_text(), log.read_text()
    finally:
        process.kill()
        process.wait()


def wait_until_open(base: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(f"{base}/health", timeout=5).close()
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"the server did not open:\n{log.read_text()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
