"""Keys and values of texts that the model has read; the last few are kept for prompts that begin alike."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import torch  # noqa: TID253

KEPT = 6
"""Texts that are kept at most; the one unused longest goes first."""
_WORTH = 16  # tokens in common that are worth a copy


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of a token's keys and values."""

    layers: int
    heads: int
    width: int
    dtype: torch.dtype


class Cache:
    """Keys and values of one text, with room for more.

    Args:
        shape: Of the model.
        room: Most tokens; memory is taken as they come.
    """

    def __init__(self, shape: Shape, room: int) -> None:
        self.shape, self.room = shape, room
        size = (shape.layers, 1, shape.heads, room, shape.width)
        self.keys, self.values = (torch.empty(size, dtype=shape.dtype) for _ in range(2))
        self.tokens: list[int] = []
        """What has been read."""

    def begin_as(self, other: Cache, length: int) -> None:
        """Take over the first ``length`` tokens of another text."""
        self.keys[..., :length, :] = other.keys[..., :length, :]
        self.values[..., :length, :] = other.values[..., :length, :]
        self.tokens = other.tokens[:length]

    def cut(self, length: int) -> None:
        """Forget what came after the first ``length`` tokens."""
        del self.tokens[length:]


class Prefixes:
    """The texts that were read last, each under the adapter that read it. For one thread.

    Args:
        most: Tokens of all kept texts together.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: list[tuple[Hashable, Cache]] = []  # least recently used first

    def keep(self, adapter: Hashable, cache: Cache) -> None:
        """Keep a text; from now on nobody writes into its cache."""
        self._kept = [
            (by, old) for by, old in self._kept if by != adapter or not _begins(cache.tokens, old.tokens)
        ]
        self._kept.append((adapter, cache))
        while len(self._kept) > KEPT or self._tokens() > self._most:
            self._kept.pop(0)

    def cache(
        self, adapter: Hashable, ids: Sequence[int], shape: Shape, room: int, running: Iterable[Cache] = ()
    ) -> Cache:
        """A new cache for a prompt, with as much of it read as a kept or running text has in common.

        Args:
            adapter: Who reads.
            ids: The prompt; its last token is always left to read.
            shape: Of the model.
            room: Tokens of the prompt and what follows.
            running: Caches that the same adapter is writing.
        """
        made = Cache(shape, room)
        kept = [cache for by, cache in self._kept if by == adapter]
        shared = {id(cache): _shared(ids[:-1], cache.tokens) for cache in (*kept, *running)}
        best = max((*kept, *running), key=lambda cache: shared[id(cache)], default=None)
        if best is not None and shared[id(best)] >= _WORTH:
            made.begin_as(best, shared[id(best)])
            self._kept.sort(key=lambda entry: entry[1] is best)  # stable: the used one becomes the last
        return made

    def _tokens(self) -> int:
        return sum(len(cache.tokens) for _, cache in self._kept)


def _begins(text: Sequence[int], start: Sequence[int]) -> bool:
    return len(start) <= len(text) and text[: len(start)] == start


def _shared(ids: Sequence[int], others: Sequence[int]) -> int:
    """Tokens that two texts begin with."""
    most = min(len(ids), len(others))
    return next((n for n in range(most) if ids[n] != others[n]), most)
