"""Which documents a turn may look at, and how they are searched, listed and read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.errors import ReindexingError, StillReadingError
from assistant.schema import Hit

if TYPE_CHECKING:
    from assistant.loaded import Models
    from assistant.retrieval.search import SearchResult
    from assistant.store import User
    from assistant.tools.sources import Sources, Title
    from assistant.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Scope:
    """The documents of one turn: everything the user may read, where nothing else is said."""

    collection_ids: Sequence[str] | None = None
    """Where to search; ``None`` is everywhere the user may read."""
    document_ids: Sequence[str] | None = None
    """Only these documents."""
    given: tuple[tuple[str, str, str], ...] = ()
    """Texts that came with the question, each id, title and text: only they are searched, and nothing of them
    is kept."""


EVERYTHING = Scope()


def only_collection(user: User, scope: Scope, workspace: Workspace) -> str | None:
    """Id of the collection that all documents in scope are of; ``None`` where there is no such one."""
    if scope.given or scope.document_ids is not None:
        return None
    named = {collection.id for collection in workspace.store.collections.list(user)}
    searched = named if scope.collection_ids is None else set(scope.collection_ids)
    ready = {d.collection_id for d in workspace.store.documents.list(user) if d.state == "ready"}
    found = ready & searched
    return found.pop() if len(found) == 1 else None


@contextmanager
def sources(user: User, scope: Scope, models: Models, workspace: Workspace) -> Iterator[Sources]:
    """The user's documents in scope as a turn looks at them."""
    from assistant.retrieval import aside
    from assistant.tools.sources import Sources, Title

    if not scope.given:
        shelf = _Shelf(user, scope, workspace)
        yield Sources(shelf.search, models.similarity, shelf.titles, shelf.passages)
        return
    titles = {id_: title for id_, title, _ in scope.given}
    staging = workspace.library.staging  # opening the library sweeps it, once
    with aside.searching(scope.given, models.embedder, models.settings.hits, staging) as given:
        yield Sources(
            given.search,
            models.similarity,
            lambda: [Title(id_, title) for id_, title in titles.items()],
            lambda id_: [Hit(chunk, titles[id_], 0.0) for chunk in given.chunks(id_)],
        )


class _Shelf:
    """Documents of a user's library."""

    def __init__(self, user: User, scope: Scope, workspace: Workspace) -> None:
        self._user, self._scope, self._workspace = user, scope, workspace

    def search(self, query: str, *rephrased: str) -> SearchResult:
        scope, library = self._scope, self._workspace.library
        found = library.search(
            self._user,
            query,
            rephrased=rephrased,
            collection_ids=scope.collection_ids,
            document_ids=scope.document_ids,
            k=self._workspace.settings.hits,
        )
        by_words_alone = found.hits and all(hit.dense is None for hit in found.hits)
        if by_words_alone and library.state().stale:
            raise ReindexingError
        if not found.searched and self._workspace.reading(self._user):
            raise StillReadingError
        return found

    def titles(self) -> list[Title]:
        from assistant.tools.sources import Title

        scope, documents = self._scope, self._workspace.store.documents
        reading = self._workspace.reading(self._user)  # asked first: read meanwhile is not "nothing"
        ready = set(documents.ready_ids(self._user, scope.collection_ids))
        wanted = ready if scope.document_ids is None else ready & set(scope.document_ids)
        found = [Title(d.id, d.title, d.filename) for d in documents.list(self._user) if d.id in wanted]
        if reading and not found:
            raise StillReadingError
        return found

    def passages(self, document_id: str) -> list[Hit]:
        title = self._workspace.store.documents.get(self._user, document_id).title
        chunks = self._workspace.library.chunks(self._user, document_id)
        return [Hit(chunk, title, 0.0) for chunk in chunks]
