from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from argon2 import PasswordHasher
from fakes import FakeRuntime, TimedGenerator
from sites import Site, tiny_page

from assistant.store import users
from assistant.web.draining import Drain
from assistant.web.huggingface import Provider
from assistant.web.shell import create_app, mount


@pytest.fixture(autouse=True, scope="session")
def _quick_passwords() -> Iterator[None]:
    """Argon2 at its cheapest: what the tests check does not depend on its cost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(users, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        users._unknown.cache_clear()
        yield


@contextmanager
def starting(folder: Path) -> Iterator[Callable[..., Site]]:
    sites: list[Site] = []

    def start(
        generator: TimedGenerator | None = None,
        pages: gr.Blocks | None = None,
        provider: Provider | None = None,
        **settings: Any,
    ) -> Site:
        runtime = FakeRuntime(folder / f"home{len(sites)}", generator, **{"auth": "users", **settings})
        drain = Drain(grace_s=1.0)
        app = create_app(runtime, drain, provider)  # type: ignore[arg-type]
        if pages is not None:
            mount(app, pages, runtime.settings.max_upload_mb)
        sites.append(Site(runtime, app, drain))
        return sites[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "gradio"))
        yield start
        for site in sites:
            site.stop()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Start servers; they stop with the test."""
    with starting(tmp_path) as start:
        yield start


@pytest.fixture
def site(serve: Callable[..., Site]) -> Site:
    """A server with accounts, without pages."""
    return serve()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with accounts and the tiny page, one for all tests of a file."""
    with starting(tmp_path_factory.mktemp("shared")) as start:
        yield start(pages=tiny_page())


@pytest.fixture(scope="module")
def ada(shared: Site) -> httpx.Client:
    """A browser signed in to the shared server."""
    return shared.client("ada")
