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
from dataclasses import dataclass

from finetune.encoding import IGNORED, Encoded


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

    Args:
        rows: Each at most ``length`` long: longer ones are refused by the checks before.
        length: Tokens of a sequence.
        seed: Of the sequences' order.
        most: Tokens of a sequence's rows, each counted in full, where above 0: rows that share much would
            else be learnt from in a few large steps. A longer row stands alone.

    Returns:
        The sequences, shuffled. The same rows in another order give the same sequences.

    Raises:
        ValueError: A row is longer than ``length``.
    """
    packed = [_lay(group) for group in _groups(sorted(rows, key=lambda row: row.ids), length, most)]
    random.Random(seed).shuffle(packed)
    return packed


def alone(rows: Iterable[Encoded]) -> list[Packed]:
    """Each row as its own sequence."""
    return [_lay([row]) for row in rows]


def _groups(rows: Sequence[Encoded], length: int, most: int) -> Iterator[list[Encoded]]:
    """Neighbours in sorted order, as many as fit."""
    group: list[Encoded] = []
    used = whole = 0
    for row in rows:
        if len(row.ids) > length:
            raise ValueError(f"a row of {len(row.ids)} tokens does not fit a sequence of {length}")
        added = len(row.ids) - (shared(group[-1], row) if group else 0)
        if group and (used + added > length or (most and whole + len(row.ids) > most)):
            yield group
            group, used, whole, added = [], 0, 0, len(row.ids)
        group.append(row)
        used += added
        whole += len(row.ids)
    if group:
        yield group


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
