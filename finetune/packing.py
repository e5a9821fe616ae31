"""Many conversations in one sequence, their shared beginnings once: packing that cannot leak.

Rows about one document begin with the same passages, and all rows with the same system turn. Sorted, they
form a tree; it is laid out depth first, so each row's tokens stand after those that it shares. Position ids
are depths in the tree, and a token attends to its ancestors only, so each row's loss and gradient are those
of the row alone (`tests/finetune/test_packing.py` compares them), while a passage with ten questions is
computed once and no step pads.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from finetune.encoding import IGNORED, Encoded

_TOGETHER = 2 / 3
"""Share of a row's tokens from which on it stays with the row before: the questions about one passage do."""


@dataclass(frozen=True, slots=True)
class Packed:
    """One sequence of rows.

    Attributes:
        ids: Token ids, (length,).
        labels: (length,); `IGNORED` where there is no loss.
        positions: Place of each token in its own row, (length,).
        ends: Token ``i`` is seen by the tokens from ``i`` up to, not including, ``ends[i]``, (length,).
        rows: How many rows it holds.
        tokens: Their tokens, each row's counted in full: what the same rows cost one by one.
    """

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    positions: tuple[int, ...]
    ends: tuple[int, ...]
    rows: int
    tokens: int


def pack(rows: Iterable[Encoded], length: int, seed: int, most: int = 0) -> list[Packed]:
    """Pack rows into sequences of at most ``length`` tokens.

    Rows that share most of their tokens stay together, and what stays together is drawn into sequences in any
    order: a step over rows of one kind alone teaches less than one over all kinds (`finetune/LOG.md`).

    Args:
        rows: Each at most ``length`` long: longer ones are refused by the checks before.
        length: Tokens of a sequence.
        seed: Of the sequences' order.
        most: Tokens of a sequence's rows, each counted in full, where above 0: rows that share much would
            else be learnt from in a few large steps. A longer row stands alone.

    Returns:
        The sequences. The same rows in another order give the same sequences.

    Raises:
        ValueError: A row is longer than ``length``.
    """
    limits = _Limits(length, most)
    groups = list(_groups(_sorted(rows), limits))
    random.Random(seed).shuffle(groups)
    return [_lay(_sorted(sequence)) for sequence in _sequences(groups, limits)]


def alone(rows: Iterable[Encoded]) -> list[Packed]:
    """Each row as its own sequence."""
    return [_lay([row]) for row in rows]


def _sorted(rows: Iterable[Encoded]) -> list[Encoded]:
    return sorted(rows, key=lambda row: row.ids)


@dataclass(frozen=True, slots=True)
class _Limits:
    """What a sequence may hold: so many tokens, and its rows so many of their own."""

    length: int
    most: int


@dataclass(slots=True)
class _Group:
    """Rows that stay together."""

    rows: list[Encoded] = field(default_factory=list)
    tokens: int = 0
    """When laid out: shared ones once."""
    whole: int = 0
    """The rows', each counted in full."""

    def takes(self, tokens: int, whole: int, limits: _Limits) -> bool:
        """Whether so much fits in; the first always does."""
        fits = self.tokens + tokens <= limits.length
        return not self.rows or (fits and (not limits.most or self.whole + whole <= limits.most))

    def add(self, rows: Sequence[Encoded], tokens: int, whole: int) -> None:
        self.rows += rows
        self.tokens += tokens
        self.whole += whole


def _groups(rows: Sequence[Encoded], limits: _Limits) -> Iterator[_Group]:
    """Neighbours in sorted order that share most of their tokens, as many as fit."""
    group = _Group()
    for row in rows:
        size = len(row.ids)
        if size > limits.length:
            raise ValueError(f"a row of {size} tokens does not fit a sequence of {limits.length}")
        kept = shared(group.rows[-1], row) if group.rows else 0
        if group.rows and (kept < _TOGETHER * size or not group.takes(size - kept, size, limits)):
            yield group
            group, kept = _Group(), 0
        group.add([row], size - kept, size)
    if group.rows:
        yield group


def _sequences(groups: Iterable[_Group], limits: _Limits) -> Iterator[list[Encoded]]:
    """The rows of one group after the other, as many as fit."""
    filled = _Group()
    for group in groups:
        if not filled.takes(group.tokens, group.whole, limits):
            yield filled.rows
            filled = _Group()
        filled.add(group.rows, group.tokens, group.whole)
    if filled.rows:
        yield filled.rows


def shared(before: Encoded, row: Encoded) -> int:
    """Tokens at the beginning that two rows can share.

    Only of the prompt, and never its last token: the first learnt token is predicted from the one before it
    in the sequence, so that one must be the row's own.
    """
    most = min(before.prompt, row.prompt) - 1
    for n in range(max(most, 0)):
        if before.ids[n] != row.ids[n]:
            return n
    return max(most, 0)


def _lay(rows: Sequence[Encoded]) -> Packed:
    """Lay sorted rows out depth first."""
    ids: list[int] = []
    labels: list[int] = []
    positions: list[int] = []
    ends: list[int] = []
    path: list[int] = []  # indices of the tokens that the row at hand consists of
    for n, row in enumerate(rows):
        kept = shared(rows[n - 1], row) if n else 0
        for index in path[kept:]:
            ends[index] = len(ids)
        del path[kept:]
        for depth in range(kept, len(row.ids)):
            path.append(len(ids))
            ids.append(row.ids[depth])
            labels.append(row.labels[depth] if depth >= row.prompt else IGNORED)
            positions.append(depth)
            ends.append(0)
    for index in path:
        ends[index] = len(ids)
    total = sum(len(row.ids) for row in rows)
    return Packed(tuple(ids), tuple(labels), tuple(positions), tuple(ends), len(rows), total)
