"""The files of a Space, made in a folder: the variant filled in, our wheel, and what it brings along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from assistant.deploying import content, frontmatter, pins, variants, wheel
from assistant.deploying.frontmatter import FrontMatter
from assistant.errors import BadRequestError
from assistant.models.catalog import Entry
from assistant.schema import AdapterRef

DESCRIPTION = "Answers from documents, each sentence with its source"
LICENCE = "apache-2.0"
"""Of Youju, which is what runs there."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a Space is made of.

    Attributes:
        repo: ``owner/name``.
        variant: Of ``variants.names``.
        base: The model that answers.
        adapter: On it, if any.
    """

    repo: str
    variant: str
    base: Entry
    adapter: AdapterRef | None = None


def make(chosen: Chosen, folder: Path) -> FrontMatter:
    """Write a Space's files into ``folder``, all but its documents, and check them.

    Returns:
        The front matter of its README.

    Raises:
        BadRequestError: There is no such variant, Hugging Face would refuse it, or its model is on this
            machine only.
        StorageError: The wheel could not be built.
    """
    if not chosen.base.hub:
        remedy = "take a model of the Hub: a Space cannot read a folder of this machine"
        raise BadRequestError(field="model", value=repr(chosen.base.name), remedy=remedy)
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = wheel.build(folder.parent)
    variants.render(chosen.variant, _values(chosen, made.name), folder)
    made = made.rename(folder / made.name)
    front = frontmatter.check(folder)
    pins.check(folder, front, made)
    if chosen.adapter is not None:
        content.add_adapter(chosen.adapter, chosen.base, folder)
    return front


def files(folder: Path) -> Iterator[tuple[str, int]]:
    """Each file by its path in the Space, with its bytes."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.stat().st_size


def _values(chosen: Chosen, wheel_name: str) -> dict[str, str]:
    name = chosen.repo.partition("/")[2]
    return {
        "title": f"{name.replace('-', ' ').replace('_', ' ')} · Youju",
        "name": chosen.repo,
        "base_model": chosen.base.hub,
        "preload": chosen.base.preload,
        "adapter": chosen.adapter.name if chosen.adapter else "none",
        "wheel": wheel_name,
        "gradio_version": version("gradio"),
        "license": LICENCE,
        "short_description": DESCRIPTION,
    }
