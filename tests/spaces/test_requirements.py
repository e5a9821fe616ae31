"""What a Space's build installs beside our requirements must agree with them, or the build fails there."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

SPACES = Path(__file__).parents[2] / "spaces"
BUILD = ("uvicorn>=0.14.0", "websockets>=10.4", "spaces", "torch<=2.13.0")
"""Beside ``gradio[oauth,mcp]`` of the front matter's ``sdk_version``; the last one on ZeroGPU."""


def pins(variant: str) -> dict[str, str]:
    lines = (SPACES / variant / "requirements.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if "==" in line and not line.startswith(("#", "-"))]
    return {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in found}


def asked_beside() -> Iterator[Requirement]:
    for line in requires("gradio") or ():
        asked = Requirement(line)
        here = {"python_version": "3.12", "python_full_version": "3.12.12", "sys_platform": "linux"}
        if asked.marker is None or any(
            asked.marker.evaluate({**here, "extra": extra}) for extra in ("", "oauth", "mcp")
        ):
            yield asked
    yield from map(Requirement, BUILD)


@pytest.mark.parametrize("variant", ["cpu", "gpu", "zerogpu"])
def test_the_build_finds_versions_that_suit_all(variant: str) -> None:
    pinned = pins(variant)
    assert "gradio" not in pinned  # sdk_version brings it
    checked = [asked for asked in asked_beside() if canonicalize_name(asked.name) in pinned]
    assert {"pydantic", "fastapi", "huggingface-hub", "torch"} <= {asked.name for asked in checked}
    for asked in checked:
        version = pinned[canonicalize_name(asked.name)].partition("+")[0]
        assert asked.specifier.contains(version), f"{asked.name}=={version}, but {asked}"


def test_zerogpu_takes_no_newer_torch_than_it_lists() -> None:
    assert pins("zerogpu")["torch"] == "2.11.0"
