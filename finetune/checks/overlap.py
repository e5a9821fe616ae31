"""Rows that say what an eval suite asks, or what a document of the index says.

Two texts overlap when most of the five-word groups of the shorter one stand in the longer one; short texts
overlap when all their words are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from finetune.checks.rows import Row
from finetune.checks.shingles import Hashes, Text, Words
from finetune.checks.values import quoted
from finetune.schema import Fault

GROUP = 5
"""Words of a group."""
SHARE = 0.6
"""Of the shorter text's groups, from which two texts overlap."""
_SHORT, _SHORTEST = 8, 4
"""Words below which a text is compared whole, and not at all."""
_LEAST_OF_CASE, _LEAST_OF_DOCUMENT = 4, 20
"""Groups that must be shared: a document is long, and a common phrase of it proves nothing."""


@dataclass(frozen=True, slots=True)
class Known:
    """A text that must not be trained on.

    Attributes:
        name: What it is called in a message.
        text: Of the case or the document.
    """

    name: str
    text: str


class Shelf:
    """Known texts, ready to be found again.

    Args:
        words: Shared with the texts that are looked up.
        known: To remember.
        least: Groups that must be shared.
    """

    def __init__(self, words: Words, known: Iterable[Known], least: int) -> None:
        self._least = least
        self._names: list[str] = []
        self._whole: dict[bytes, str] = {}
        groups: list[Hashes] = []
        for each in known:
            text = words.read(each.text)
            if _SHORTEST <= text.weight < _SHORT:
                self._whole.setdefault(text.ids.tobytes(), each.name)
            elif text.weight >= _SHORT:
                self._names.append(each.name)
                groups.append(text.groups(GROUP))
        self._sizes = np.array([len(each) for each in groups], np.int64)
        owners = np.repeat(np.arange(len(groups)), self._sizes)
        joined = np.concatenate([*groups, np.empty(0, np.uint64)])
        order = np.argsort(joined, kind="stable")
        self._groups, self._owners = joined[order], owners[order]

    def __bool__(self) -> bool:
        """False when nothing is on it."""
        return bool(self._names or self._whole)

    def find(self, text: Text) -> tuple[str, float] | None:
        """The known text that overlaps most, and the share of the shorter one's groups, 0..1."""
        if text.weight < _SHORT:
            name = self._whole.get(text.ids.tobytes())
            return (name, 1.0) if name else None
        asked = text.groups(GROUP)
        low = np.searchsorted(self._groups, asked, "left")
        count = np.searchsorted(self._groups, asked, "right") - low
        if np.count_nonzero(count) < self._least:
            return None
        places = np.repeat(low - np.cumsum(count) + count, count) + np.arange(count.sum())
        owners, shared = np.unique(self._owners[places], return_counts=True)
        share = np.where(shared < self._least, 0, shared / np.minimum(len(asked), self._sizes[owners]))
        best = int(np.argmax(share))
        return (self._names[int(owners[best])], float(share[best])) if share[best] >= SHARE else None


def check(rows: Sequence[Row], suites: Iterable[Known], documents: Iterable[str]) -> Iterator[Fault]:
    """Compare every text of every row with all cases and documents; equal texts are compared once."""
    words = Words()
    cases = Shelf(words, suites, _LEAST_OF_CASE)
    index = Shelf(words, (Known(quoted(text[:200]), text) for text in documents), _LEAST_OF_DOCUMENT)
    if not (cases or index):
        return
    seen: dict[str, tuple[tuple[str, float] | None, tuple[str, float] | None]] = {}
    for row in rows:
        for piece in row.pieces:
            if piece.text not in seen:
                text = words.read(piece.text)
                seen[piece.text] = cases.find(text), index.find(text)
            case, document = seen[piece.text]
            if case:
                yield row.fault(piece.field, _of_case(piece.text, *case), "overlap-suite")
            if document:
                yield row.fault(piece.field, _of_document(*document), "overlap-index", hard=False)


def _of_case(text: str, name: str, share: float) -> str:
    return (
        f"({quoted(text)}) shares {share:.0%} of its words with {name}: "
        "what is trained on cannot be measured with; leave the row out"
    )


def _of_document(name: str, share: float) -> str:
    return (
        f"shares {share:.0%} of its words with a document of yours that begins {name}: the model may answer "
        "from memory instead of the passage, and questions about that document no longer measure it"
    )
