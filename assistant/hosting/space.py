"""A Hugging Face Space: what its environment says, and the settings that follow from it.

Every ``YOUJU_*`` variable or secret of the Space beats what is chosen here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from assistant import config, mounts
from assistant.config import PREFIX, Settings
from assistant.errors import ConfigError, YoujuError
from assistant.hosting import content
from assistant.hosting.serving import Place, serve
from assistant.models import adapters
from assistant.schema import AdapterRef

if TYPE_CHECKING:
    from assistant.engine.protocol import Lend
    from assistant.web.huggingface import Provider

FRAMED_BY = "https://huggingface.co"
BUCKET = Path("/data")
"""Where a bucket is mounted, unless YOUJU_SNAPSHOTS names another folder."""


@dataclass(frozen=True, slots=True)
class Space:
    """The Space that this process runs in."""

    id: str
    """OWNER/NAME."""
    hosts: tuple[str, ...]
    """Its own address first, then the custom domains."""
    provider: Provider | None
    """Set with ``hf_oauth: true``."""

    @classmethod
    def here(cls, environ: Mapping[str, str] = os.environ) -> Space | None:
        """The Space of this environment; ``None`` anywhere else."""
        if environ.get("SYSTEM") != "spaces" or not environ.get("SPACE_ID"):
            return None
        named = environ.get("SPACE_HOST", "").split(",")
        hosts = tuple(host.strip().lower() for host in named if host.strip())
        return cls(environ["SPACE_ID"], hosts, _provider(environ, hosts))

    def settings(self, app: Path, bucket: Path = BUCKET, **chosen: Any) -> Settings:
        """Settings for this Space.

        Args:
            app: The folder of ``app.py``.
            bucket: Taken for snapshots where something is mounted there.
            chosen: The variant's own choices.

        Raises:
            ConfigError: A variable of the Space cannot be used, or its data folder lies on a mounted bucket.
        """
        values: dict[str, Any] = {
            "host": "0.0.0.0",
            "auth": "huggingface" if self.provider else "visitors",
            "allowed_hosts": self.hosts,
            "frame_ancestors": (FRAMED_BY,),
            "behind_https": True,
            "ephemeral": True,
            **chosen,
        }
        if bucket.is_mount():
            values["snapshots"] = str(bucket)
        if (only := _only_adapter(app)) is not None:
            values |= {"adapter": only.name, "model": only.base}
        free = {name: value for name, value in values.items() if PREFIX + name.upper() not in os.environ}
        settings = config.load(**free)
        if kind := mounts.network(settings.home):
            raise ConfigError(field="home", value=f"{settings.home} ({kind})", remedy=mounts.REMEDY)
        if settings.auth == "huggingface" and self.provider is None:
            remedy = "write hf_oauth: true into the README's front matter"
            raise ConfigError(field="auth", value="huggingface", remedy=remedy)
        return settings


def run(app: Path, lend: Lend | None = None, **chosen: Any) -> None:
    """Run the server of a variant, on a Space or anywhere else, until it is stopped; exits where it cannot.

    Args:
        app: The folder of ``app.py``; ``content/`` beside it is what the server brings along.
        lend: Decorates what needs the GPU, on ZeroGPU.
        chosen: Settings of this variant, unless the environment names others.
    """
    try:
        space = Space.here()
        settings = space.settings(app, **chosen) if space else _elsewhere(chosen)
        began = _report if lend is not None else Place().began
        provider = space.provider if space else None
        serve(settings, Place(app / content.FOLDER, provider, pulls=True, lend=lend, began=began))
    except YoujuError as fault:
        sys.stderr.write(f"youju: {fault}\n")
        sys.exit(fault.exit_code)


def _elsewhere(chosen: Mapping[str, Any]) -> Settings:
    """On one's own machine, or in a container elsewhere, the environment says who may come in."""
    return config.load(
        **{name: value for name, value in chosen.items() if PREFIX + name.upper() not in os.environ}
    )


def _provider(environ: Mapping[str, str], hosts: tuple[str, ...]) -> Provider | None:
    from assistant.web.huggingface import Provider

    client_id, secret = environ.get("OAUTH_CLIENT_ID", ""), environ.get("OAUTH_CLIENT_SECRET", "")
    if not (client_id and secret and hosts):
        return None
    issuer = environ.get("OPENID_PROVIDER_URL") or FRAMED_BY
    owner = environ["SPACE_ID"].partition("/")[0]
    return Provider(client_id, SecretStr(secret), issuer, hosts[0], owner)


def _only_adapter(app: Path) -> AdapterRef | None:
    """The adapter that was deployed; with several, the promoted one or a setting says which answers."""
    found = content.adapter_folders(app / content.FOLDER)
    return adapters.read(found[0]) if len(found) == 1 else None


def _report() -> None:
    """Tell ZeroGPU which functions want a GPU; the package does it when Gradio serves, and we serve."""
    from spaces.config import Config

    from spaces import zero

    if Config.zero_gpu:
        zero.startup()
