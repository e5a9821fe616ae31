"""A running server over fakes, for tests that talk HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import uvicorn
from fakes import FakeRuntime
from fastapi import FastAPI

from assistant.web.auth import user_of
from assistant.web.draining import Drain
from assistant.web.server import HTTP

PASSWORD = "a long password"


def tiny_page(steps: int = 50, pause: float = 0.1) -> gr.Blocks:
    """Says who is asking; counts slowly; reads an uploaded file."""

    def whoami(request: gr.Request) -> str:
        return user_of(request).name

    def slow() -> Iterator[str]:
        for step in range(steps):
            time.sleep(pause)
            yield f"step {step}"

    def read(file: str) -> str:
        return Path(file).read_text()

    with gr.Blocks(analytics_enabled=False) as blocks:
        out = gr.Textbox()
        file = gr.File()
        gr.Button().click(whoami, None, out, api_name="whoami")
        gr.Button().click(slow, None, out, api_name="slow")
        gr.Button().click(read, file, out, api_name="read")
    return blocks


class Site:
    """A running server, and ways to talk to it."""

    def __init__(self, runtime: FakeRuntime, app: FastAPI, drain: Drain) -> None:
        self.runtime = runtime
        self.app = app
        self.drain = drain
        config = uvicorn.Config(
            app,
            port=0,
            http=HTTP,
            log_level="warning",
            proxy_headers=False,
            ws="none",
            timeout_graceful_shutdown=1,
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive()
            time.sleep(0.01)
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"

    def client(self, name: str = "", **headers: str) -> httpx.Client:
        """A browser, signed in as ``name``; a name is made into an account when first used."""
        client = httpx.Client(base_url=self.url, headers=headers, timeout=30)
        if name:
            self.account(name)
            answer = client.post("/login", data={"name": name, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
        return client

    def account(self, name: str) -> Any:
        known = {user.name: user for user in self.runtime.workspace.store.users.list()}
        return known.get(name) or self.runtime.workspace.store.users.create(name, PASSWORD)

    def key(self, name: str) -> str:
        plain, _ = self.runtime.workspace.store.users.create_key(self.account(name), "test")
        return str(plain)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        self.runtime.close()
