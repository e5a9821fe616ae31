"""What a turn may look at: a search over the documents in scope, their titles and their texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from assistant.evidence.relevance import Similarity
from assistant.schema import Hit


class SearchResult(Protocol):
    """What a search gives back."""

    @property
    def hits(self) -> Sequence[Hit]:
        """Best first."""

    @property
    def mended(self) -> str:
        """The query with mistyped words as the documents write them, as it was searched for, or nothing."""

    @property
    def searched(self) -> int:
        """Documents that were looked through."""


class Search(Protocol):
    """From a question to what was found."""

    def __call__(self, query: str, *rephrased: str) -> SearchResult:
        """Search for a question; also for the same in other words, such as its translation."""


@dataclass(frozen=True, slots=True)
class Title:
    """A document in scope."""

    id: str
    title: str
    file: str = ""
    """Its file's name."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The documents in scope of one turn."""

    search: Search
    similarity: Similarity
    titles: Callable[[], Sequence[Title]]
    """Those that are ready, in the order in which they were added."""
    passages: Callable[[str], Sequence[Hit]]
    """From a document's id to all its text, in order."""
