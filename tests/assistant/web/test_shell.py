"""The gates that every request passes: host, origin, size; and what every answer carries."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from sites import tiny_page

from assistant import config
from assistant.config import Settings
from assistant.errors import ConfigError
from assistant.web.security import BODY_LIMIT, hostname

CHAT = {"model": "fake", "messages": [{"role": "user", "content": "hi"}]}


def raw(site: Any, request: bytes, wait: float = 5) -> bytes:
    """Send bytes as they are; returns what came back until the server was done."""
    host, port = site.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=wait) as connection:
        connection.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer and (part := connection.recv(65536)):
            answer += part
    return answer


@pytest.mark.parametrize("path", ["/", "/login", "/health", "/v1/models", "/nowhere", "/gradio_api/info"])
def test_every_answer_carries_the_headers(shared: Any, path: str) -> None:
    for client in (shared.client(), shared.client("ada")):
        headers = client.get(path).headers
        assert "img-src 'self' data: blob:" in headers["content-security-policy"]
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers or "uvicorn" in headers["server"]


def test_frames_open_only_where_the_settings_say(serve: Callable[..., Any]) -> None:
    headers = serve(frame_ancestors=("https://huggingface.co",)).client().get("/login").headers
    assert "frame-ancestors 'self' https://huggingface.co" in headers["content-security-policy"]
    assert "x-frame-options" not in headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("127.0.0.1:80", 200),
        ("LOCALHOST:7860", 200),
        ("[::1]:7860", 200),
        ("docs.example.org", 200),
        ("evil.test", 400),
        ("127.0.0.1.evil.test", 400),
        ("evil.test:7860", 400),
        ("localhost@evil.test", 400),
        ("localhost, evil.test", 400),
        ("localhost/evil.test", 400),
        ("", 400),
    ],
)
def test_only_known_hosts_are_answered(serve: Callable[..., Any], host: str, status: int) -> None:
    site = serve(allowed_hosts=("Docs.example.org",))
    assert site.client().get("/login", headers={"Host": host}).status_code == status


def test_host_names_are_read_strictly() -> None:
    assert [hostname(h) for h in (None, "a:b", "[::1", "a:99999", "a b")] == [None, None, None, None, "a b"]


@pytest.mark.parametrize(
    "origin", ["https://evil.test", "null", "http://127.0.0.1.evil.test", "http://127.0.0.1:1", ""]
)
@pytest.mark.parametrize(
    "path", ["/login", "/logout", "/v1/chat/completions", "/gradio_api/queue/join", "/nowhere"]
)
def test_foreign_pages_are_refused(ada: httpx.Client, path: str, origin: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = ada.request(method, path, json=CHAT, headers={"Origin": origin})
        assert answer.status_code == 403, answer.text
        assert answer.json()["error"]["code"] == "Origin"
        assert "access-control-allow-origin" not in answer.headers


def test_https_pages_are_foreign_unless_a_proxy_speaks_https(serve: Callable[..., Any]) -> None:
    for behind_https, status in ((False, 403), (True, 401)):
        site = serve(behind_https=behind_https)
        origin = site.url.replace("http://", "https://")
        answer = site.client().post("/v1/chat/completions", json=CHAT, headers={"Origin": origin})
        assert answer.status_code == status


def test_a_foreign_page_is_refused_before_its_body_is_read(shared: Any) -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://evil.test\r\nContent-Length: 1000\r\n\r\n"
    assert raw(shared, head).startswith(b"HTTP/1.1 403")


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/", "/gradio_api/upload"])
def test_preflights_allow_nothing(ada: httpx.Client, path: str) -> None:
    ask = {"Origin": "https://evil.test", "Access-Control-Request-Method": "POST"}
    answer = ada.options(path, headers=ask)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_own_pages_and_programs_pass(shared: Any) -> None:
    for headers in ({"Origin": shared.url}, {}):
        answer = shared.client("ada").post("/v1/chat/completions", json=CHAT, headers=headers)
        assert answer.status_code == 200, answer.text


def test_a_body_over_the_limit_is_refused_by_its_length(shared: Any) -> None:
    head = f"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {BODY_LIMIT + 1}\r\n\r\n"
    answer = raw(shared, head.encode())
    assert answer.startswith(b"HTTP/1.1 413")
    assert str(BODY_LIMIT).encode() in answer + raw(shared, head.encode())


@pytest.mark.parametrize("path", ["/login", "/v1/chat/completions", "/gradio_api/queue/join"])
def test_a_body_over_the_limit_is_refused_without_a_length(shared: Any, path: str) -> None:
    sent = 0

    def endless() -> Any:
        nonlocal sent
        while sent < 10 * BODY_LIMIT:
            sent += 65536
            yield b"x" * 65536

    client = shared.client("ada")
    try:
        answer = client.post(path, content=endless(), headers={"Content-Type": "application/json"})
        assert answer.status_code == 413
        assert answer.json()["error"]["code"] == "TooLarge"
    except httpx.WriteError:
        pass  # the server closed while we were still sending: refused all the same
    assert sent <= 2 * BODY_LIMIT + 8_000_000  # what the sockets between us hold is sent but never read


def test_a_body_at_the_limit_passes(site: Any) -> None:
    answer = site.client().post("/login", content=b"x" * BODY_LIMIT)
    assert answer.status_code == 401


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "9" * 400])
def test_lengths_that_are_none_are_refused(shared: Any, length: str) -> None:
    head = f"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n\r\n"
    assert raw(shared, head.encode()).split()[1] in (b"400", b"413")


def test_too_large_a_file_is_refused_by_gradio_and_leaves_nothing(
    serve: Callable[..., Any], tmp_path: Any
) -> None:
    site = serve(pages=tiny_page(), max_upload_mb=1)
    client = site.client("ada")
    answer = client.post("/gradio_api/upload", files={"files": ("big.txt", b"x" * 1_100_000)})
    assert answer.status_code == 413
    assert not [path for path in (tmp_path / "gradio").rglob("*") if path.is_file()]
    assert client.post("/gradio_api/upload", files={"files": ("ok.txt", b"x" * 900_000)}).status_code == 200


def test_unknown_paths_and_methods_are_plain_errors(shared: Any) -> None:
    client = shared.client("ada")
    assert client.get("/gradio_api/monitoring").status_code == 404
    answer = client.delete("/v1/models")
    assert answer.status_code in (404, 405)
    assert answer.json()["error"]["message"]


def test_a_fault_of_ours_says_an_id_and_nothing_else(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault() -> None:
        raise RuntimeError("secret internals")

    monkeypatch.setattr(site.runtime, "state", fault)
    answer = site.client().get("/health")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "internal error" in answer.json()["error"]["message"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_nobody_listens_beyond_loopback_without_accounts() -> None:
    with pytest.raises(ValidationError, match="auth is 'local'"):
        Settings(host="0.0.0.0")
    assert Settings(host="0.0.0.0", auth="users").host == "0.0.0.0"
    with pytest.raises(ConfigError, match=r"host: '0\.0\.0\.0' cannot be used; .* `youju users add NAME`"):
        config.load(host="0.0.0.0")
