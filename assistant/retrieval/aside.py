"""A library for one question: texts that came with it are searched like any others, and nothing is kept."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from assistant.retrieval import rows
from assistant.retrieval.embedder import Embedder
from assistant.retrieval.library import Library
from assistant.retrieval.search import SearchResult
from assistant.schema import Chunk, Hit
from assistant.store import Store


@dataclass(frozen=True, slots=True)
class Aside:
    """Texts that came with a question; its documents have the ids that were given."""

    search: Callable[..., SearchResult]
    """From a query to what was found."""
    chunks: Callable[[str], list[Chunk]]
    """From a text's id to all of it, in order, cut as the library cuts."""


@contextmanager
def searching(
    texts: Sequence[tuple[str, str, str]], embedder: Callable[[], Embedder], k: int, staging: Path
) -> Iterator[Aside]:
    """Search these texts only, in a folder of their own that is gone afterwards.

    Args:
        texts: Id, title and text of each.
        embedder: The embedding model.
        k: Passages to return at most.
        staging: Where the folder is made; what a kill leaves there is swept at the next start.
    """
    staging.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="aside-", dir=staging) as name:
        folder = Path(name)
        with closing(Store(f"sqlite:///{folder / 'aside.db'}")) as store:
            store.migrate()
            user = store.users.local()
            library = Library(store, folder / "index", folder / "files", folder / "staging", embedder)
            with closing(library):
                where = store.collections.default(user).id
                records = rows.add(library, user, where, [(title, text) for _, title, text in texts])
                given = {record.id: text[0] for record, text in zip(records, texts, strict=True)}
                own = {text[0]: record.id for record, text in zip(records, texts, strict=True)}

                def search(query: str, *rephrased: str) -> SearchResult:
                    found = library.search(user, query, rephrased=rephrased, k=k)
                    return replace(found, hits=tuple(_named(hit, given) for hit in found.hits))

                def chunks(id_: str) -> list[Chunk]:
                    return [replace(chunk, document_id=id_) for chunk in library.chunks(user, own[id_])]

                yield Aside(search, chunks)


def _named(hit: Hit, given: dict[str, str]) -> Hit:
    return replace(hit, chunk=replace(hit.chunk, document_id=given[hit.chunk.document_id]))
