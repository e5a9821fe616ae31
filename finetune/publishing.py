"""``youju adapters push``: an adapter with its card to the Hugging Face Hub, in one commit."""

from __future__ import annotations

from typing import Annotated

import typer

from assistant import __version__, hub
from assistant.commands.options import note, with_settings
from assistant.config import Settings
from assistant.models import adapters
from assistant.models.catalog import Entry
from assistant.schema import AdapterRef
from finetune import modelcard
from finetune.exporting import base_of


@with_settings
def push(
    settings: Settings,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of `youju adapters list`.")],
    repo: Annotated[str, typer.Argument(metavar="OWNER/REPO", help="Made where it is not there.")],
    *,
    private: Annotated[bool, typer.Option("--private", help="Only its owner sees it.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go; nothing is sent.")] = False,
) -> None:
    """Publish an adapter on the Hugging Face Hub: weights, config and a card with what was measured."""
    hub.check_name(repo)
    ref = adapters.find(settings.home, name)
    adapters.verify(ref, ref.base)
    files = collect(ref, base_of(ref, settings), repo)
    parcel = hub.Parcel(repo, "model", files, adapters.CONFIG, "adapter", private)
    if dry_run:
        typer.echo(hub.show(parcel))
        return
    note(f"published: {hub.publish(parcel, f'Adapter from Youju {__version__}')}")


def collect(ref: AdapterRef, base: Entry, repo: str) -> hub.Files:
    """What would be published: these files and no other of the folder.

    Args:
        ref: The adapter, checked.
        base: Its base.
        repo: ``owner/name``.
    """
    return {hub.CARD: modelcard.build(ref, base, repo).content.encode(), **adapters.carried(ref, base)}
