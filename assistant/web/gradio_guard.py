"""What Gradio itself does not keep apart: sessions, running jobs and uploaded files of different users.

Gradio takes ``session_hash`` from the client and shares one upload folder, so both are keys that anyone who
learns them could use. Here each such key belongs to the first user who used it, and only the routes that
the page needs exist at all: a route that a later Gradio adds is closed until it is listed.
"""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.errors import BadRequestError, ForbiddenError, NotFoundError, YoujuError
from assistant.store import User
from assistant.web.auth import SCOPE_KEY
from assistant.web.responses import refuse

PREFIX = "/gradio_api/"
OPEN = re.compile(
    r"/|/config/?|/theme\.css|/favicon\.ico|/manifest\.json|/robots\.txt|/pwa_icon(/\d+)?"
    r"|/(assets|static|svelte)/.+"
    r"|/gradio_api/(info/?|startup-events|app_id/?|theme\.css)"
)
"""Routes without anybody's data."""
BOUND = re.compile(
    r"/gradio_api/(queue/join|queue/data|cancel|reset/?|heartbeat/[^/]+|upload|upload_progress|file=.+)"
)
"""Routes that take a key, which must be the user's own."""
KEYS_LIMIT = 200_000
"""Keys remembered; twenty times the sessions that Gradio keeps."""


class Owners:
    """Which user a client-chosen key belongs to. Safe to share between threads."""

    def __init__(self) -> None:
        self._owners: OrderedDict[tuple[str, str], set[str]] = OrderedDict()
        self._guard = threading.Lock()

    def claim(self, kind: str, key: str, user: User) -> None:
        """Take a key, or use one's own; raises NotFoundError when it is another's."""
        with self._guard:
            owners = self._owners.setdefault((kind, key), {user.id})
            self._trim()
        if user.id not in owners:
            raise NotFoundError(kind=kind, value=key)

    def add(self, kind: str, key: str, user: User) -> None:
        """Note one more owner: equal bytes of two users lie at one path."""
        with self._guard:
            self._owners.setdefault((kind, key), set()).add(user.id)
            self._trim()

    def require(self, kind: str, key: str, user: User) -> None:
        """Raise NotFoundError unless the key is the user's."""
        with self._guard:
            if user.id not in self._owners.get((kind, key), ()):
                raise NotFoundError(kind=kind, value=key)

    def _trim(self) -> None:
        while len(self._owners) > KEYS_LIMIT:
            self._owners.popitem(last=False)


class GradioGuard:
    """In front of the mounted pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._owners = Owners()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        path = scope["path"]
        if OPEN.fullmatch(path):
            return await self._app(scope, receive, send)
        try:
            if not BOUND.fullmatch(path):
                raise NotFoundError(kind="page", value=path)
            receive = await self._admit(scope, receive)
        except YoujuError as error:
            return await refuse(error)(scope, receive, send)
        user: User = scope[SCOPE_KEY]
        try:
            return await self._app(scope, receive, self._note(path, user, send))
        except KeyError as error:  # Gradio looks a run up by the number that the client sent
            return await refuse(NotFoundError(kind="function", value=str(error)))(scope, receive, send)

    async def _admit(self, scope: Scope, receive: Receive) -> Receive:
        """Check the keys of a request; returns what the application reads the body from."""
        user: User = scope[SCOPE_KEY]
        name = scope["path"].removeprefix(PREFIX).rstrip("/")
        query = {key: values[0] for key, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
        if name.startswith("heartbeat/"):
            self._owners.claim("session", name.removeprefix("heartbeat/"), user)
        elif name == "queue/data":
            self._owners.claim("session", query.get("session_hash", ""), user)
        elif name.startswith("file="):
            self._owners.require("file", unquote(name.removeprefix("file=")), user)
        elif name in ("upload", "upload_progress"):
            if user.role == "guest":
                raise ForbiddenError(action="adding files", role="member")
            if "upload_id" in query:
                self._owners.claim("upload", query["upload_id"], user)
        else:
            body = await _read(receive)
            self._admit_body(name, _object(body), user)
            return _replay(body, receive)
        return receive

    def _admit_body(self, name: str, body: dict[str, Any], user: User) -> None:
        if name != "reset":
            self._owners.claim("session", str(body.get("session_hash")), user)
        if name != "queue/join":
            self._owners.require("job", str(body.get("event_id")), user)
        for path in _files(body):
            self._owners.require("file", path, user)

    def _note(self, path: str, user: User, send: Send) -> Send:
        """Remember the keys that an answer hands out."""
        kind = {"/gradio_api/queue/join": "job", "/gradio_api/upload": "file"}.get(path)
        if kind is None:
            return send
        body = bytearray()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    for key in _handed_out(bytes(body)):
                        self._owners.add(kind, key, user)
            await send(message)

        return noting


def _files(value: Any) -> Iterator[str]:
    """Every path that a request asks the server to open."""
    if isinstance(value, dict):
        if isinstance(value.get("path"), str):
            yield value["path"]
        for part in value.values():
            yield from _files(part)
    elif isinstance(value, list):
        for part in value:
            yield from _files(part)


def _handed_out(body: bytes) -> list[str]:
    try:
        answer = json.loads(body)
    except ValueError:
        return []
    if isinstance(answer, dict):
        return [str(answer["event_id"])] if "event_id" in answer else []
    return [path for path in answer if isinstance(path, str)] if isinstance(answer, list) else []


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BadRequestError(field="body", value=repr(body[:40]), remedy="send a JSON object")
    return value


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body)
        body.extend(message.get("body", b""))
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replayed() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
