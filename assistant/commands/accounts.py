"""``youju users`` and ``youju keys``: accounts are managed by who sits at this machine, and nowhere else."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from assistant.commands.options import AsJson, acting, note, opened, print_json, with_settings
from assistant.config import Settings
from assistant.store.records import UserRole

users = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Add, list and remove users; for --auth users."
)
keys = typer.Typer(add_completion=False, no_args_is_help=True, help="Make, list and revoke API keys.")
Name = Annotated[str, typer.Argument(help="Name of the user.")]
Owner = Annotated[str | None, typer.Option("--user", help="Whose key; the user of this machine by default.")]


@users.command("add")
@with_settings
def _add(settings: Settings, name: Name, *, role: Annotated[UserRole, typer.Option()] = "member") -> None:
    """Add a user; the password is asked for, or read from standard input."""
    password = _password()
    with opened(settings) as runtime:
        user = runtime.workspace.store.users.create(name, password, role)
    note(f"added {user.name} ({user.role})")


@users.command("list")
@with_settings
def _list(settings: Settings, *, as_json: AsJson = False) -> None:
    """List the users."""
    with opened(settings) as runtime:
        found = runtime.workspace.store.users.list()
    if as_json:
        print_json({"users": [{"id": u.id, "name": u.name, "role": u.role} for u in found]})
        return
    for user in found:
        typer.echo(f"{user.name:<30}{user.role}")


@users.command("remove")
@with_settings
def _remove(
    settings: Settings, name: Name, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """Remove a user with all documents, conversations and keys. It cannot be undone."""
    from assistant.web import files

    with opened(settings, exclusive=True) as runtime:
        user = acting(runtime, name)
        if not yes:
            typer.confirm(f"Delete {name} and everything of theirs?", abort=True)
        runtime.workspace.library.delete_user_data(user)
        files.forget(runtime, user)
        runtime.workspace.store.users.delete(user.id)
    note(f"removed {name}")


@users.command("passwd")
@with_settings
def _passwd(settings: Settings, name: Name) -> None:
    """Set a new password; sessions under the old one end."""
    with opened(settings) as runtime:
        runtime.workspace.store.users.set_password(acting(runtime, name).id, _password())
    note(f"changed the password of {name}")


@keys.command("create")
@with_settings
def _create(
    settings: Settings, label: Annotated[str, typer.Argument(help="What it is for.")], *, user: Owner = None
) -> None:
    """Make an API key; it is shown this once."""
    with opened(settings) as runtime:
        plain, _ = runtime.workspace.store.users.create_key(acting(runtime, user), label)
    typer.echo(plain)


@keys.command("list")
@with_settings
def _keys(settings: Settings, *, user: Owner = None, as_json: AsJson = False) -> None:
    """List the API keys, without their secrets."""
    with opened(settings) as runtime:
        found = runtime.workspace.store.users.keys(acting(runtime, user))
    if as_json:
        print_json(
            {"keys": [{"id": k.id, "label": k.label, "hint": k.hint, "created": k.created} for k in found]}
        )
        return
    for key in found:
        typer.echo(f"{key.id}  {key.hint}…  {key.created:%Y-%m-%d}  {key.label}")


@keys.command("revoke")
@with_settings
def _revoke(settings: Settings, key_id: Annotated[str, typer.Argument()], *, user: Owner = None) -> None:
    """Revoke an API key at once."""
    with opened(settings) as runtime:
        runtime.workspace.store.users.revoke_key(acting(runtime, user), key_id)
    note("revoked")


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")
