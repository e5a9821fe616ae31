"""The sample collection: the papers of an invented company, in English and Chinese, to try everything on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.errors import ConflictError
from assistant.schema import Language

if TYPE_CHECKING:
    from assistant.retrieval.library import Library
    from assistant.store import Collection, Store, User

_HERE = Path(__file__).parent
NAME = "Sample: Lanhu Instruments 示例"
_DONE = "samples"
"""The user's preference that says they were brought once."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question to try."""

    question: str
    language: Language
    file: str
    """The file that holds the answer; empty when none does."""
    answer: str
    """Words of that file that any right answer holds; empty when there is none."""


def files() -> list[Path]:
    """The sample documents: Markdown, HTML, CSV, PDF and Word."""
    return sorted((_HERE / "files").iterdir())


def questions(language: Language | None = None) -> list[Question]:
    """Questions about the samples, also ones that they do not answer; of one language where it is given."""
    rows = json.loads((_HERE / "questions.json").read_text(encoding="utf-8"))
    return [Question(**row) for row in rows if language in (None, row["language"])]


def bring(store: Store, library: Library, user: User) -> bool:
    """Add the samples to the user's documents, once: not again after they were deleted.

    A start that was broken off halfway is taken up again; files that are there already are left alone.

    Returns:
        True when they were added now.
    """
    if store.settings.get(user, _DONE) or _has_documents(store, user):
        return False
    collection = _collection(store, user)
    for path in files():
        library.ingest(user, collection.id, path.name, path)
    store.settings.set(user, _DONE, "brought")
    return True


def _has_documents(store: Store, user: User) -> bool:
    """Who has documents of their own needs no samples among them."""
    return any(c.documents for c in store.collections.list(user) if c.name != NAME)


def _collection(store: Store, user: User) -> Collection:
    try:
        return store.collections.create(user, NAME)
    except ConflictError:
        return next(c for c in store.collections.list(user) if c.name == NAME)
