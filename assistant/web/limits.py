"""How often something may go wrong before it has to wait."""

from __future__ import annotations

import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from assistant.errors import TooManyRequestsError


class Throttle:
    """Counts failures by key within a moving window; only failures count, so nobody else is slowed."""

    def __init__(self, kind: str, per_minute: int, minutes: int = 1) -> None:
        self._kind = kind
        self._item = RateLimitItemPerMinute(per_minute, minutes)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def check(self, *key: str) -> None:
        """Refuse a key that used up its failures.

        Raises:
            TooManyRequestsError: with the seconds until it may try again.
        """
        if not self._limiter.test(self._item, *key):
            reset = self._limiter.get_window_stats(self._item, *key).reset_time
            retry_s = max(1, int(reset - time.time()) + 1)
            raise TooManyRequestsError(kind=self._kind, limit=self._item.amount, retry_s=retry_s)

    def count(self, *key: str) -> None:
        """Note a failure of ``key``."""
        self._limiter.hit(self._item, *key)
