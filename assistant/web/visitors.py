"""Everyone is a guest: an account for one visit, known by a signed cookie, gone when the visit is over.

The account is made at the first request that brings the cookie back, so that whoever keeps none (a crawler, a
probe) leaves no row. A guest's limits are counted here, in front of whatever asks the model.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from assistant.errors import NotFoundError, TooManyRequestsError, YoujuError
from assistant.web import files
from assistant.web.auth import VISITOR_COOKIE, cookie_rules, load_secret
from assistant.web.limits import Throttle

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.store import User

VISIT_S = 3600.0
"""Seconds without a request after which a visit is over and all of it is deleted."""
VISITS = 500
"""Visits at one time."""
_SWEEP_S = 60.0
_PREFIX = "visitor-"


class Visitors:
    """The guests of this process. Safe to share between threads.

    Those of an earlier run are deleted at once: a visit does not outlive the server.

    Args:
        runtime: Gets a look at each guest's request before it answers.
    """

    def __init__(self, runtime: Assistant) -> None:
        self._runtime = runtime
        self._secret = load_secret(runtime.settings.home / "secret")
        self._seen: dict[str, float] = {}
        self._guard = threading.Lock()
        self._questions = Throttle("questions", per_minute=runtime.settings.visitor_questions, minutes=60)
        runtime.workspace.store.users.delete_guests()
        runtime.admit_by(self.admit)
        threading.Thread(target=self._sweeping, name="visits", daemon=True).start()

    def user(self, cookie: str | None) -> User | None:
        """The guest that a cookie of ours stands for.

        Raises:
            TooManyRequestsError: As many visits as there may be are going on.
        """
        name, _, signature = (cookie or "").partition(".")
        if not name or not hmac.compare_digest(signature.encode(), self._sign(name).encode()):
            return None
        with self._guard:
            if name not in self._seen and len(self._seen) >= VISITS:
                raise TooManyRequestsError(kind="visitors", limit=VISITS, retry_s=60)
            self._seen[name] = time.monotonic()
        users = self._runtime.workspace.store.users
        try:
            return users.get(name)
        except NotFoundError:
            return users.vouched(name, name, "guest")

    def welcoming(self, send: Send) -> Send:
        """Hand a cookie out with the page."""

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("Set-Cookie", self._cookie())
            await send(message)

        return with_cookie

    def admit(self, user: User) -> None:
        """Count a question.

        Raises:
            TooManyRequestsError: The guest had as many as there are in an hour.
        """
        if user.role == "guest":
            self._questions.check(user.id)
            self._questions.count(user.id)

    def sweep(self) -> None:
        """Delete what belongs to visits that are over."""
        now = time.monotonic()
        with self._guard:
            over = [name for name, seen in self._seen.items() if now - seen > VISIT_S]
            for name in over:
                del self._seen[name]
        for name in over:
            self._forget(name)

    def _sweeping(self) -> None:
        while True:
            time.sleep(_SWEEP_S)
            self.sweep()

    def _forget(self, name: str) -> None:
        try:
            user = self._runtime.workspace.store.users.get(name)
            self._runtime.workspace.library.delete_user_data(user)
            files.forget(self._runtime, user)
            self._runtime.workspace.store.users.delete(name)
        except YoujuError:
            return  # it is gone already, or the next start takes it

    def _cookie(self) -> str:
        """A new visitor's: it ends with the browser. ``Partitioned`` lets it work inside a frame."""
        name = _PREFIX + secrets.token_hex(16)
        rules = cookie_rules(self._runtime.settings)
        parts = [f"{VISITOR_COOKIE}={name}.{self._sign(name)}", "Path=/", "HttpOnly"]
        parts.append(f"SameSite={rules['samesite'].capitalize()}")
        # Starlette writes this attribute from Python 3.14 on.
        return "; ".join([*parts, "Secure", "Partitioned"] if rules["secure"] else parts)

    def _sign(self, name: str) -> str:
        return hmac.new(self._secret, f"visit {name}".encode(), hashlib.sha256).hexdigest()
