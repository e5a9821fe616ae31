"""A variant's ``requirements.txt``, checked: every line pinned, and all that our wheel needs among them.

Hugging Face installs ``requirements.txt`` of a Gradio Space before it copies the other files of the Space: a
wheel beside it is not there yet. ``app.py`` brings it in when it starts, without its dependencies, so these
must stand here. A Dockerfile copies what it likes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from assistant.deploying import wheel
from assistant.deploying.frontmatter import FrontMatter
from assistant.errors import BadRequestError

FILE = "requirements.txt"
OPTIONS = ("--extra-index-url", "--index-url", "--find-links", "--no-cache-dir", "--prefer-binary")


def check(folder: Path, front: FrontMatter, ours: Path) -> None:
    """Check the requirements of a rendered variant.

    Args:
        folder: The variant.
        front: Its front matter.
        ours: Our wheel.

    Raises:
        BadRequestError: A line that is not pinned, a local file where there is none yet, or a package that
            is missing or too old for our wheel.
    """
    pinned: dict[str, Version] = {}
    for line in _lines(folder / FILE):
        if line.endswith(".whl"):
            _check_wheel(line, front, ours)
            continue
        asked = _read(line)
        pinned[canonicalize_name(asked.name)] = _version(asked, line)
    if front.sdk_version:
        if "gradio" in pinned:
            raise _unfit("gradio", "leave it out: sdk_version in README.md says which is installed")
        pinned["gradio"] = Version(front.sdk_version)
    _check_enough(pinned, ours, front.python_version or "3.12")


def _lines(path: Path) -> Iterator[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.partition(" #")[0].strip()
        if words and not words.startswith("#") and not words.startswith(OPTIONS):
            yield words


def _check_wheel(line: str, front: FrontMatter, ours: Path) -> None:
    if front.sdk == "gradio":
        remedy = "leave it out and install it in app.py: at this step of a build no other file is there"
        raise _unfit(line, remedy)
    if Path(line).name != ours.name:
        raise _unfit(line, f"name the wheel that goes along, {ours.name}")


def _read(line: str) -> Requirement:
    try:
        return Requirement(line)
    except InvalidRequirement:
        raise _unfit(line, "write NAME==VERSION") from None


def _version(asked: Requirement, line: str) -> Version:
    pins = [each.version for each in asked.specifier if each.operator == "==" and "*" not in each.version]
    if len(pins) != 1:
        raise _unfit(line, "pin it: NAME==VERSION")
    return Version(pins[0])


def _check_enough(pinned: dict[str, Version], ours: Path, python: str) -> None:
    here = {"python_version": python, "python_full_version": python, "sys_platform": "linux", "extra": ""}
    for line in wheel.requirements(ours):
        asked = Requirement(line)
        if asked.marker and not asked.marker.evaluate(here):
            continue
        found = pinned.get(canonicalize_name(asked.name))
        if found is None:
            raise _unfit(asked.name, f"add it: our wheel needs {line}")
        if not asked.specifier.contains(found, prereleases=True):
            raise _unfit(f"{asked.name}=={found}", f"our wheel needs {line}")


def _unfit(value: str, remedy: str) -> BadRequestError:
    return BadRequestError(field=FILE, value=repr(value)[:120], remedy=remedy)
