"""Drafts by looking up: what followed the last words where they stood before, in the prompt or the answer.

Answers from passages copy from them, and a few drafted tokens are checked in one step of the model that costs
little more than writing one. A draft never changes the answer: what the model would not write is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence

LENGTHS = (3, 2)
"""Tokens that must have stood before; the longer match is the better guess and comes first."""
LONGEST = 3
"""Tokens of a draft: four rows take the kernel twice the time of one, eight four times."""
_WEIGHT = 0.15  # of the newest guess in the share of right ones
_ONE, _ALL = 0.35, 0.6  # shares of right guesses that pay for a draft of one token, and for all


class Lookup:
    """Drafts for one text that grows. It drafts as much as its guesses have been right lately."""

    def __init__(self) -> None:
        self._text: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}  # where what followed these words begins
        self._share = {LENGTHS[0]: 0.7, LENGTHS[1]: 0.5}  # of first guesses that came true, by the match
        self._guess: tuple[int, int] | None = None  # the match's length, and the token

    def draft(self, text: Sequence[int]) -> list[int]:
        """Guess how a text goes on; call with the whole text each time it has grown.

        Returns:
            Up to ``LONGEST`` tokens; none where nothing is found or guesses pay no more.
        """
        self._take_in(text)
        for length in LENGTHS:
            begin = self._after.get(tuple(self._text[-length:]))
            if begin is not None:
                found = _circle(self._text[begin : begin + LONGEST], LONGEST)
                self._guess = length, found[0]
                share = self._share[length]
                return found[: LONGEST if share >= _ALL else 1 if share >= _ONE else 0]
        self._guess = None
        return []

    def _take_in(self, text: Sequence[int]) -> None:
        """Learn the new end of the text; its last words themselves are not yet a place to copy from."""
        known = len(self._text)
        if self._guess is not None and len(text) > known:
            length, token = self._guess
            self._share[length] += _WEIGHT * ((text[known] == token) - self._share[length])
        self._text += text[known:]
        for length in LENGTHS:
            for at in range(max(known, length), len(self._text)):
                self._after[tuple(self._text[at - length : at])] = at


def _circle(text: Sequence[int], length: int) -> list[int]:
    """The first tokens; where the text is shorter, it goes round."""
    return [text[n % len(text)] for n in range(length)]


def agreed(draft: Sequence[int], written: Sequence[int]) -> list[int]:
    """Tokens that a checked draft yields.

    Args:
        draft: ``n`` guessed tokens.
        written: ``n + 1`` tokens: what the model writes before each of them, and after the last.

    Returns:
        The guesses up to the first wrong one, and what the model writes there.
    """
    right = next((n for n, guess in enumerate(draft) if guess != written[n]), len(draft))
    return list(written[: right + 1])
