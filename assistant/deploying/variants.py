"""The folders of ``spaces/``: which there are, and one of them filled in for a Space."""

from __future__ import annotations

import shutil
from pathlib import Path
from string import Template

from assistant.deploying import wheel
from assistant.errors import BadRequestError

TEMPLATES = Path(__file__).parent / "templates"
"""Where an installed Youju has them; a clone has them in ``spaces/``."""
FILLED = ("README.md", "requirements.txt")
"""Files with placeholders, ``${name}``."""
READER = "qwen2.5-coder-1.5b"
MODELS = {"cpu": READER, "docker": READER, "gpu": "qwen3-4b", "zerogpu": "qwen3-4b"}
"""The model that a variant serves where no adapter says another."""


def source() -> Path:
    """The folder that holds them."""
    clone = wheel.clone()
    return clone / "spaces" if clone else TEMPLATES


def names() -> list[str]:
    """Those that can be deployed."""
    return sorted(path.parent.name for path in source().glob(f"*/{FILLED[0]}"))


def render(name: str, values: dict[str, str], folder: Path) -> None:
    """Write a variant's files into ``folder``, its placeholders filled in.

    Args:
        name: Of ``names``.
        values: By placeholder.
        folder: Made here.

    Raises:
        BadRequestError: There is none of that name, or it has a placeholder that nothing fills.
    """
    if name not in names():
        raise BadRequestError(field="--variant", value=repr(name), remedy=f"use one of {', '.join(names())}")
    shutil.copytree(source() / name, folder, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    for path in (folder / filled for filled in FILLED):
        if path.is_file():
            path.write_text(_fill(path, values), encoding="utf-8")


def _fill(path: Path, values: dict[str, str]) -> str:
    """A ``$`` that begins no placeholder stays what it is: a price is one too."""
    template = Template(path.read_text(encoding="utf-8"))
    if unknown := sorted(set(template.get_identifiers()) - values.keys()):
        remedy = f"known are {', '.join(sorted(values))}"
        raise BadRequestError(field=path.name, value=f"${{{unknown[0]}}}", remedy=remedy)
    return template.safe_substitute(values)
