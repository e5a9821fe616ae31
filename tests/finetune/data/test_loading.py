"""Sources of several kinds together: folders, the Hub's library, ids, drawing a part."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

from assistant.errors import TrainingDataError
from finetune.data.loading import load


def _rows(path: Path, *replies: str, **other: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"prompt": f"Ask for {reply}", "completion": reply, **other}) for reply in replies]
    path.write_text("\n".join(lines))
    return path


def _replies(*sources: Path | str, limit: int | None = None) -> list[str]:
    return [each.messages[-1].text for each in load([str(each) for each in sources], limit=limit).examples]


def test_a_folder_is_all_its_files_in_order(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "deep/c.jsonl", ".git/d.jsonl", ".hidden.jsonl"):
        _rows(tmp_path / "data" / name, name)
    (tmp_path / "data" / "README.md").write_text("# About")
    assert _replies(tmp_path / "data") == ["a.jsonl", "b.jsonl", "deep/c.jsonl"]


def test_sources_keep_their_order_and_a_bad_file_loses_no_other(tmp_path: Path) -> None:
    first, last = _rows(tmp_path / "z.jsonl", "first"), _rows(tmp_path / "a.jsonl", "last")
    (tmp_path / "bad.parquet").write_bytes(b"no")
    loaded = load([str(first), str(tmp_path / "bad.parquet"), str(last)])
    assert [each.messages[-1].text for each in loaded.examples] == ["first", "last"]
    assert [(fault.origin.file, fault.kind) for fault in loaded.faults] == [
        (str(tmp_path / "bad.parquet"), "file")
    ]


def test_however_many_lines_are_broken_the_others_are_read(tmp_path: Path) -> None:
    path = _rows(tmp_path / "a.jsonl", "x", "y")
    path.write_text("{\n" * 60 + path.read_text() + "\n{" * 60)
    loaded = load([str(path)])
    assert ([each.messages[-1].text for each in loaded.examples], len(loaded.faults)) == (["x", "y"], 120)


def test_a_file_is_known_by_its_bytes(tmp_path: Path) -> None:
    path = _rows(tmp_path / "a.jsonl", "one", "two")
    (file,) = load([str(path)]).files
    assert (file.path, file.rows, file.format) == (str(path), 2, "prompt-completion")
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_ids_are_unique_over_all_sources(tmp_path: Path) -> None:
    one = _rows(tmp_path / "1" / "a.jsonl", "x", "y", id="same")
    two = _rows(tmp_path / "2" / "a.jsonl", "z", id="same~2")
    case = {"id": "same", "task": "sentiment", "lang": "en", "text": "Fine.", "label": "positive"}
    (tmp_path / "c.jsonl").write_text(json.dumps(case))
    examples = load([str(one), str(two), str(tmp_path / "c.jsonl")]).examples
    assert len({each.id for each in examples}) == 4
    assert examples[3].case is not None
    assert examples[3].case["id"] == examples[3].id != "same"


def test_files_of_one_name_give_different_ids(tmp_path: Path) -> None:
    paths = [_rows(tmp_path / name / "a.jsonl", "x") for name in "12"]
    assert len({each.id for each in load(list(map(str, paths))).examples}) == 2


def test_a_part_is_drawn_from_everywhere_and_the_same_each_time(tmp_path: Path) -> None:
    path = _rows(tmp_path / "a.jsonl", *(f"{n:03}" for n in range(200)))
    drawn = _replies(path, limit=50)
    assert drawn == sorted(drawn) == _replies(path, limit=50)
    assert len(drawn) == 50
    assert drawn[0] < "040" < "160" < drawn[-1]
    assert set(_replies(path, limit=20)) < set(drawn)
    assert len(_replies(path, limit=1000)) == 200


def test_a_source_that_is_not_there_is_an_error_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingDataError, match=r"missing\.jsonl: there is no such file"):
        load([str(tmp_path / "missing.jsonl")])
    with pytest.raises(TrainingDataError, match="no file of examples; put files of these types"):
        load([str(tmp_path / "empty")])


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the datasets library finds by the address of a dataset."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "team" / "faq").mkdir(parents=True)
    return tmp_path / "team" / "faq"


def test_a_dataset_by_its_address(hub: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    said = [{"from": "human", "value": "有据？"}, {"from": "gpt", "value": "有。"}]
    for split in ("train", "test"):
        rows = [{"conversations": said}, {"conversations": []}][: 2 if split == "train" else 1]
        parquet.write_table(pa.Table.from_pylist(rows), hub / f"{split}.parquet")
    loaded = load(["hub:team/faq"])
    assert [each.messages[-1].text for each in loaded.examples] == ["有。"]
    assert [(f.origin.file, f.origin.row, f.kind) for f in loaded.faults] == [("hub:team/faq", 2, "empty")]
    assert loaded.files[0].format == "sharegpt"
    other = load(["hub:team/faq:test"])
    assert (len(other.examples), other.faults) == (1, ())
    assert other.files[0].sha256 != loaded.files[0].sha256
    with pytest.raises(TrainingDataError, match="dev"):
        load(["hub:team/faq:dev"])


def test_without_a_network_a_dataset_says_what_to_do(hub: Path) -> None:
    with pytest.raises(TrainingDataError, match=r"hub:nobody/nothing.*unset HF_HUB_OFFLINE, or download"):
        load(["hub:nobody/nothing"])


def test_without_its_library_a_dataset_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(TrainingDataError, match=r"pip install 'youju\[train\]'"):
        load(["hub:team/faq"])


@pytest.mark.parametrize(
    "address", ["hub:", "hub:name", "hub:../../etc/x", "hub:a/b/c/d", "hub:/etc/passwd", "hub:a/.."]
)
def test_what_is_no_address_never_reaches_the_library(address: str) -> None:
    with pytest.raises(TrainingDataError, match="is no address of the Hub"):
        load([address])
