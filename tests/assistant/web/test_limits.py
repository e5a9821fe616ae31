"""Health, a gentle stop, and a fuzzer over the API's own description."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from fakes import FakeRuntime, TimedGenerator
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from sites import tiny_page

from assistant.engine.protocol import EngineState

ASKED = {"model": "fake", "messages": [{"role": "user", "content": "secret question"}], "stream": True}


@pytest.mark.parametrize(
    ("state", "status", "word"),
    [
        (EngineState("idle"), 200, "ok"),
        (EngineState("loading"), 200, "ok"),
        (EngineState("ready", last_progress=-500), 200, "ok"),
        (EngineState("ready", running=1, last_progress=-1), 200, "ok"),
        (EngineState("ready", running=1, last_progress=-500), 503, "stuck"),
        (EngineState("ready", waiting=1, last_progress=-500), 503, "stuck"),
        (EngineState("failed", "/home/ada/models is broken"), 503, "failed"),
    ],
)
def test_health_is_progress(
    site: Any, monkeypatch: pytest.MonkeyPatch, state: EngineState, status: int, word: str
) -> None:
    ago = time.monotonic() + state.last_progress if state.last_progress else 0.0
    found = EngineState(state.state, state.detail, state.running, state.waiting, 7, ago)
    monkeypatch.setattr(site.runtime, "state", lambda: found)
    answer = site.client().get("/health")
    assert (answer.status_code, answer.json()["status"]) == (status, word)
    assert answer.json()["tokens_total"] == 7
    assert "ada" not in answer.text


def test_health_tells_nothing_of_what_is_said(serve: Callable[..., Any]) -> None:
    site = serve(TimedGenerator(("secret ",) * 1000, delay=0.05))
    client = site.client(Authorization=f"Bearer {site.key('ada')}")
    with client.stream("POST", "/v1/chat/completions", json=ASKED) as stream:
        lines = stream.iter_lines()
        next(lines)
        answer = site.client().get("/health")
    assert answer.json()["running"] == 1
    assert "secret" not in answer.text


def listen(site: Any, key: str, heard: list[str]) -> None:
    with site.client(Authorization=f"Bearer {key}").stream(
        "POST", "/v1/chat/completions", json=ASKED
    ) as stream:
        heard.extend(stream.iter_lines())


@pytest.mark.parametrize(("words", "end"), [(5, '"finish_reason": "stop"'), (200, "the server is stopping")])
def test_a_stop_lets_answers_end(serve: Callable[..., Any], words: int, end: str) -> None:
    generator = TimedGenerator(("w ",) * words, delay=0.1)
    site = serve(generator)
    key, heard = site.key("ada"), []
    listener = threading.Thread(target=listen, args=(site, key, heard))
    idle = site.client(Authorization=f"Bearer {key}")
    assert idle.get("/v1/models").status_code == 200
    listener.start()
    while generator.made < 2:
        time.sleep(0.02)
    site.server.servers[0].get_loop().call_soon_threadsafe(site.drain.begin)
    while not site.drain.begun.is_set():
        time.sleep(0.01)
    refused = idle.get("/v1/models")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "30")
    listener.join(10)
    assert end in "\n".join(heard)
    assert heard[-2:] == ["data: [DONE]", ""] or heard[-1] == "data: [DONE]"
    assert generator.closed.wait(2)


def test_a_stop_ends_open_pages(serve: Callable[..., Any]) -> None:
    site = serve(pages=tiny_page(steps=1000))
    client = site.client("ada")
    ended: list[str] = []

    def stay(path: str) -> None:
        # The page of a run that is cut off sees its connection end, as it would see any server go.
        with contextlib.suppress(httpx.RemoteProtocolError), client.stream("GET", path) as stream:
            list(stream.iter_lines())
        ended.append(path)

    client.post("/gradio_api/queue/join", json={"data": [], "fn_index": 1, "session_hash": "s"})
    paths = ["/gradio_api/heartbeat/s", "/gradio_api/queue/data?session_hash=s"]
    threads = [threading.Thread(target=stay, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    site.server.servers[0].get_loop().call_soon_threadsafe(site.drain.begin)
    for thread in threads:
        thread.join(10)
    assert sorted(ended) == sorted(paths)


SERVER = """
import sys
from pathlib import Path
from fakes import FakeRuntime, TimedGenerator
from assistant.web import server
from assistant.web.draining import Drain
from assistant.web.shell import create_app
runtime = FakeRuntime(Path(sys.argv[1]), TimedGenerator(("w ",) * 15, delay=0.1), port=int(sys.argv[2]))
drain = Drain(grace_s=5.0)
server.serve(runtime, create_app(runtime, drain), drain, lambda: None)
runtime.close()
"""


def test_sigterm_ends_the_process_well(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": f"{root}:{root / 'tests'}"}
    command = [sys.executable, "-c", SERVER, str(tmp_path / "home"), str(port)]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, env=environment) as process:
        for _ in range(600):
            try:
                httpx.get(f"{url}/health")
                break
            except httpx.ConnectError:
                time.sleep(0.1)
        with httpx.stream("POST", f"{url}/v1/chat/completions", json=ASKED, timeout=30) as stream:
            lines = stream.iter_lines()
            next(lines)
            process.send_signal(signal.SIGTERM)
            heard = list(lines)
        assert '"finish_reason": "stop"' in "\n".join(heard)
        assert process.wait(15) == 0
    assert not (tmp_path / "home" / "youju.db-wal").exists()
    again = FakeRuntime(tmp_path / "home")
    assert again.store.users.local().name == "local"
    again.close()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_of_the_description_is_a_fault_of_ours(shared: Any, mode: GenerationMode) -> None:
    headers = {"Authorization": f"Bearer {shared.key('fuzzer')}"}
    described = httpx.get(f"{shared.url}/v1/openapi.json", headers=headers).json()
    fuzzed = []
    for found in schemathesis.openapi.from_dict(described).get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and operation.method.upper() == "GET":
            continue  # nothing about it can be wrong

        @settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(mode))
        def once(case: schemathesis.Case) -> None:
            answer = case.call(base_url=shared.url, headers=headers)
            assert answer.status_code < 500, f"{case.as_curl_command()}: {answer.text}"

        once()
        fuzzed.append(operation.label)
    assert "POST /v1/chat/completions" in fuzzed
    assert "POST /v1/embeddings" in fuzzed
    good = httpx.post(f"{shared.url}/v1/chat/completions", json={**ASKED, "stream": False}, headers=headers)
    assert good.status_code == 200
