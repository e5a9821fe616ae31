"""Fitting how a reader's judgement counts beside the check of words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakes import FakeGenerator, WordEmbedder, opened

from assistant.assistant import Assistant
from assistant.config import Settings
from assistant.errors import BadRequestError
from assistant.evidence import calibration, verdicts
from assistant.evidence.judging import VerdictWeights
from assistant.schema import Verdict
from assistant.tools.reader import Reader
from eval import calibrating, claims
from eval.schema import Suite, VerdictCase

SOURCE = "Refunds are paid within 14 days after the parcel has come back to us."
PARAPHRASE = "You get your money two weeks after we have the goods again."


def made_up(count: int = 120, seed: int = 0) -> list[claims.Judged]:
    """The reader's word tells most; the check of words says little."""
    chance = np.random.default_rng(seed)
    found = []
    for n in range(count):
        supported = n % 2 == 0
        check = verdicts.examine(SOURCE if chance.random() < 0.6 else PARAPHRASE, [SOURCE])
        found.append(
            claims.Judged(supported, f"s{n // 3}", float(chance.normal(3 if supported else -3, 2)), check)
        )
    return found


def test_what_the_reader_says_counts_for_what_it_tells() -> None:
    weights, measured = claims.fit(made_up())
    assert measured["verdict_balanced"] > 0.85
    assert weights.judged > 0.3
    check = verdicts.examine(PARAPHRASE, [SOURCE])
    assert weights.verdict(5.0, check) == (Verdict.SUPPORTED, "")
    assert weights.verdict(-5.0, verdicts.examine(SOURCE, [SOURCE]))[0] is Verdict.PARTLY


def test_a_number_that_the_source_lacks_stays_contradicted_unless_the_reader_is_sure() -> None:
    weights = VerdictWeights(fact=-3.0)
    check = verdicts.examine(SOURCE.replace("14", "30"), [SOURCE])
    assert weights.verdict(1.0, check) == (Verdict.CONTRADICTED, "number:30 day")
    assert weights.verdict(9.0, check)[0] is Verdict.SUPPORTED


def test_too_few_of_a_kind_are_refused() -> None:
    cases = [VerdictCase(id=str(n), lang="en", claim="a", evidence="b", label="supported") for n in range(30)]
    with pytest.raises(BadRequestError, match="0 other claims"):
        claims.judge(Reader(FakeGenerator("")), cases, lambda *_: None)


def test_the_command_s_fit_keeps_all_else_that_is_in_the_file(tmp_path: Path, monkeypatch) -> None:
    def asked(messages, reply):
        said = messages[-1].text
        return float(("fine" in said) == (reply == "yes"))

    generator = FakeGenerator("", scores=asked)
    monkeypatch.setattr(
        Assistant,
        "open",
        lambda settings, **_: opened(settings, embedder=WordEmbedder(), generator=generator),
    )
    cases = [
        VerdictCase(
            id=str(n), lang="en", claim="It is fine." if n % 2 else "It is late.", evidence=f"Fine or late {n}.",
            label="supported" if n % 2 else "unsupported",
        )
        for n in range(60)
    ]  # fmt: skip
    settings = Settings(home=tmp_path, model="smollm2-135m", adapter="none", samples=False)
    found, path = calibrating.calibrate(
        settings, Suite("claims", 1, "own", tuple(cases), (), ""), tmp_path, None, 0, lambda *_: None
    )
    assert found.verdict is not None
    assert found.fitted["verdict_balanced"] == 1.0
    assert found.answer == calibration.CAUTIOUS.answer
    assert calibration.load(tmp_path, "smollm2-135m", None, settings.embedder) == found
    assert path.parent == tmp_path / calibration.FOLDER
