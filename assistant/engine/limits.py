"""What a request may ask for, and how long it may take."""

from __future__ import annotations

import math
import time

from assistant.errors import BadRequestError, DeadlineError
from assistant.schema import Sampling

HEARTBEAT_S = 0.25
"""A reader hears something at least this often."""


def check(sampling: Sampling) -> None:
    """Refuse values that cannot be decoded with.

    Raises:
        BadRequestError: Names the field, the value and what is taken.
    """
    rules = (
        ("max_new_tokens", sampling.max_new_tokens >= 1, "use 1 or more"),
        ("temperature", 0 <= sampling.temperature <= 10, "use 0 (greedy) to 10"),
        ("top_p", 0 < sampling.top_p <= 1, "use more than 0, up to 1"),
        ("seed", sampling.seed is None or 0 <= sampling.seed < 2**64, "use 0 to 2^64 - 1"),
        ("stop", len(sampling.stop) <= 16 and all(sampling.stop), "use up to 16 strings, none empty"),
        ("first_token_s", 0 < sampling.first_token_s < math.inf, "use a positive number of seconds"),
        ("total_s", 0 < sampling.total_s < math.inf, "use a positive number of seconds"),
    )
    for field, good, remedy in rules:
        if not good:
            raise BadRequestError(field=field, value=repr(getattr(sampling, field))[:80], remedy=remedy)


def deadline(sampling: Sampling, submitted: float, tokens: int) -> DeadlineError | None:
    """The deadline that has passed, if one has.

    Args:
        sampling: Its deadlines.
        submitted: When the request came, seconds of ``time.monotonic``.
        tokens: Generated so far.
    """
    passed = time.monotonic() - submitted
    remedy = "try again later, or ask for a shorter answer"
    if passed > sampling.total_s:
        return DeadlineError(limit=sampling.total_s, stage="whole answer", remedy=remedy)
    if not tokens and passed > sampling.first_token_s:
        return DeadlineError(limit=sampling.first_token_s, stage="first token", remedy=remedy)
    return None
