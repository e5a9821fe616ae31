"""Rows that are there twice, or almost: they count twice, and one of them may be held out.

Near-duplicates are found by MinHash over pairs of neighbouring words, with banding (Broder 1997; Leskovec,
Rajaraman and Ullman, chapter 3), and each find is measured before it is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from finetune.checks.rows import Row
from finetune.checks.shingles import Hashes, Words, mixed
from finetune.checks.values import quoted
from finetune.data.rows import digest
from finetune.schema import Fault

ALIKE = 0.7
"""Jaccard similarity of two rows' word pairs from which they are near-duplicates."""
_BANDS, _DEPTH = 16, 4
"""64 permutations: of two rows at 0.7, 99 % meet in a band; at 0.3 an eighth does, and is measured."""
_LEAST = 6
"""Word pairs of a row that can be told from others."""
_CANDIDATES = 8
"""Earlier rows of a band that a row is measured against."""


def exact(rows: Sequence[Row]) -> tuple[list[Fault], list[Row]]:
    """Rows that say the same as an earlier one.

    Returns:
        Faults, and the rows without the repeated ones.
    """
    first: dict[str, Row] = {}
    faults, once = [], []
    for row in rows:
        before = first.setdefault(digest(row.task, *(m.text for m in row.asked), *row.replies), row)
        if before is row:
            once.append(row)
            continue
        piece, twin = row.pieces[0], before.seen_from(row)
        reason = f"({quoted(piece.text)}) and all else is as in {twin}: leave one of them out"
        faults.append(row.fault(piece.field, reason, "duplicate"))
    return faults, once


def near(rows: Sequence[Row]) -> Iterator[Fault]:
    """Rows that say almost the same as an earlier one, by what tells them apart: see `Row.gist`."""
    words = Words()
    groups = _telling([words.read(row.gist).groups(2) for row in rows])
    for row, found in enumerate(_earlier(rows, groups)):
        if found is None:
            continue
        other, share = found
        reason = (
            f"({quoted(rows[row].gist)}) is {share:.0%} the same as {rows[other].seen_from(rows[row])}: "
            "keep both only if the difference is what is to be learnt"
        )
        yield rows[row].fault(rows[row].pieces[0].field, reason, "near-duplicate", hard=False)


def _telling(groups: Sequence[Hashes]) -> list[Hashes]:
    """Without the word pairs that so many rows share that they are the wording of a prompt."""
    many = max(2, min(20, len(groups) // 2), len(groups) // 20)
    values, counts = np.unique(np.concatenate([*groups, np.empty(0, np.uint64)]), return_counts=True)
    common = values[counts > many]
    return [each[~np.isin(each, common)] for each in groups] if len(common) else list(groups)


def _earlier(rows: Sequence[Row], groups: Sequence[Hashes]) -> Iterator[tuple[int, float] | None]:
    """For each row the earlier one that is most alike, and how much, if it is enough."""
    bands: dict[bytes, list[int]] = {}
    signatures = _signatures(groups)
    for row, own in enumerate(groups):
        best: tuple[int, float] | None = None
        if len(own) >= _LEAST:
            for other in _meet(bands, _keys(rows[row], signatures[row]), row):
                share = _jaccard(own, groups[other])
                if share >= ALIKE and (best is None or share > best[1]):
                    best = other, share
        yield best


def _keys(row: Row, signature: Hashes) -> list[bytes]:
    """One a band. The same question about another source is no duplicate: they do not meet."""
    scope = f"{row.task}\0{row.source if row.task == 'grounded' else ''}\0".encode()
    return [
        bytes([band]) + scope + part.tobytes() for band, part in enumerate(signature.reshape(_BANDS, _DEPTH))
    ]


def _meet(bands: dict[bytes, list[int]], keys: Sequence[bytes], row: int) -> set[int]:
    """Earlier rows in the same bands; then this one stands there too."""
    met: set[int] = set()
    for key in keys:
        there = bands.setdefault(key, [])
        met.update(there)
        if len(there) < _CANDIDATES:
            there.append(row)
    return met


def _signatures(groups: Sequence[Hashes]) -> Hashes:
    """The smallest hash of each row under each permutation, ``(rows, permutations)``."""
    sizes = np.array([len(each) for each in groups], np.int64)
    found = np.zeros((len(groups), _BANDS * _DEPTH), np.uint64)
    filled = [row for row, size in enumerate(sizes) if size]
    if not filled:
        return found
    joined = np.concatenate([groups[row] for row in filled])
    starts = np.concatenate([[0], np.cumsum(sizes[filled])[:-1]])
    for place in range(found.shape[1]):
        salt = mixed(np.array([place + 1], np.uint64))
        found[filled, place] = np.minimum.reduceat(mixed(joined ^ salt), starts)
    return found


def _jaccard(one: Hashes, other: Hashes) -> float:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / max(len(one) + len(other) - shared, 1)
