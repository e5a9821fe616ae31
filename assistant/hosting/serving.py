"""From settings to a server that answers, and gently down again, for ``youju serve`` and for Spaces."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from assistant import mounts, samples
from assistant.config import Settings
from assistant.errors import ConfigError, YoujuError
from assistant.hosting import content, snapshots
from assistant.models import pull
from assistant.store.users import NO_PERSON

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.engine.protocol import Lend
    from assistant.web.huggingface import Provider


@dataclass(frozen=True, slots=True)
class Place:
    """What the place brings where a server runs; nothing of it on one's own machine."""

    content: Path | None = None
    """Folder of documents and adapters that everybody reads."""
    provider: Provider | None = None
    """Where people sign in."""
    pulls: bool = False
    """Nobody ran ``youju models pull`` here: the server brings the model, while the page says so."""
    lend: Lend | None = None
    """Decorates what needs a GPU that is lent by the call."""
    began: Callable[[], None] = lambda: None
    """Called when all that a lent GPU runs is known, before the server listens."""


def serve(settings: Settings, place: Place | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        YoujuError: It cannot begin; says why, and the way out.
    """
    place = place or Place()
    _require_port(settings)
    if kind := mounts.network(settings.home):
        _note(f"youju: {settings.home} is on a network file system ({kind}); {mounts.REMEDY}")
    if name := snapshots.restore(settings):
        _note(f"youju: started from the snapshot {name}")
    if place.content is not None:
        content.bring_adapters(place.content, settings.home)
    from assistant.assistant import Assistant

    bring = pull.pull if place.pulls else pull.require
    with closing(Assistant.open(settings, exclusive=True, bring=bring, lend=place.lend)) as runtime:
        _require_users(runtime)
        from assistant.web import server
        from assistant.web.draining import Drain

        if place.lend is not None:
            runtime.models.generator()  # in this thread, the one in which the GPU's stand-in is in force
        place.began()
        drain = Drain()
        app = server.build(runtime, drain, place.provider)
        with _kept(runtime):
            server.serve(runtime, app, drain, lambda: _opened(runtime, place))


@contextmanager
def _kept(runtime: Assistant) -> Iterator[None]:
    """Take snapshots meanwhile, and one at the end, where the settings name a folder for them."""
    if not runtime.settings.snapshots:
        yield
        return
    keeper = snapshots.Keeper(runtime)
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()


def _opened(runtime: Assistant, place: Place) -> None:
    """Say where, and do what would have kept the first page waiting."""
    settings = runtime.settings
    _note(f"Youju 有据: http://{_host(settings)}:{settings.port}  (Ctrl-C stops it)")
    runtime.warm()
    threading.Thread(target=_bring, args=(runtime, place), name="content", daemon=True).start()


def _bring(runtime: Assistant, place: Place) -> None:
    try:
        if place.content is not None and (runtime.settings.samples or place.content.is_dir()):
            content.bring(runtime.workspace.store, runtime.workspace.library, place.content)
        elif runtime.settings.samples and runtime.settings.auth == "local":
            samples.bring(
                runtime.workspace.store, runtime.workspace.library, runtime.workspace.store.users.local()
            )
    except YoujuError as fault:
        _note(f"youju: the documents that come with it could not be added: {fault}")


def _note(text: str) -> None:
    typer.echo(text, err=True)


def _host(settings: Settings) -> str:
    return f"[{settings.host}]" if ":" in settings.host else settings.host


def _require_users(runtime: Assistant) -> None:
    if runtime.settings.auth == "users" and all(
        u.name in NO_PERSON for u in runtime.workspace.store.users.list()
    ):
        remedy = "nobody could sign in: add a user with `youju users add NAME`"
        raise ConfigError(field="auth", value="users", remedy=remedy)


def _require_port(settings: Settings) -> None:
    """Say that the port is taken in our words, before anything is loaded."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as fault:
            taken = fault.errno == errno.EADDRINUSE
            field, value = ("port", settings.port) if taken else ("host", settings.host)
            remedy = "another program uses it; choose another" if taken else f"{fault.strerror}"
            raise ConfigError(field=field, value=value, remedy=remedy) from None
