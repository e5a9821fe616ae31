"""Who is asking: a signed session cookie, an API key, or the one local user.

The cookie holds the account's id and a digest of its password, signed with a key that never leaves the data
folder: deleting the account or changing its password ends every session at the next request.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant.config import Settings
from assistant.errors import ForbiddenError, NotFoundError, TooManyRequestsError, UnauthorizedError
from assistant.store import Store, User
from assistant.web.limits import Throttle
from assistant.web.responses import header, refuse

if TYPE_CHECKING:
    from assistant.web.visitors import Visitors

COOKIE = "youju_session"
VISITOR_COOKIE = "youju_visitor"
SESSION_S = 30 * 24 * 3600
SCOPE_KEY = "youju.user"
PUBLIC = frozenset({"/login", "/login/huggingface", "/login/callback", "/health"})
"""Paths that need nobody signed in."""


def cookie_rules(settings: Settings) -> dict[str, Any]:
    """Attributes of every cookie that says who somebody is.

    In a frame of another site a browser sends only cookies that say ``SameSite=None``. What Lax would keep
    out, another page's requests that change something, the check of the origin refuses.
    """
    framed = bool(settings.frame_ancestors) and settings.behind_https
    same_site = "none" if framed else "lax"
    return {"httponly": True, "samesite": same_site, "secure": settings.behind_https}


class HasScope(Protocol):
    """A request of FastAPI, or what Gradio wraps around one."""

    scope: Any


def user_of(request: HasScope) -> User:
    """The signed-in user of a FastAPI or Gradio request.

    Raises:
        UnauthorizedError: nobody is signed in.
    """
    # Gradio wraps the request, and its wrapper cannot hand out a scope.
    wrapped: HasScope = getattr(request, "request", None) or request
    user = wrapped.scope.get(SCOPE_KEY)
    if not isinstance(user, User):
        raise UnauthorizedError
    return user


class Sessions:
    """Makes and reads session cookies."""

    def __init__(self, store: Store, secret: bytes) -> None:
        self._store = store
        self._secret = secret

    def issue(self, user: User, seconds: int = SESSION_S) -> str:
        """A value that proves, for so many seconds, that ``user`` signed in."""
        content = f"{user.id}.{int(time.time()) + seconds}.{self._store.users.stamp(user.id)}"
        return f"{content}.{self._sign(content)}"

    def user(self, cookie: str) -> User | None:
        """The user of a value that ``issue`` made, while it holds."""
        content, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(content).encode()):
            return None
        user_id, expires, stamp = content.split(".")
        try:
            current = self._store.users.stamp(user_id)
            return self._store.users.get(user_id) if time.time() < int(expires) and stamp == current else None
        except NotFoundError:
            return None

    def _sign(self, content: str) -> str:
        return hmac.new(self._secret, content.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def load_secret(path: Path) -> bytes:
    """The signing key of this data folder, made at the first start and readable by its owner only."""
    if not path.exists():
        partial = path.with_suffix(".new")
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600)
        partial.write_bytes(secrets.token_bytes(32))
        partial.replace(path)
    return path.read_bytes()


class Identify:
    """Put the user into ``scope["youju.user"]``; without one only ``PUBLIC`` paths answer."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        store: Store,
        sessions: Sessions,
        visitors: Visitors | None = None,
    ) -> None:
        self._app = app
        self._store = store
        self._sessions = sessions
        self._visitors = visitors
        self._local = store.users.local() if settings.auth == "local" else None
        self._bad_keys = Throttle("wrong API keys", per_minute=20)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        try:
            scope[SCOPE_KEY] = user = self._user(scope)
        except TooManyRequestsError as error:
            return await refuse(error)(scope, receive, send)
        if user is not None and user.role == "guest" and scope["path"].startswith("/v1"):
            return await refuse(ForbiddenError(action="the API", role="member"))(scope, receive, send)
        if user is None and self._visitors is not None and scope["path"] == "/":
            return await self._app(scope, receive, self._visitors.welcoming(send))
        if user is None and scope["path"] not in PUBLIC:
            if scope["method"] == "GET" and "text/html" in (header(scope, b"accept") or ""):
                return await RedirectResponse("/login", 303)(scope, receive, send)
            return await refuse(UnauthorizedError())(scope, receive, send)
        return await self._app(scope, receive, send)

    def _user(self, scope: Scope) -> User | None:
        if self._local is not None:
            return self._store.users.get(self._local.id)
        if self._visitors is not None:
            return self._visitors.user(_cookie(scope, VISITOR_COOKIE))
        kind, _, key = (header(scope, b"authorization") or "").partition(" ")
        if kind.lower() == "bearer":
            return self._by_key(scope, key.strip())
        cookie = _cookie(scope, COOKIE)
        return self._sessions.user(cookie) if cookie else None

    def _by_key(self, scope: Scope, key: str) -> User | None:
        address = client_address(scope)
        self._bad_keys.check(address)
        user = self._store.users.user_by_key(key)
        if user is None:
            self._bad_keys.count(address)
        return user


def client_address(scope: Scope) -> str:
    """The peer of the connection. X-Forwarded-For is anyone's to write, so it is not read."""
    return str((scope.get("client") or ("unknown", 0))[0])


def _cookie(scope: Scope, wanted: str) -> str | None:
    for part in (header(scope, b"cookie") or "").replace(",", ";").split(";"):
        name, _, value = part.strip().partition("=")
        if name == wanted:
            return value
    return None
