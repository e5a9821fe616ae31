"""ZeroGPU as Hugging Face's ``spaces`` package plays it before the first call, on a machine without a GPU."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

BEFORE = """
import torch
if not hasattr(torch._C, "_cuda_init"):  # a build for CPUs, which the package does not expect
    import bitsandbytes  # while the build still says that it is one
    torch._C._cuda_init = lambda: None
    torch.version.cuda = "12.8"
    torch.cuda._is_in_bad_fork = bool  # there it is a lambda, which cannot be sent to another process
del torch
"""
START = f"{BEFORE}\nimport runpy\nrunpy.run_path('app.py', run_name='__main__')"


@contextmanager
def announced() -> Iterator[tuple[str, list[str]]]:
    """The service that a Space tells that it is ready: its address, and the paths that were posted to."""
    told: list[str] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", told
    finally:
        server.shutdown()
        server.server_close()
