"""Our wheel: the same files give the same bytes, from a clone and from what a wheel installed."""

from __future__ import annotations

import importlib.metadata
import zipfile
from pathlib import Path

import pytest

from assistant.deploying import variants, wheel
from assistant.errors import StorageError


def _unpacked(built: Path, folder: Path) -> importlib.metadata.Distribution:
    """What an installer makes of a wheel, with the files that are its own."""
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder)
    (info,) = folder.glob("*.dist-info")
    (info / "INSTALLER").write_text("pip\n")
    (folder / "assistant" / "__pycache__").mkdir()
    (folder / "assistant" / "__pycache__" / "config.cpython-311.pyc").write_bytes(b"\0")
    with (info / "RECORD").open("a") as record:
        record.write(f"{info.name}/INSTALLER,,\n../../../bin/youju,,\n")
        record.write("assistant/__pycache__/config.cpython-311.pyc,,\n")
    return importlib.metadata.PathDistribution(info)


def _members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """Built as a deploy does it; the other tests share one that was."""
    return wheel._built(wheel.clone() or Path(), tmp_path)


def test_the_same_sources_give_the_same_bytes(real: Path, built: Path) -> None:
    assert real.read_bytes() == built.read_bytes()


def test_it_brings_the_variants_and_nothing_of_this_machine(built: Path) -> None:
    names = zipfile.ZipFile(built).namelist()
    for variant in variants.names():
        for path in (variants.source() / variant).rglob("*"):
            inside = f"assistant/deploying/templates/{path.relative_to(variants.source()).as_posix()}"
            assert inside in names or path.is_dir() or "__pycache__" in path.parts
    assert not [name for name in names if name.startswith(("spaces/", "tests/")) or name.endswith(".pyc")]
    assert str(wheel.clone()).encode() not in b"".join(_members(built).values())


def test_a_file_that_a_build_left_behind_does_not_get_in(real: Path, tmp_path: Path) -> None:
    source = tmp_path / "clone"
    for name in wheel.SOURCES:
        wheel._copy((wheel.clone() or Path()) / name, source / name)
    stale = source / "build" / "lib" / "assistant" / "stale.py"
    stale.parent.mkdir(parents=True)
    stale.write_text("")
    (source / "assistant" / "cli.py").touch(mode=0o755)
    (source / "assistant" / "cli.py").unlink()
    (tmp_path / "again").mkdir()
    assert wheel._built(source, tmp_path / "again").read_bytes() == real.read_bytes()
    assert not list(source.glob("*.egg-info"))


def test_an_installed_youju_packs_itself_without_what_the_installer_added(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = _unpacked(built, tmp_path / "site-packages")
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: installed)
    packed = wheel._packed(tmp_path)
    assert packed.name == built.name
    first, again = _members(built), _members(packed)
    record = next(name for name in first if name.endswith("/RECORD"))
    assert sorted(first) == sorted(again)
    assert {name for name in first if first[name] != again[name]} <= {record}
    (tmp_path / "twice").mkdir()
    assert wheel._packed(tmp_path / "twice").read_bytes() == packed.read_bytes()
    assert _hashes(again[record]) == _hashes(first[record])


def _hashes(record: bytes) -> set[str]:
    return {line for line in record.decode().splitlines() if line.count(",") == 2}


def test_what_it_needs_is_read_without_the_extras(built: Path) -> None:
    asked = wheel.requirements(built)
    assert any(line.startswith("httpx") for line in asked)
    assert not any(line.startswith(("pytest", "trl")) for line in asked)


def test_a_build_that_fails_says_why(tmp_path: Path) -> None:
    for name in wheel.SOURCES:
        wheel._copy((wheel.clone() or Path()) / name, tmp_path / "clone" / name)
    (tmp_path / "clone" / "pyproject.toml").write_text("[project")
    with pytest.raises(StorageError, match="install setuptools 80 or newer"):
        wheel._built(tmp_path / "clone", tmp_path)
