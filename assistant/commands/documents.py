"""``youju ingest`` and ``youju search``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.commands.options import (
    AsJson,
    AsUser,
    InCollection,
    IntoCollection,
    acting,
    collection_of,
    note,
    opened,
    print_json,
    progress,
    renew,
    scope,
    searching,
    with_settings,
)
from assistant.config import Settings
from assistant.errors import BadRequestError, EmptyInputError, NotFoundError
from assistant.schema import Hit

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.retrieval.library import Library
    from assistant.store import Collection, DocumentRecord, User

ingest = typer.Typer(add_completion=False)
search = typer.Typer(add_completion=False)


@ingest.command()
@with_settings
def _ingest(
    settings: Settings,
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    *,
    collection: IntoCollection = None,
    user: AsUser = None,
    as_json: AsJson = False,
) -> None:
    """Add files and folders; one that is there already is left alone. Exit code 1 when one cannot be read."""
    for path in paths:
        if not path.exists():
            raise BadRequestError(field="path", value=str(path), remedy="there is no such file or folder")
    with opened(settings, exclusive=True) as runtime:
        renew(runtime)
        who = acting(runtime, user)
        place = _place(runtime, who, collection)
        records = [record for path in paths for record in _add(runtime.workspace.library, who, place, path)]
    failed = [record for record in records if record.state == "failed"]
    _report(place.name, records, failed, as_json=as_json)
    raise typer.Exit(1 if failed else 0)


@search.command()
@with_settings
def _search(
    settings: Settings,
    query: Annotated[str, typer.Argument()],
    *,
    collection: InCollection = None,
    user: AsUser = None,
    as_json: AsJson = False,
) -> None:
    """Show the passages a question finds, each stage's scores, and the context as the model sees it."""
    if not query.strip():
        raise EmptyInputError(field="query", remedy="write what you are looking for")
    with searching(settings) as runtime:
        who = acting(runtime, user)
        found = runtime.workspace.library.search(
            who, query, collection_ids=scope(runtime, who, collection), k=settings.hits
        )
    if as_json:
        print_json({"query": query, "searched": found.searched, "hits": [_object(hit) for hit in found.hits]})
        return
    note(f"{len(found.hits)} passages from {found.searched} documents")
    for number, hit in enumerate(found.hits, 1):
        typer.echo(_lines(number, hit))


def _place(runtime: Assistant, user: User, name: str | None) -> Collection:
    """The named collection, made when it is new; the default one where none was named."""
    try:
        return collection_of(runtime, user, name) or runtime.workspace.store.collections.default(user)
    except NotFoundError:
        return runtime.workspace.store.collections.create(user, name or "")


def _add(library: Library, user: User, place: Collection, path: Path) -> Sequence[DocumentRecord]:
    with progress(path.name) as update:
        see = _watch(update)
        if path.is_dir():
            return library.ingest_folder(user, place.id, path, see)
        return library.ingest(user, place.id, path.name, path, see)


def _watch(update: Callable[[str, float], None]) -> Callable[[DocumentRecord], None]:
    ready: set[str] = set()

    def see(record: DocumentRecord) -> None:
        if record.state == "ready":
            ready.add(record.id)
        update(f"{len(ready)} ready, {record.state} {record.title[:40]}", record.progress)

    return see


def _report(
    collection: str, records: Sequence[DocumentRecord], failed: Sequence[DocumentRecord], *, as_json: bool
) -> None:
    if as_json:
        rows = [
            {"id": r.id, "title": r.title, "state": r.state, "chunks": r.chunks, "error": r.error}
            for r in records
        ]
        print_json(
            {
                "collection": collection,
                "ready": len(records) - len(failed),
                "failed": len(failed),
                "documents": rows,
            }
        )
        return
    for record in failed:
        note(f"{record.filename}: {record.error}")
    typer.echo(f"{len(records) - len(failed)} documents ready in {collection}, {len(failed)} failed")


def _object(hit: Hit) -> dict[str, Any]:
    chunk = hit.chunk
    return {
        "document": hit.title,
        "document_id": chunk.document_id,
        "page": chunk.page,
        "heading": chunk.heading,
        "header": chunk.header,
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
        "score": hit.score,
        "dense": hit.dense,
        "dense_rank": hit.dense_rank,
        "lexical": hit.lexical,
        "lexical_rank": hit.lexical_rank,
        "context": hit.context,
    }


def _lines(number: int, hit: Hit) -> str:
    chunk = hit.chunk
    place = "  ".join(
        part for part in (hit.title, f"page {chunk.page}" if chunk.page else "", chunk.heading) if part
    )
    dense = _stage("meaning", hit.dense, hit.dense_rank)
    lexical = _stage("words", hit.lexical, hit.lexical_rank)
    body = "\n   ".join(hit.passage.strip().splitlines())
    return f"{number}. {place}\n   score {hit.score:.4f}  {dense}  {lexical}\n   {body}\n"


def _stage(name: str, value: float | None, rank: int | None) -> str:
    return f"{name} –" if value is None else f"{name} {value:.3f} (#{rank})"
