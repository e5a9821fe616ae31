"""One process that serves until it is told to stop, and then stops gently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvicorn

from assistant.web.draining import Drain
from assistant.web.shell import create_app, mount

if TYPE_CHECKING:
    from types import FrameType

    from fastapi import FastAPI

    from assistant.runtime import Runtime


class Server(uvicorn.Server):
    """Begins ``drain`` at the first SIGTERM or SIGINT; a second SIGINT cuts everything off."""

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain = drain

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop taking requests; let running ones end."""
        super().handle_exit(sig, frame)
        # uvicorn would raise the signal again at the end, and the exit code would not be 0.
        self._captured_signals.clear()

    async def shutdown(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """End what runs within the grace."""
        self._drain.begin()
        await super().shutdown(sockets)  # type: ignore[arg-type]


def build(runtime: Runtime, drain: Drain) -> FastAPI:
    """The application with its pages."""
    from assistant.web import pages

    app = create_app(runtime, drain)
    blocks = pages.build(runtime)
    mount(app, blocks, runtime.settings.max_upload_mb, **pages.look())
    return app


def serve(runtime: Runtime, app: FastAPI, drain: Drain) -> None:
    """Serve ``app`` at the settings' address until SIGTERM or SIGINT."""
    settings = runtime.settings
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        # Forwarded addresses are anyone's to write; the throttles count the true peer.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=int(drain.grace_s) + 5,
    )
    Server(config, drain).run()
