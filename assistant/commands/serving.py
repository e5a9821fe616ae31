"""``youju serve``."""

from __future__ import annotations

import errno
import socket
import threading
from typing import TYPE_CHECKING

import typer

from assistant.commands.options import note, opened, with_settings_shown
from assistant.config import Settings
from assistant.errors import ConfigError, YoujuError
from assistant.store.users import LOCAL_NAME

if TYPE_CHECKING:
    from assistant.runtime import Runtime

serve = typer.Typer(add_completion=False)


@serve.command()
@with_settings_shown
def _serve(settings: Settings) -> None:
    """Open the pages and the API. The page is there at once; the model is loaded behind it."""
    _require_port(settings)
    with opened(settings, exclusive=True) as runtime:
        _require_users(runtime)
        from assistant.web import server
        from assistant.web.draining import Drain

        drain = Drain()
        app = server.build(runtime, drain)
        server.serve(runtime, app, drain, lambda: _opened(runtime))


def _opened(runtime: Runtime) -> None:
    """Say where, and do what would have kept the first page waiting."""
    settings = runtime.settings
    note(f"Youju 有据: http://{_host(settings)}:{settings.port}  (Ctrl-C stops it)")
    runtime.warm()
    if settings.samples and settings.auth == "local":
        threading.Thread(target=_bring_samples, args=(runtime,), name="samples", daemon=True).start()


def _bring_samples(runtime: Runtime) -> None:
    from assistant import samples

    try:
        samples.bring(runtime.store, runtime.library, runtime.store.users.local())
    except YoujuError as fault:
        note(f"youju: the sample collection could not be added: {fault}")


def _host(settings: Settings) -> str:
    return f"[{settings.host}]" if ":" in settings.host else settings.host


def _require_users(runtime: Runtime) -> None:
    if runtime.settings.auth == "users" and all(u.name == LOCAL_NAME for u in runtime.store.users.list()):
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
