"""Tokens to text as they come: whole characters only, and nothing of a stop string."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class Stops:
    """Lets text through up to the first stop string, also where that arrives in pieces.

    Args:
        stop: Strings that end the text; what they begin with is held back until it is clear.
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = tuple(stop)
        self._held = ""
        self.stopped = False
        """A stop string was met; what follows is dropped."""

    def push(self, text: str) -> str:
        """Take in a piece; return what is certain to be part of the text."""
        self._held = "" if self.stopped else self._held + text
        if (end := first_stop(self._held, self._stop)) is not None:
            self._held, self.stopped = self._held[:end], True
        certain = len(self._held) - (0 if self.stopped else _possible_stop(self._held, self._stop))
        shown, self._held = self._held[:certain], self._held[certain:]
        return shown

    def rest(self) -> str:
        """What was held back because it could have begun a stop string; call once, at the end."""
        shown, self._held = self._held, ""
        return shown


class Reply(Stops):
    """The text of one answer while its tokens come.

    Args:
        tokenizer: The model's; control tokens leave no text.
        stop: Strings that end the answer.
    """

    def __init__(self, tokenizer: Tokenizer, stop: Sequence[str] = ()) -> None:
        from tokenizers.decoders import DecodeStream

        super().__init__(stop)
        self._tokenizer = tokenizer
        self._decoder = DecodeStream(skip_special_tokens=True)

    def push_tokens(self, tokens: Iterable[int]) -> str:
        """Take in tokens; return the text that is certain to be part of the answer."""
        return self.push("".join(self._decoder.step(self._tokenizer, token) or "" for token in tokens))


def first_stop(text: str, stop: Sequence[str]) -> int | None:
    """Where the first stop string begins, or ``None``."""
    return min((at for word in stop if (at := text.find(word)) >= 0), default=None)


def _possible_stop(text: str, stop: Sequence[str]) -> int:
    """Length of the longest end of ``text`` that begins a stop string."""
    sizes = (size for word in stop for size in range(1, len(word)) if text.endswith(word[:size]))
    return max(sizes, default=0)
