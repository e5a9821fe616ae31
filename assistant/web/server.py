"""One process that serves until it is told to stop, and then stops gently."""

from __future__ import annotations

import os
import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING, Literal

import uvicorn

from assistant.web.draining import Drain
from assistant.web.shell import create_app, mount

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from socket import socket
    from types import FrameType

    from fastapi import FastAPI

    from assistant.assistant import Assistant
    from assistant.web.huggingface import Provider


HTTP: Literal["h11"] = "h11"
"""The parser that bounds a request's headers (64 kB); httptools took 10 MB of them."""


class Server(uvicorn.Server):
    """Begins ``drain`` at the first SIGTERM or SIGINT; a second SIGINT cuts everything off."""

    def __init__(self, config: uvicorn.Config, drain: Drain, opened: Callable[[], None]) -> None:
        super().__init__(config)
        self._drain = drain
        self._opened = opened

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Listen, and only then say so."""
        await super().startup(sockets)
        if self.started:
            self._opened()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop taking requests; let running ones end."""
        super().handle_exit(sig, frame)
        # uvicorn would raise the signal again at the end, and the exit code would not be 0.
        self._captured_signals.clear()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """End what runs within the grace."""
        self._drain.begin()
        await super().shutdown(sockets)


def build(runtime: Assistant, drain: Drain, provider: Provider | None = None) -> FastAPI:
    """The application with its pages; ``provider`` is where people sign in, with ``auth = huggingface``."""
    from assistant.web import pages

    _keep_uploads_in(runtime.settings.home / "uploads")
    app = create_app(runtime, drain, provider)
    blocks = pages.build(runtime)
    # On a Space, Gradio's script would ask huggingface.co and Google for a header of its own by this name.
    blocks.space_id = None
    mount(app, blocks, runtime.settings.max_upload_mb, **pages.look())
    # ZeroGPU forks this process: by this port the fork finds the connections that it must let go of. One that
    # it held would stay open after we closed it, and the proxy's next request in it would hang.
    blocks.server = SimpleNamespace(config=SimpleNamespace(port=runtime.settings.port))
    return app


def _keep_uploads_in(folder: Path) -> None:
    """Keep what is on its way in out of the machine's common folder; what an earlier run left there goes."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    # Gradio takes this from nowhere else.
    os.environ["GRADIO_TEMP_DIR"] = str(folder)


def serve(runtime: Assistant, app: FastAPI, drain: Drain, opened: Callable[[], None] = lambda: None) -> None:
    """Serve ``app`` until SIGTERM or SIGINT; ``opened`` is called once it listens."""
    settings = runtime.settings
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=HTTP,
        log_level="warning",
        access_log=False,
        # Forwarded addresses are anyone's to write; the throttles count the true peer.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=int(drain.grace_s) + 5,
    )
    Server(config, drain, opened).run()
