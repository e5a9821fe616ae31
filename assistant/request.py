"""What a person asks in one turn."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.schema import Message, Sampling


@dataclass(frozen=True, slots=True)
class Request:
    """What a person wants to know, and how the reply is to be made."""

    question: str
    sampling: Sampling
    """How to decode; the settings' are ``Models.sampling()``."""
    history: tuple[Message, ...] = ()
    """Earlier turns, oldest first, from our own store."""
    system: str = ""
    """The person's own instructions, in front of ours."""
