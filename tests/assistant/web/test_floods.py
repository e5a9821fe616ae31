"""Bodies without end: refused at their limit, nothing left behind, memory level."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from sites import tiny_page

MB = 1_000_000
GROWTH = 20 * MB
BOUNDARY = b"--edge"
PART = BOUNDARY + b'\r\nContent-Disposition: form-data; name="files"; filename="%d.txt"\r\n\r\n'


def head(path: str, cookie: str, *more: str) -> bytes:
    lines = (f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Cookie: {cookie}", *more, "", "")
    return "\r\n".join(lines).encode()


def send(site: Any, start: bytes, body: Iterator[bytes]) -> bytes:
    """Send until the server has had enough; returns its first line."""
    host, port = site.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        try:
            connection.sendall(start)
            for piece in body:
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it closed on us: what it said before may still be read
        try:
            return connection.recv(65536).split(b"\r\n")[0]
        except ConnectionResetError:
            return b"closed"


def chunked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def one_file(megabytes: int) -> Iterator[bytes]:
    yield PART % 1
    for _ in range(megabytes * 16):
        yield b"x" * (MB // 16)
    yield b"\r\n" + BOUNDARY + b"--\r\n"


def files(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield PART % number + b"x\r\n"
    yield BOUNDARY + b"--\r\n"


@pytest.fixture
def flooded(serve: Callable[..., Any]) -> tuple[Any, str]:
    site = serve(pages=tiny_page(), max_upload_mb=2)
    return site, f"youju_session={site.client('ada').cookies['youju_session']}"


FORM = "Content-Type: multipart/form-data; boundary=edge"
CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("path", "headers", "body", "statuses"),
    [
        ("/gradio_api/upload", (FORM, CHUNKED), lambda: chunked(one_file(80)), (413,)),
        ("/gradio_api/upload", (FORM, "Content-Length: 80000300"), lambda: one_file(80), (413,)),
        ("/gradio_api/upload", (FORM, "Content-Length: 300"), lambda: one_file(80), (200, 400, 413)),
        ("/gradio_api/upload", (FORM, CHUNKED), lambda: chunked(files(1_001)), (400, 413)),
        ("/gradio_api/upload", (FORM, CHUNKED), lambda: chunked(files(200_000)), (400, 413)),
        ("/gradio_api/upload", ("Content-Type: multipart/form-data", "Content-Length: 5"), lambda: iter([b"hello"]), (400, 415, 422)),
        ("/gradio_api/upload", ("Content-Type: text/plain", "Content-Length: 5"), lambda: iter([b"hello"]), (400, 415, 422)),
        ("/gradio_api/upload", (FORM, CHUNKED), lambda: chunked(iter([b"Content-Disposition: " * 1000] * 500)), (400, 413)),
        ("/v1/chat/completions", ("Content-Type: application/json", CHUNKED), lambda: chunked(iter([b"[" * 65536] * 800)), (413,)),
        ("/v1/chat/completions", (FORM, CHUNKED), lambda: chunked(files(20_000)), (400, 413)),
        ("/login", (FORM, CHUNKED), lambda: chunked(one_file(40)), (413,)),
        ("/v1/models", tuple(f"X-Filler-{n}: {'x' * 1000}" for n in range(10_000)), lambda: iter(()), (400, 431)),
    ],
)  # fmt: skip
def test_a_flood_is_refused_and_leaves_nothing(
    flooded: tuple[Any, str], tmp_path: Path, path: str, headers: tuple[str, ...], body: Any, statuses: Any
) -> None:
    site, cookie = flooded
    me = psutil.Process()
    start = head(
        path, cookie, *headers
    )  # made before memory is read: ten thousand headers are 20 MB of the test's own
    before, peak = me.memory_info().rss, 0

    def watched() -> Iterator[bytes]:
        nonlocal peak
        for number, piece in enumerate(body()):
            if number % 64 == 0:
                peak = max(peak, me.memory_info().rss)
            yield piece

    said = send(site, start, watched())
    assert said == b"closed" or int(said.split()[1]) in statuses, said
    assert max(peak, me.memory_info().rss) - before < GROWTH
    kept = [file.stat().st_size for file in (tmp_path / "gradio").rglob("*") if file.is_file()]
    assert sum(kept) < 300, "only what the declared length covers may stay"
    assert site.client("ada").get("/v1/models").status_code == 200


def test_a_run_that_does_not_exist_is_404(flooded: tuple[Any, str]) -> None:
    client = flooded[0].client("ada")
    body = {"session_hash": "s", "fn_index": 10**6, "data": []}
    answer = client.post("/gradio_api/queue/join", json=body)
    assert answer.status_code == 404, answer.text
