"""What a Space's README says at its top, checked here before Hugging Face does: keys, choices, lengths.

After https://huggingface.co/docs/hub/spaces-config-reference.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from assistant.errors import BadRequestError

FILE = "README.md"
_HEAD = re.compile(r"\A---\r?\n(.*?)\r?\n---\r?\n", re.DOTALL)

Colour = Literal["red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"]
RepoId = Annotated[str, StringConstraints(pattern=r"^[\w.-]{1,96}/[\w.-]{1,96}$")]
Duration = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)?\s?(s|m|h|d|ms|min|sec|hours?|minutes?)$")]
Preload = Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+( [^ ]+)?( [0-9a-f]{40})?$")]
Scope = Literal[
    "email", "read-repos", "write-repos", "manage-repos", "read-mcp", "write-discussions", "read-billing",
    "inference-api", "jobs", "webhooks", "contribute-repos", "gated-repos", "openid", "profile",
]  # fmt: skip


def _hardware(value: Any) -> Any:
    from huggingface_hub import SpaceHardware

    known = [each.value for each in SpaceHardware]
    if value not in known:
        raise ValueError(f"use one of {', '.join(known)}")
    return value


Hardware = Annotated[str, BeforeValidator(_hardware)]


class FrontMatter(BaseModel):
    """Every key that Hugging Face reads, and no other."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    title: str = Field(min_length=1, max_length=100)
    emoji: str = Field(min_length=1, max_length=8, pattern=r"^[^\x00-\x7f]+$")
    colorFrom: Colour  # noqa: N815  # the names are Hugging Face's
    colorTo: Colour  # noqa: N815
    sdk: Literal["gradio", "docker"]
    sdk_version: str | None = Field(None, pattern=r"^\d+\.\d+\.\d+$")
    python_version: str | None = Field(None, pattern=r"^3\.\d+(\.\d+)?$")
    app_file: str | None = None
    app_port: int | None = Field(None, ge=1, le=65535)
    base_path: str | None = Field(None, pattern=r"^/")
    suggested_hardware: Hardware | None = None
    models: list[RepoId] = []
    datasets: list[RepoId] = []
    tags: list[str] = []
    license: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    pinned: bool = False
    short_description: str = Field(min_length=1, max_length=60)
    thumbnail: str | None = Field(None, pattern=r"^https://")
    header: Literal["mini", "default"] | None = None
    fullWidth: bool = True  # noqa: N815
    hf_oauth: bool = False
    hf_oauth_scopes: list[Scope] = []
    hf_oauth_expiration_minutes: int = Field(480, ge=1, le=43200)
    hf_oauth_authorized_org: str | list[str] | None = None
    disable_embedding: bool = False
    startup_duration_timeout: Duration | None = None
    preload_from_hub: list[Preload] = []


def check(folder: Path) -> FrontMatter:
    """Read and check the front matter of a rendered variant.

    Raises:
        BadRequestError: A key that is unknown, missing, of another kind, or too long; names it.
    """
    front = _parse((folder / FILE).read_text(encoding="utf-8"))
    needed = ("sdk_version", "python_version", "app_file") if front.sdk == "gradio" else ("app_port",)
    for key in needed:
        if getattr(front, key) is None:
            raise _unfit(key, "nothing", f"a Space with sdk: {front.sdk} needs it")
    app = front.app_file or "Dockerfile"
    if not (folder / app).is_file():
        raise _unfit("app_file", app, "there is no such file in the variant")
    return front


def _parse(text: str) -> FrontMatter:
    import yaml

    head = _HEAD.match(text)
    try:
        found = yaml.safe_load(head.group(1)) if head else None
    except yaml.YAMLError as fault:
        raise _unfit("front matter", "YAML", " ".join(str(fault).split())[:200]) from None
    if not isinstance(found, dict):
        raise _unfit("front matter", "what is there", "begin the file with --- and key: value lines")
    try:
        return FrontMatter(**found)
    except ValidationError as fault:
        first = fault.errors()[0]
        raise _unfit(".".join(map(str, first["loc"])), first["input"], first["msg"]) from None


def _unfit(key: str, value: Any, remedy: str) -> BadRequestError:
    return BadRequestError(field=f"{FILE}, {key}", value=repr(value)[:120], remedy=remedy)
