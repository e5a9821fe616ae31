"""A training's TOML, read once into frozen objects. A key that is not known is an error, never ignored."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from assistant.errors import RecipeError

HERE = Path(__file__).parent / "configs"
"""The recipes that come with Youju."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Model(_Part):
    """Which base, in how many bits, and the name of the adapter to go on from, else a fresh one."""

    name: str = "qwen2.5-coder-0.5b"
    quantization: Literal["nf4", "none"] = "nf4"
    adapter: str = ""


class Data(_Part):
    """What is learnt, and what is held out: the files of ``test``, else a share of the sources."""

    train: tuple[str, ...] = Field(min_length=1)
    test: tuple[str, ...] = ()
    held_out: float = Field(default=0.1, ge=0.0, lt=1.0)
    seed: int = Field(default=0, ge=0)
    limit: int = Field(default=0, ge=0)
    check: Literal["stop", "warn"] = "stop"


class Lora(_Part):
    """The adapter's form."""

    rank: int = Field(default=16, ge=1, le=512)
    alpha: int = Field(default=32, ge=1, le=1024)
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    rslora: bool = False
    dora: bool = False
    upper: float = Field(default=1.0, gt=0, le=1)


class Training(_Part):
    """How long, how fast, and in what portions."""

    method: Literal["sft", "dpo"] = "sft"
    epochs: float = Field(default=1.0, gt=0, le=100)
    max_steps: int = Field(default=0, ge=0)
    learning_rate: float = Field(default=2e-4, gt=0, le=1)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = Field(default=0.03, ge=0, lt=1)
    tokens_per_batch: int = Field(default=4096, ge=16, le=4_194_304)
    max_length: int = Field(default=1024, ge=16, le=131_072)
    packing: bool = True
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    seed: int = Field(default=0, ge=0)
    beta: float = Field(default=0.1, gt=0, le=10)
    checkpoint_every: int = Field(default=100, ge=1)
    log_every: int = Field(default=5, ge=1)

    @model_validator(mode="after")
    def _portions(self) -> Self:
        if self.tokens_per_batch < self.max_length:
            raise ValueError(
                f"tokens_per_batch is below max_length ({self.max_length}): raise it, or lower that"
            )
        return self


class Evaluation(_Part):
    """What is measured while it trains, and when it has learnt enough."""

    every: int = Field(default=100, ge=1)
    cases: int = Field(default=32, ge=0, le=10_000)
    metric: Literal["", "loss", "accuracy", "token_f1", "rouge_l", "preferred"] = ""
    patience: int = Field(default=0, ge=0)


class Output(_Part):
    """Where the run and its adapter go."""

    folder: str = ""
    name: str = Field(default="", pattern=r"^$|^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    tracking: bool = False


class Config(_Part):
    """One training."""

    model: Model = Model()
    data: Data
    lora: Lora = Lora()
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    output: Output = Output()


def read(path: Path, changes: Sequence[str] = ()) -> Config:
    """Read a TOML file.

    Args:
        path: The file; the bare name of a shipped recipe will do.
        changes: ``part.key=value`` each, in TOML's own writing of values.

    Raises:
        RecipeError: The file cannot be read, or a key or value is not one that can be used.
    """
    found = path if path.is_file() else HERE / f"{path.name.removesuffix('.toml')}.toml"
    if not found.is_file():
        known = ", ".join(sorted(file.stem for file in HERE.glob("*.toml")))
        raise _refused(path, "file", str(path), f"name a TOML file, or one of {known}")
    try:
        tree = tomllib.loads(found.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise _refused(found, "file", str(fault), "mend the TOML") from None
    for change in changes:
        _change(tree, change, found)
    try:
        config = Config.model_validate(tree)
    except ValidationError as fault:
        raise _first(found, fault) from None
    files = {
        key: tuple(_there(source, found, key) for source in getattr(config.data, key))
        for key in ("train", "test")
    }
    return config.model_copy(update={"data": config.data.model_copy(update=files)})


def text(config: Config) -> str:
    """The recipe as TOML: every value, after all changes."""
    lines: list[str] = []
    for part, values in config.model_dump(mode="json").items():
        lines += [f"[{part}]", *(f"{key} = {_toml(value)}" for key, value in values.items()), ""]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    """Strings, numbers, truth and lists are written alike in JSON and TOML."""
    return json.dumps(value, ensure_ascii=False)


def _there(source: str, file: Path, key: str) -> str:
    """A source as it can be opened: beside the file, below ``YOUJU_DATA``, or as it stands."""
    if source.startswith("hub:") or Path(source).is_absolute():
        return source
    places = [
        file.parent,
        *([Path(os.environ["YOUJU_DATA"])] if os.environ.get("YOUJU_DATA") else []),
        Path(),
    ]
    for place in places:
        if (place / source).exists():
            return str((place / source).resolve())
    looked = ", ".join(str(place.resolve()) for place in places)
    raise _refused(
        file, f"data.{key}", source, f"it is in none of {looked}; write its whole path, or set YOUJU_DATA"
    )


def _change(tree: dict[str, Any], change: str, file: Path) -> None:
    name, equals, value = change.partition("=")
    part, dot, key = name.strip().partition(".")
    if not (equals and dot):
        raise _refused(file, "--set", change, "write part.key=value, like training.epochs=2")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    tree.setdefault(part, {})[key] = parsed


def _first(file: Path, fault: ValidationError) -> RecipeError:
    error = fault.errors()[0]
    field = ".".join(str(part) for part in error["loc"]) or "file"
    remedy = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        known = _known(error["loc"][:-1])
        remedy = f"there is no such key; there are: {', '.join(known)}"
    return _refused(file, field, error["input"], remedy)


def _known(path: tuple[int | str, ...]) -> list[str]:
    here: type[BaseModel] = Config
    for part in path:
        here = cast(type[BaseModel], here.model_fields[str(part)].annotation)
    return list(here.model_fields)


def _refused(file: Path, field: str, value: Any, remedy: str) -> RecipeError:
    return RecipeError(file=str(file), field=field, value=value, remedy=remedy)
