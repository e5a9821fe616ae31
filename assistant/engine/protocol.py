"""What a language model is to the rest of the house: text in, text out, and what it is doing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Generator as PythonGenerator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from assistant.schema import Delta, Message, Sampling

Lend = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Decorates a function, or a generator function, that runs where a GPU is lent for the length of the call."""


@dataclass(frozen=True, slots=True)
class EngineState:
    """What the engine is doing now."""

    state: Literal["idle", "loading", "ready", "failed", "stopped"]
    detail: str = ""
    running: int = 0
    """Requests that are being answered."""
    waiting: int = 0
    """Requests in line."""
    tokens_total: int = 0
    """Tokens generated since the start."""
    last_progress: float = 0.0
    """When the engine last made a token or had nothing to do; seconds of ``time.monotonic``."""
    device: str = ""
    quantization: str = ""
    """``nf4``, ``bfloat16``, ``float32``, or empty for a remote model."""


class Generator(Protocol):
    """A chat model. Safe to call from many threads at once."""

    @property
    def name(self) -> str:
        """The model's name, as people chose it."""
        ...

    @property
    def window(self) -> int:
        """Prompt and reply together, in tokens."""
        ...

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens of the prompt that these messages become, the reply's header included."""
        ...

    def count_text(self, text: str) -> int:
        """Tokens of a text alone."""
        ...

    def stream(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        *,
        adapter: str | None = None,
        user: str = "",
    ) -> PythonGenerator[Delta, None, None]:
        """Answer, piece by piece; nothing happens before the first ``next``.

        At least two deltas a second arrive, empty ones as heartbeats; the last one carries ``finish``.
        Closing the generator frees the model within one token.

        Args:
            messages: The conversation, oldest first; it must fit ``window - sampling.max_new_tokens``.
            sampling: How to decode.
            adapter: Name of a LoRA adapter; ``None`` is the bare model.
            user: Whose request it is: users take turns, and each has a cap. Empty is the process itself.

        Raises:
            ContextOverflowError: The prompt and the reply do not fit the window.
            QueueFullError: The line is full.
            TooManyRequestsError: This user has too many requests waiting or running.
            AdapterError: The adapter cannot be used.
            DeadlineError: A deadline passed before the first token.
            EngineError: The model failed before the first token.
        """
        ...

    def score(
        self, messages: Sequence[Message], replies: Sequence[str], *, adapter: str | None = None
    ) -> list[float]:
        """Log-likelihood of each reply after the prompt, nats, summed over the reply's tokens."""
        ...

    def score_many(
        self,
        batch: Sequence[tuple[Sequence[Message], Sequence[str]]],
        *,
        adapter: str | None = None,
    ) -> list[list[float]]:
        """``score`` for many prompts, each with the same number of replies; far faster than one by one."""
        ...

    def state(self) -> EngineState:
        """What the engine is doing; never blocks."""
        ...

    def close(self) -> None:
        """Stop. Open streams end with an error; safe to call twice."""
        ...
