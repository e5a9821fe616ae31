"""``youju deploy``: the assistant on Hugging Face Spaces, with its adapter and documents, by one command."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from assistant.commands.options import collection_of, note, opened, with_settings
from assistant.config import Settings
from assistant.errors import BadRequestError

if TYPE_CHECKING:
    from assistant.deploying.frontmatter import FrontMatter
    from assistant.deploying.space import Plan
    from assistant.deploying.tree import Chosen
    from assistant.hub import Login

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FIELD = "OWNER/NAME"
SpaceName = Annotated[str, typer.Argument(metavar=FIELD, help="The Space.")]


class _Deploys(TyperGroup):
    """``youju deploy OWNER/NAME`` is the command itself; what is the name of another one is that one."""

    def parse_args(self, context: Any, args: list[str]) -> list[str]:
        """Let the command itself read all that is not for another one, its help too."""
        if not args or args[0] not in self.commands:
            args = [_ITSELF, *(args or ["--help"])]
        found: list[str] = super().parse_args(context, args)
        return found

    def resolve_command(self, context: Any, args: list[str]) -> Any:
        """Its name is not shown: nobody writes it."""
        name, command, rest = super().resolve_command(context, args)
        return "" if name == _ITSELF else name, command, rest


_ITSELF = "run"
deploy = typer.Typer(cls=_Deploys, add_completion=False)


@deploy.command(_ITSELF, hidden=True)
@with_settings
def run(
    settings: Settings,
    repo: SpaceName,
    *,
    variant: Annotated[
        str,
        typer.Option(
            help="cpu: two cores, a small model. gpu: 4 billion weights on one GPU. zerogpu: a GPU that is "
            "lent for each call, all that free personal accounts get. docker: a container."
        ),
    ] = "cpu",
    adapter: Annotated[  # read as the setting of that name
        str | None,
        typer.Option(help="Goes along. By default the one that answers here; none: no adapter."),
    ] = None,
    collection: Annotated[
        str | None,
        typer.Option("--collection", "-c", help="Its documents go along, for all who can open the Space."),
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Only its owner can open it.")] = False,
    hardware: Annotated[
        str | None, typer.Option(help="As the Hub names it: cpu-basic, t4-small, l4x1, zero-a10g…")
    ] = None,
    bucket: Annotated[
        str, typer.Option(metavar=FIELD, help="A storage bucket: state outlives a restart through it.")
    ] = "",
    variable: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A setting, such as YOUJU_MEMBERS=ada.")
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Its value is in the environment, or is asked for; never shown."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show every file and call. Needs no login, sends nothing.")
    ] = False,
) -> None:
    """Put the assistant on Hugging Face Spaces, or update it there; prints the address when it answers.

    Log in once with `hf auth login`. Youju, the adapter and the documents of --collection go there.

    Without a collection the samples are shown. A Space is public unless it is --private.

    `youju deploy rollback OWNER/NAME` brings back the files of before the last deploy.
    """
    from assistant import hub
    from assistant.deploying import space

    hub.check_name(repo, FIELD)
    login = None if dry_run else hub.log_in(repo)
    variables = dict(map(_pair, variable or []))
    secrets = {name: "" if login is None else _value(name) for name in map(_named, secret or [])}
    _check_hardware(hardware)
    if bucket:
        hub.check_name(bucket, "--bucket OWNER/NAME")
    chosen = _chosen(settings, repo, variant, variables)
    with _made(settings, chosen, collection) as (folder, front):
        plan = space.Plan(
            repo, folder, front.sdk, front.suggested_hardware or "cpu-basic", hardware or "", variables,
            secrets, bucket, private,
        )  # fmt: skip
        _show(plan) if login is None else _deploy(plan, login.keeping(secrets.values()))


@deploy.command()
def rollback(repo: SpaceName) -> None:
    """Bring back the files of before the last deploy, as a new commit; settings and secrets stay."""
    from assistant import hub
    from assistant.deploying import history, waiting

    hub.check_name(repo, FIELD)
    login = hub.log_in(repo)
    target, made = history.roll_back(login)
    note(f"back to commit {target[:8]}; settings, secrets and hardware are as they were")
    waiting.built(login, made, note)
    typer.echo(waiting.answers(login, note))


def _deploy(plan: Plan, login: Login) -> None:
    from assistant.deploying import space, waiting

    for call in space.calls(plan):
        said = call.act(login)
        note(f"{call.line}{f': {said}' if said else ''}")
    with login.explained(space.UNFIT):
        commit = login.api.space_info(plan.repo).sha or ""
    note("waiting for the build")
    waiting.built(login, commit, note)
    typer.echo(waiting.answers(login, note))


def _show(plan: Plan) -> None:
    from assistant.deploying import space, tree

    found = list(tree.files(plan.folder))
    typer.echo(f"files that would go to {plan.repo}:\n")
    for name, size in found:
        typer.echo(f"{size:>13,}  {name}")
    total = sum(size for _, size in found)
    typer.echo(f"{total:>13,}  bytes in {len(found)} files\n\ncalls, in this order:\n")
    for number, call in enumerate(space.calls(plan), 1):
        typer.echo(f"{number}. {call.line}")
    typer.echo("then: wait for the build, GET /health, one question")


@contextmanager
def _made(settings: Settings, chosen: Chosen, collection: str | None) -> Iterator[tuple[Path, FrontMatter]]:
    """The Space's files in a folder of their own, gone at the end."""
    from assistant.deploying import content, tree

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "space"
        front = tree.make(chosen, folder)
        if collection is not None:
            with opened(settings) as runtime:
                user = runtime.workspace.store.users.local()
                found = collection_of(runtime, user, collection)
                assert found is not None  # it was named
                for title in content.add_collection(runtime, user, found, folder):
                    note(f"stays here, it could not be read: {title}")
        yield folder, front


def _chosen(settings: Settings, repo: str, variant: str, variables: Mapping[str, str]) -> Chosen:
    """The model is the adapter's base, else the variant's own; a variable of the Space beats both."""
    from assistant.deploying import variants
    from assistant.deploying.tree import Chosen
    from assistant.models import adapters, live
    from assistant.models.catalog import resolve

    model = resolve(variables.get("YOUJU_MODEL") or variants.MODELS.get(variant) or settings.model)
    if settings.adapter in ("", "none"):
        return Chosen(repo, variant, model)
    if settings.adapter == "live":
        return Chosen(repo, variant, model, live.current(settings.home, model.name))
    ref = adapters.find(settings.home, settings.adapter)
    is_held = "YOUJU_MODEL" in variables or adapters.is_shipped(ref)
    adapters.verify(ref, model.name if is_held else ref.base)
    return Chosen(repo, variant, resolve(ref.base), ref)


def _pair(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    if not _KEY.fullmatch(key) or not value:
        raise BadRequestError(field="--variable", value=repr(text), remedy="write NAME=VALUE")
    return key, value


def _named(name: str) -> str:
    if not _KEY.fullmatch(name):
        # What is no name may be the secret itself: it is not shown.
        remedy = "give its name alone; its value is taken from the environment, or asked for"
        raise BadRequestError(field="--secret", value="what was given", remedy=remedy)
    return name


def _value(name: str) -> str:
    """Of a secret: from the environment, else asked for without showing it."""
    if value := os.environ.get(name):
        return value
    if not sys.stdin.isatty():
        remedy = f"it has no value: set the environment variable {name}, or be asked in a terminal"
        raise BadRequestError(field="--secret", value=name, remedy=remedy)
    return str(typer.prompt(f"value of the secret {name}", hide_input=True, err=True))


def _check_hardware(hardware: str | None) -> None:
    from huggingface_hub import SpaceHardware

    known: Sequence[str] = [each.value for each in SpaceHardware]
    if hardware is not None and hardware not in known:
        remedy = f"use one of {', '.join(known)}"
        raise BadRequestError(field="--hardware", value=repr(hardware), remedy=remedy)
