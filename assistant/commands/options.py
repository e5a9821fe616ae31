"""What commands share: the settings as flags, the opened runtime, and the two ways to print."""

from __future__ import annotations

import functools
import inspect
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant import config
from assistant.config import Settings
from assistant.errors import HomeLockedError, NotFoundError
from assistant.schema import Verdict

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.store import Collection, User

PANEL = "Settings"
MARKS = {Verdict.PARTLY: "~", Verdict.CONTRADICTED: "✗", Verdict.NO_SOURCE: "?"}
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
InCollection = Annotated[
    str | None, typer.Option("--collection", "-c", help="Name of a collection; all by default.")
]
IntoCollection = Annotated[
    str | None,
    typer.Option("--collection", "-c", help="Name of the collection; made where there is none of that name."),
]
AsUser = Annotated[
    str | None, typer.Option("--user", help="Whose documents; for a server with --auth users.")
]


def with_settings(function: Callable[..., None], *, hidden: bool = True) -> Callable[..., None]:
    """Give a command every setting as a flag; it gets the ``Settings`` as its first argument.

    Args:
        function: The command.
        hidden: Leave the flags out of its help, where they would bury its own.
    """
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    ours = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
    parameters = [context, *ours, *_flags({p.name for p in own}, hidden=hidden)]

    @functools.wraps(function)
    def run(**given: Any) -> None:
        context: typer.Context = given.pop("context")
        flags = {name: _split(name, given.pop(name)) for name in list(given) if name in Settings.model_fields}
        root = {name: value for name, value in (context.obj or {}).items() if value is not None}
        function(config.load(**{**flags, **{k: v for k, v in root.items() if flags.get(k) is None}}), **given)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    del run.__wrapped__
    return run


with_settings_shown = functools.partial(with_settings, hidden=False)


def _flags(taken: set[str], *, hidden: bool) -> Iterator[inspect.Parameter]:
    for name, info in Settings.model_fields.items():
        if name not in taken:
            option = typer.Option(
                f"--{name.replace('_', '-')}",
                help=info.description,
                rich_help_panel=PANEL,
                show_default=False,
                hidden=hidden,
            )
            annotation = Annotated[str | None, option]
            yield inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _split(name: str, value: str | None) -> Any:
    is_list = str(Settings.model_fields[name].annotation).startswith("tuple")
    return (
        tuple(part.strip() for part in value.split(",") if part.strip())
        if value is not None and is_list
        else value
    )


@contextmanager
def opened(settings: Settings, *, exclusive: bool = False) -> Iterator[Assistant]:
    """The runtime, closed at the end whatever happens."""
    from assistant.assistant import Assistant

    runtime = Assistant.open(settings, exclusive=exclusive)
    try:
        yield runtime
    finally:
        runtime.close()


@contextmanager
def searching(settings: Settings) -> Iterator[Assistant]:
    """The runtime with an index that this program can search by meaning.

    One made with another embedder would find by words alone, and nearly every question would be declined:
    it is made anew first, or, where a server does that already, the reader is told.
    """
    with opened(settings) as runtime:
        stale = runtime.workspace.library.state().stale
        if not stale:
            yield runtime
            return
    try:
        with opened(settings, exclusive=True) as runtime:
            renew(runtime)
    except HomeLockedError:
        note("The server is making the index anew; questions are answered when that is done.")
    with opened(settings) as runtime:
        yield runtime


def renew(runtime: Assistant) -> None:
    """Make the index anew where it was made with another embedder. The runtime must be exclusive."""
    if runtime.workspace.library.state().stale:
        note("The documents were indexed with another embedder: making the index anew, once.")
        with progress("index") as update:
            runtime.workspace.library.reindex(lambda share: update("", share))


def acting(runtime: Assistant, name: str | None) -> User:
    """The user that a command acts for: the one of this machine, or the named one.

    Raises:
        NotFoundError: There is no user of that name.
    """
    if name is None:
        return runtime.workspace.store.users.local()
    for user in runtime.workspace.store.users.list():
        if user.name == name:
            return user
    raise NotFoundError(kind="user", value=name)


def collection_of(runtime: Assistant, user: User, name: str | None) -> Collection | None:
    """The collection of that name or id; ``None`` where none was named.

    Raises:
        NotFoundError: The user has none of that name.
    """
    if name is None:
        return None
    for collection in runtime.workspace.store.collections.list(user):
        if name in (collection.name, collection.id):
            return collection
    raise NotFoundError(kind="collection", value=name)


def scope(runtime: Assistant, user: User, name: str | None) -> list[str] | None:
    """Where to search: one collection, or everywhere."""
    collection = collection_of(runtime, user, name)
    return [collection.id] if collection else None


def doubts(sentences: Iterable[tuple[Verdict, str]]) -> list[str]:
    """A line for each sentence that its source does not wholly support."""
    return [
        f"{MARKS[verdict]} {verdict.value.replace('_', ' ')}: {text}"
        for verdict, text in sentences
        if verdict in MARKS
    ]


def print_json(value: Any) -> None:
    """One object on standard output, readable text kept as it is."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def note(text: str) -> None:
    """A line for people, on standard error so that standard output stays clean."""
    typer.echo(text, err=True)


@contextmanager
def progress(label: str) -> Iterator[Callable[[str, float], None]]:
    """A progress bar on standard error while the block runs; silent where nobody is watching.

    Yields:
        ``update(what, fraction)``.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(label, total=1.0)

        def update(what: str, fraction: float) -> None:
            bar.update(task, description=f"{label}: {what}" if what else label, completed=fraction)

        yield update
