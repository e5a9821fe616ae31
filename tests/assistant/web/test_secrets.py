"""Secrets are planted everywhere and everything is made to fail: none comes out anywhere."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes import WordEmbedder, opened
from sites import PASSWORD, Site

from assistant import config
from assistant.commands import app as cli
from assistant.config import Settings
from assistant.errors import ConfigError
from assistant.web import server
from assistant.web.draining import Drain

REMOTE = "sk-remote-4f8a1c9e2b7d"
TOKEN = "hf_planted-7c1e5a9d3f"
WORDS = "planted-document-words-93c1"


class _Echo(BaseHTTPRequestHandler):
    """A model server that fails, and repeats what it was sent."""

    status = 400

    def log_message(self, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.dumps({"error": {"message": f"bad key {self.headers['authorization']}"}}).encode()
        self.send_response(type(self).status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815


@pytest.fixture
def echo() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as listening:
        listening.daemon_threads = True
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}/v1"
        listening.shutdown()


@pytest.fixture
def planted(tmp_path: Path, echo: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The real product in front of that server, with real pages."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    settings = Settings(
        home=tmp_path / "home", auth="users", base_url=echo, api_key=REMOTE, model="m", samples=False
    )
    runtime = opened(settings, embedder=WordEmbedder())
    drain = Drain(1.0)
    site = Site(runtime, server.build(runtime, drain), drain)  # type: ignore[arg-type]
    yield site
    site.stop()


PAGES = ("/", "/config", "/info", "/gradio_api/info", "/health", "/login", "/v1/models", "/v1/openapi.json",
         "/files/x", "/exports/conversations/x.md", "/downloads/x/y", "/nowhere", "/gradio_api/file=/etc/passwd",
         "/gradio_api/startup-events", "/theme.css")  # fmt: skip


def provoked(site: Site, key: str) -> Iterator[httpx.Response]:
    """Every page, and every kind of failure."""
    ada, caller = site.client("ada"), site.client(Authorization=f"Bearer {key}")
    for client in (ada, caller, site.client()):
        yield from (client.get(path) for path in PAGES)
    for status in (400, 401, 404, 500):
        _Echo.status = status
        for stream in (True, False):
            for model in ("m", "youju", "nobody"):
                messages = [{"role": "user", "content": f"what does {WORDS} say"}]
                body = {"model": model, "messages": messages, "stream": stream}
                yield caller.post("/v1/chat/completions", json=body)
    for broken in (b"{", b"[]", b'{"model": "m", "messages": 3}'):
        headers = {"Content-Type": "application/json"}
        yield caller.post("/v1/chat/completions", content=broken, headers=headers)
    yield caller.post("/v1/embeddings", json={"model": "nobody", "input": "x"})
    yield ada.post("/gradio_api/queue/join", json={"session_hash": "s", "fn_index": 10**6, "data": []})
    yield ada.post("/gradio_api/upload", content=b"x")
    for n in range(12):
        yield site.client().post("/login", data={"name": "bob", "password": f"{PASSWORD} {n}"})
    yield ada.post("/logout", headers={"Origin": "https://evil.test"})


def test_no_secret_comes_out(
    planted: Site, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    runtime, user = planted.runtime, planted.account("ada")
    collection = runtime.workspace.store.collections.default(user).id
    (record,) = runtime.workspace.library.ingest(user, collection, "a.md", f"# A\n\n{WORDS}".encode())  # type: ignore[attr-defined]
    assert record.state == "ready"
    key = planted.key("ada")
    session = (runtime.settings.home / "secret").read_bytes()
    secrets = {
        "remote key": REMOTE,
        "token": TOKEN,
        "password": PASSWORD,
        "key": key,
        "session": session.hex(),
    }
    answers = list(provoked(planted, key))
    assert {200, 400, 401, 403, 404, 429, 503} <= {answer.status_code for answer in answers}
    said = "\n".join(f"{answer.headers} {answer.text}" for answer in answers)
    assert "***" in said, "the model server's complaint never arrived: nothing was tried"
    printed = capfd.readouterr()
    logged = printed.out + printed.err + caplog.text
    assert [name for name, secret in secrets.items() if secret in said] == []
    assert [name for name, secret in secrets.items() if secret in logged] == []
    assert WORDS not in logged
    strangers = [
        answer for answer in answers if not {"cookie", "authorization"} & set(answer.request.headers)
    ]
    assert len(strangers) > 20
    assert not [answer.url for answer in strangers if WORDS in answer.text]
    for path in (path for path in runtime.settings.home.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert [name for name, secret in secrets.items() if secret.encode() in content] == [], path
        assert path.name == "secret" or session not in content


def test_commands_show_no_secret(
    tmp_path: Path, echo: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("YOUJU_API_KEY", REMOTE)
    monkeypatch.setenv("YOUJU_BASE_URL", echo)
    for status in (400, 401):
        _Echo.status = status
        for words in (
            ["doctor"],
            ["doctor", "--json"],
            ["sentiment", "fine", "--json"],
            ["sentiment", "fine"],
        ):
            cli.run(words)
    shown = "".join(capfd.readouterr())
    assert echo in shown
    assert REMOTE not in shown
    assert TOKEN not in shown


@pytest.mark.parametrize("line", [f'apikey = "{REMOTE}"', f'api_key = ["{REMOTE}"]', f'"x" = ["{REMOTE}"]'])
def test_a_mistyped_setting_is_named_without_its_value(tmp_path: Path, line: str) -> None:
    (tmp_path / "youju.toml").write_text(line)
    with pytest.raises(ConfigError) as refused:
        config.load(home=tmp_path)
    assert REMOTE not in str(refused.value)
