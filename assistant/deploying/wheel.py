"""Our own wheel, made here: from the clone that runs, or from the installed files where there is none.

The same files give the same bytes, so that an update without changes uploads nothing.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import assistant
from assistant.errors import StorageError

NAME = "youju"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every member: the earliest that a zip file can say."""
SOURCES = ("assistant", "eval", "finetune", "spaces", "pyproject.toml", "README.md", "LICENSE", "NOTICE")
"""What a build reads of a clone."""
_BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
_OF_THE_INSTALLER = frozenset({"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"})


def clone() -> Path | None:
    """The folder of the sources, where this program runs from one."""
    folder = Path(assistant.__file__).parent.parent
    project = folder / "pyproject.toml"
    is_ours = project.is_file() and f'name = "{NAME}"' in project.read_text(encoding="utf-8")
    return folder if is_ours else None


def build(folder: Path) -> Path:
    """Write the wheel into a folder.

    Raises:
        StorageError: It could not be built; says why.
    """
    source = clone()
    return _built(source, folder) if source else _packed(folder)


def requirements(wheel: Path) -> list[str]:
    """What a wheel asks for, as its metadata says, without extras."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith(".dist-info/METADATA")]
        lines = archive.read(name).decode().partition("\n\n")[0].splitlines()
    asked = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")]
    return [line for line in asked if "extra ==" not in line]


def _built(source: Path, folder: Path) -> Path:
    """Built from a copy: nothing is left behind in the clone, nothing of an earlier build gets in."""
    with tempfile.TemporaryDirectory() as made:
        copy = Path(made)
        for name in SOURCES:
            _copy(source / name, copy / name)
        environment = os.environ | {"SOURCE_DATE_EPOCH": "315532800"}
        done = subprocess.run(
            [sys.executable, "-c", _BUILD, str(folder.absolute())],
            cwd=copy, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["setuptools gave no reason"])[-1]
        raise StorageError(what="the wheel", reason=reason, remedy="install setuptools 80 or newer")
    return folder / done.stdout.split()[-1]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        kept = shutil.ignore_patterns("__pycache__", "*.pyc", ".*_cache")
        shutil.copytree(source, target, ignore=kept, copy_function=_copy_plain)
    else:
        _copy_plain(source, target)


def _copy_plain(source: Path | str, target: Path | str) -> None:
    """Without the file's own mode and date, which differ from clone to clone."""
    shutil.copyfile(source, target)
    Path(target).chmod(0o644)


def _packed(folder: Path) -> Path:
    """Pack what was installed, by the installer's own list, as a wheel again."""
    distribution = importlib.metadata.distribution(NAME)
    path = folder / f"{NAME}-{distribution.version}-py3-none-any.whl"
    rows = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(_installed(distribution)):
            archive.writestr(_member(name), data, zipfile.ZIP_DEFLATED)
            rows.append(f"{name},sha256={_digest(data)},{len(data)}")
        record = f"{NAME}-{distribution.version}.dist-info/RECORD"
        archive.writestr(_member(record), "\n".join([*rows, f"{record},,", ""]))
    return path


def _installed(distribution: importlib.metadata.Distribution) -> Iterator[tuple[str, bytes]]:
    for file in distribution.files or ():
        place = PurePosixPath(file)
        of_the_installer = place.parent.suffix == ".dist-info" and place.name in _OF_THE_INSTALLER
        if place.parts[0] == ".." or place.is_absolute() or place.suffix == ".pyc" or of_the_installer:
            continue
        yield str(place), Path(str(distribution.locate_file(file))).read_bytes()


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, EPOCH)
    info.external_attr = 0o100644 << 16
    return info


def _digest(data: bytes) -> str:
    """As RECORD writes a hash."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
