"""Ranked lists into one. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

RRF_K = 2
"""Small, so that the first of each list stands among the first of all (eval/bench/mixed.py)."""
WEIGHTS = (1.0, 1.2, 1.0, 1.5)
"""Of meaning in the question's language, meaning in the other, words, identifiers: each wins by itself."""
ACROSS_TRANSLATED = 0.5
"""Of what the second of these counts once a translation searches the other language in its own words."""
REPHRASED = 0.7
"""Of what a further phrasing finds, beside the reader's own."""
_SHINGLE = 8
_ALIKE = 0.6


def reciprocal_rank(
    lists: Sequence[Sequence[Key]], weights: Sequence[float], k: int = RRF_K
) -> dict[Key, float]:
    """Weighted reciprocal rank fusion: score = sum over lists of weight / (k + rank), rank from 1.

    Args:
        lists: Each best first, without repeats.
        weights: One for each list.
        k: Dampens the lead of the first ranks.

    Returns:
        Score by key, best first; equal scores stay in the order of the first list.
    """
    scores: dict[Key, float] = {}
    for ranked, weight in zip(lists, weights, strict=True):
        for rank, key in enumerate(ranked, start=1):
            scores[key] = scores.get(key, 0.0) + weight / (k + rank)
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def without_copies(texts: Iterable[str], limit: int) -> Iterator[int]:
    """Positions that stay when at most ``limit`` near-copies of any one text are let through.

    A flood of copies cannot fill a list this way, while many different passages of one document can.
    Texts are alike when they share more than ``_ALIKE`` of the character runs of the shorter one.
    """
    groups: list[tuple[frozenset[str], int]] = []
    for position, text in enumerate(texts):
        runs = _runs(text)
        for number, (first, size) in enumerate(groups):
            if len(runs & first) > _ALIKE * min(len(runs), len(first)):
                groups[number] = (first, size + 1)
                if size < limit:
                    yield position
                break
        else:
            groups.append((runs, 1))
            yield position


def _runs(text: str) -> frozenset[str]:
    plain = "".join(character for character in text.casefold() if character.isalnum())
    return frozenset(plain[at : at + _SHINGLE] for at in range(max(1, len(plain) - _SHINGLE + 1)))
