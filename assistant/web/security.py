"""What every request passes before anything reads it: host, origin, size; and what every answer carries.

All of it is pure ASGI: Starlette's BaseHTTPMiddleware would hide a client's disconnect from the streams.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.config import LOOPBACK, Settings
from assistant.errors import BadRequestError, OriginError, TooLargeError
from assistant.web.responses import header, refuse

EVERYWHERE = frozenset({"0.0.0.0", "::"})  # compared, not bound
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_LIMIT = 4_000_000
"""Bytes of a request body; uploads have their own."""
FILES_AT_ONCE = 10
"""Files of the largest size that one upload may carry."""
UPLOAD_PATH = "/gradio_api/upload"
_CSP = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors {ancestors}"
)


def security_headers(settings: Settings) -> dict[str, str]:
    """Headers of every answer. Images, styles and calls go to our own origin only.

    Text that a model wrote can thus name a picture elsewhere without any browser asking for it.
    """
    headers = {
        "Content-Security-Policy": _CSP.format(ancestors=" ".join(("'self'", *settings.frame_ancestors))),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    if not settings.frame_ancestors:
        headers["X-Frame-Options"] = "SAMEORIGIN"
    return headers


class SecurityHeaders:
    """Add ``security_headers`` to every answer; an answer's own value stays."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._headers = security_headers(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        return await self._app(scope, receive, with_headers)


class Hosts:
    """Answer to known host names only: a foreign name that resolves to this machine is an attack."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        own = {settings.host} - EVERYWHERE
        self._known = LOOPBACK | own | {name.lower() for name in settings.allowed_hosts}
        self._by_number = settings.host in EVERYWHERE

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] == "http" and not self._is_known(hostname(header(scope, b"host"))):
            error = BadRequestError(
                field="Host",
                value=repr(header(scope, b"host"))[:200],
                remedy="use a known name, or add it to allowed_hosts",
            )
            return await refuse(error)(scope, receive, send)
        return await self._app(scope, receive, send)

    def _is_known(self, name: str | None) -> bool:
        """A number stands for itself: no foreign name hides behind it, and probes of a host's own use one."""
        return name in self._known or (self._by_number and _is_number(name))


def _is_number(name: str | None) -> bool:
    try:
        ip_address(name or "")
    except ValueError:
        return False
    return True


def hostname(host: str | None) -> str | None:
    """The name of a Host header, without port and brackets; ``None`` when it is not well formed."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    return parts.hostname if host and parts.netloc == host and "@" not in host else None


class Origins:
    """Refuse what another site's page sends. Programs, which send no Origin, pass."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._scheme = "https" if settings.behind_https else "http"
        # A proxy may ask under another of our names than the reader's browser did.
        self._ours = {f"{self._scheme}://{name.lower()}" for name in settings.allowed_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] == "http" and not self._own(scope):
            origin = repr(header(scope, b"origin"))[:200]
            return await refuse(OriginError(value=origin))(scope, receive, send)
        return await self._app(scope, receive, send)

    def _own(self, scope: Scope) -> bool:
        origin = header(scope, b"origin")
        preflight = header(scope, b"access-control-request-method") is not None
        if origin is None or (scope["method"] in SAFE_METHODS and not preflight):
            return True
        return origin in self._ours or origin == f"{self._scheme}://{header(scope, b'host')}"


class BodyLimit:
    """Stop reading a body at its limit, whatever its Content-Length says or omits."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._upload_limit = settings.max_upload_mb * 1_000_000 * FILES_AT_ONCE + BODY_LIMIT

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        limit = self._upload_limit if scope["path"].startswith(UPLOAD_PATH) else BODY_LIMIT
        declared = header(scope, b"content-length") or "0"
        if not declared.isascii() or not declared.isdigit() or int(declared[:20]) > limit:
            return await _too_large(declared[:20], limit)(scope, receive, send)
        counted = _Counted(receive, send, limit)
        try:
            return await self._app(scope, counted.receive, counted.send)
        except _OverLimit:
            if not counted.started:
                await _too_large(f"over {limit}", limit)(scope, receive, send)
        return None


class _OverLimit(Exception):  # noqa: N818  # never leaves this module
    pass


class _Counted:
    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive, self._send, self._left = receive, send, limit
        self._over = False
        self.started = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                self._over = True
                raise _OverLimit
        return message

    async def send(self, message: Message) -> None:
        # The application may have turned our signal into an answer of its own: ours goes out instead.
        if self._over and not self.started:
            raise _OverLimit
        self.started = True
        await self._send(message)


def _too_large(value: str, limit: int) -> ASGIApp:
    value, allowed = f"{value} bytes", f"{limit} bytes"
    response = refuse(TooLargeError(field="body", value=value, limit=allowed, remedy="send less"))
    response.headers["Connection"] = "close"  # else the server would go on reading, to find the next request
    return response
