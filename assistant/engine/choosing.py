"""Which of several replies a server's model would give, from what an OpenAI-compatible answer tells of it."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

_SAID = 0.9
"""Probability of the reply that the model wrote, where the server tells no likelihoods: it said so, once."""
_ROOM = 3
"""Tokens of a reply that are asked for: a blank or a mark may come before the word."""
_AROUND = string.whitespace + string.punctuation + "“”‘’「」『』，。！？：；、（）"


def opening(replies: Sequence[str]) -> str:
    """The words that all replies begin with."""
    words = zip(*(reply.split(" ") for reply in replies), strict=False)
    return " ".join(same[0] for same in takewhile(lambda same: len(set(same)) == 1, words))


def room(replies: Sequence[str], opening_tokens: int) -> int:
    """Tokens to ask for, so that what tells the replies apart is among them."""
    return _ROOM + (opening_tokens if opening(replies) else 0)


def likelihoods(choice: Any, replies: Sequence[str]) -> list[float]:
    """Log-likelihood of each reply, nats: of its first token where told, else from the text written.

    Args:
        choice: The first of an answer's ``choices``.
        replies: Two or more.
    """
    try:
        top = {entry.token.strip(): entry.logprob for entry in choice.logprobs.content[0].top_logprobs}
    except (AttributeError, IndexError, TypeError):
        top = {}
    told = _first_tokens(top, replies) if top else None
    return told or _written(choice.message.content or "", replies)


def _first_tokens(top: dict[str, float], replies: Sequence[str]) -> list[float] | None:
    """The likelihood of the longest token told that each reply begins with; none where two share one."""
    floor = min(top.values())
    begins = [
        max((token for token in top if token and reply.startswith(token)), key=len, default="")
        for reply in replies
    ]
    told = [token for token in begins if token]
    return [top.get(token, floor) for token in begins] if len(set(told)) == len(told) else None


def _written(text: str, replies: Sequence[str]) -> list[float]:
    """Most for the reply that the text begins with, and the rest shared; equal where it is none of them."""
    shared = len(opening(replies))
    said = [n for n, reply in enumerate(replies) if _begins(text, reply) or _begins(text, reply[shared:])]
    if len(said) != 1:
        return [-math.log(len(replies))] * len(replies)
    rest = math.log((1 - _SAID) / (len(replies) - 1))
    return [math.log(_SAID) if n == said[0] else rest for n in range(len(replies))]


def _begins(text: str, reply: str) -> bool:
    """Whether a text begins with these words; ``note`` does not begin with ``no``."""
    plain, wanted = (part.strip(_AROUND).casefold() for part in (text, reply))
    after = plain[len(wanted) : len(wanted) + 1]
    return bool(wanted) and plain.startswith(wanted) and not (after.isascii() and after.isalnum())
