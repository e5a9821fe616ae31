"""``youju eval push`` against a stand-in of the Hub: suites and runs as datasets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hub_server
import pytest
from eval_scripted import Scripted, suite
from huggingface_hub import DatasetCard, constants

from assistant.commands.app import run
from eval import loading, publishing, report, runner, runs


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[hub_server.StandIn]:
    with hub_server.StandIn() as server:
        monkeypatch.setenv("HF_TOKEN", hub_server.TOKEN)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        yield server


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    report.write(runner.run(suite(), Scripted(), folder))
    (folder / "notes.txt").write_text("only for us")
    return folder


def test_a_suite_goes_as_it_is_with_a_card(hub: hub_server.StandIn, tmp_path: Path) -> None:
    assert run(["eval", "push", "sentiment-en", "me/feelings"]) == 0
    found = hub.repos["dataset", "me/feelings"]
    assert set(found.files) == {".gitattributes", "README.md", "sentiment-en.jsonl"}
    assert len(found.commits) == 1
    card = DatasetCard(found.files["README.md"].decode())
    assert (card.data.license, card.data.language) == ("cc0-1.0", ["en"])
    assert "| sentiment | en | 102 |" in card.text
    back = tmp_path / "sentiment-en.jsonl"
    back.write_bytes(found.files["sentiment-en.jsonl"])
    assert loading.load(back) == loading.load("sentiment-en")


def test_a_run_goes_with_its_report_and_nothing_else_of_its_folder(
    hub: hub_server.StandIn, measured: Path, tmp_path: Path
) -> None:
    assert run(["eval", "push", str(measured), "me/run", "--private"]) == 0
    found = hub.repos["dataset", "me/run"]
    assert found.private
    assert set(found.files) == {".gitattributes", "README.md", *publishing.RUN}
    assert DatasetCard(found.files["README.md"].decode()).text.strip().startswith("# scripted")
    back = tmp_path / "back"
    back.mkdir()
    for name in publishing.RUN:
        (back / name).write_bytes(found.files[name])
    assert runs.read(back).predictions == runs.read(measured).predictions


def test_the_dry_run_sends_nothing_and_needs_no_login(
    monkeypatch: pytest.MonkeyPatch, hub: hub_server.StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    assert run(["eval", "push", "summarize", "me/short", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "would go to me/short (public)" in said
    assert "summarize.jsonl" in said
    assert not hub.repos


def test_a_run_without_a_report_is_refused(
    hub: hub_server.StandIn, measured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (measured / "report.html").unlink()
    assert run(["eval", "push", str(measured), "me/run"]) == 2
    assert "lacks report.html" in capsys.readouterr().err
    assert not hub.repos


@pytest.mark.parametrize(
    ("name", "metadata"),
    [
        ("CC BY-SA 4.0", {"license": "cc-by-sa-4.0"}),
        ("ours alone", {"license": "other", "license_name": "ours alone"}),
        ("", {"license": None}),
    ],
)
def test_a_licence_goes_as_the_hub_spells_it(name: str, metadata: dict[str, str | None]) -> None:
    assert publishing._licence(name) == metadata
