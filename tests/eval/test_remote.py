"""Measuring a running server: a real one over a scripted model, by the official client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import FakeRuntime, TimedGenerator
from sites import Site

from assistant.config import Settings
from assistant.errors import BadRequestError, EngineError, UnauthorizedError
from assistant.schema import Message
from assistant.web.draining import Drain
from assistant.web.shell import create_app
from eval import launching, runner
from eval.schema import (
    Case,
    ChatCase,
    Cited,
    DialogueCase,
    GroundedCase,
    Passage,
    PlainCase,
    RetrievalCase,
    RewriteCase,
    SentimentCase,
    Suite,
    SummarizeCase,
    VerdictCase,
)
from eval.subjects.local import LocalSubject
from eval.subjects.remote import RemoteSubject

PASSAGE = Passage("d1", "Terms", "Seven days.")
QUESTION = GroundedCase("g", "en", "How long?", (PASSAGE,), ("Seven days.",), True)
CASES: tuple[Case, ...] = (
    QUESTION,
    SentimentCase("s", "en", "a good day", "positive"),
    SummarizeCase("u", "en", "Leave is 24 days.", ("Leave.",)),
    ChatCase("c", "en", (Message("system", "Be brief."), Message("user", "Hello"))),
)


def suite(*cases: Case) -> Suite:
    return Suite("remote", 1, "", cases or CASES, (PASSAGE,), "a" * 64)


def alone(case: Case) -> Suite:
    return Suite("remote", 1, "", (case,), (), "a" * 64)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    drain = Drain(grace_s=1.0)
    runtime = FakeRuntime(tmp_path / "server", auth="users")
    site = Site(runtime, create_app(runtime, drain), drain)  # type: ignore[arg-type]
    yield site
    site.stop()


def remote(site: Site, **options: object) -> RemoteSubject:
    return RemoteSubject(f"{site.url}/v1", site.key("ada"), **options)  # type: ignore[arg-type]


def test_every_task_is_asked_through_the_api(site: Site, tmp_path: Path) -> None:
    found = runner.run(suite(), remote(site, oracle=True), tmp_path / "run")
    grounded, sentiment, summary, chat = found.predictions
    assert not any(each.error for each in found.predictions)
    assert grounded.output == "Seven days."
    assert grounded.retrieved == ("d1",)
    assert grounded.citations == (Cited(1, "d1", 0, 11),)
    assert grounded.verdicts == ("supported",)
    assert grounded.confidence == 0.9
    assert grounded.tokens == 2
    assert grounded.first_token_s is not None
    assert (sentiment.output, sentiment.probabilities) == ("positive", pytest.approx((0.1, 0.1, 0.8)))
    assert (summary.output, summary.citations) == ("Leave", (Cited(1, "u", 0, 5),))
    assert (chat.output, chat.tokens) == ("Seven days.", 2)
    asked = {call["request"].system: call["scope"] for call in site.runtime.calls if "request" in call}
    assert next(call["length"] for call in site.runtime.calls if "summarize" in call) == "sentence"
    assert asked["Be brief."] is None
    assert asked[""].given == (("d1", "Terms", "Seven days."),)


def test_dialogues_bring_their_documents_and_plain_questions_none(site: Site, tmp_path: Path) -> None:
    said = (Message("user", "Hi"), Message("assistant", "Hello"))
    dialogue = DialogueCase("d", "en", "How long?", "Seven days.", "answerable", said, (PASSAGE,))
    plain = PlainCase("p", "en", "direct", "How long?", said, must=("7 days",), answerable=True)
    (found,) = runner.run(alone(dialogue), remote(site), tmp_path / "dialogue").predictions
    assert (found.output, found.retrieved, found.citations) == (
        "Seven days.",
        ("d1",),
        (Cited(1, "d1", 0, 11),),
    )
    (found,) = runner.run(alone(plain), remote(site), tmp_path / "plain").predictions
    assert (found.retrieved, found.passages, found.scores["handled"]) == (("Terms",), ("Seven days.",), 1.0)
    assert [call["scope"].given for call in site.runtime.calls] == [(("d1", "Terms", "Seven days."),), ()]
    assert site.runtime.fake.prompts == [[*said, Message("user", "How long?")]] * 2


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (RewriteCase("r", "en", "And?", "And then?"), "rewrites or verdicts"),
        (VerdictCase("v", "en", "One.", "Two.", "supported"), "rewrites or verdicts"),
        (DialogueCase("d", "en", "Who?", "Nobody.", "unanswerable"), "without documents"),
    ],
)
def test_what_a_server_cannot_be_asked(site: Site, tmp_path: Path, case: Case, said: str) -> None:
    with pytest.raises(BadRequestError, match=said):
        runner.run(alone(case), remote(site), tmp_path / "run")


def test_without_retrieval_the_model_is_asked_alone(site: Site, tmp_path: Path) -> None:
    found = runner.run(suite(QUESTION), remote(site, retrieval=False), tmp_path / "run")
    assert site.runtime.calls[-1]["scope"] is None
    assert found.predictions[0].declined is False
    assert found.predictions[0].citations == ()


def test_a_suite_that_cannot_be_asked_by_url_is_refused_with_the_way_out(site: Site, tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="--oracle"):
        runner.run(suite(), remote(site), tmp_path / "a")
    lookup = RetrievalCase("r", "en", "days", ("d1",))
    with pytest.raises(BadRequestError, match="without --url"):
        runner.run(suite(lookup), remote(site), tmp_path / "b")


def test_what_the_server_is_goes_into_the_manifest(site: Site) -> None:
    told = remote(site, oracle=True).describe()
    assert told["base"] == "fake"
    assert told["models"] == ["youju", "fake", "tuned", "hash"]
    assert "youju-" not in str(told)  # no key
    with pytest.raises(BadRequestError, match="tuned"):
        remote(site, model="gpt-5")


def test_a_failing_case_is_recorded_and_a_server_that_is_gone_stops_the_run(
    site: Site, tmp_path: Path
) -> None:
    site.runtime.fake = TimedGenerator(fail_at=0)
    subject = remote(site, oracle=True)
    subject._client = subject._client.with_options(max_retries=0)
    failed = runner.run(suite(QUESTION), subject, tmp_path / "a").predictions[0]
    assert "told to fail" in failed.error
    late = remote(site, oracle=True)
    late._client = late._client.with_options(max_retries=0)
    site.stop()
    with pytest.raises(EngineError, match="cannot be reached"):
        runner.run(suite(QUESTION), late, tmp_path / "b")


def test_the_key_is_needed_and_never_shown(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnauthorizedError):
        RemoteSubject(f"{site.url}/v1", "wrong-key-123")
    wanted = launching.Wanted(Settings(), suite(), url=f"{site.url}/v1")
    with pytest.raises(BadRequestError, match="YOUJU_API_KEY"):
        launching.choose(wanted, adapter=None, retrieval=True)
    with pytest.raises(EngineError, match="ends in /v1") as unreachable:
        RemoteSubject("http://127.0.0.1:9/v1", "secret-key-123")
    assert "secret-key-123" not in str(unreachable.value)


def test_another_server_is_a_model_for_our_own_search(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eval.subjects.remote.models", lambda url, key: ["qwen", "other"])
    settings = Settings(home=tmp_path)
    with pytest.raises(BadRequestError, match="qwen, other"):
        launching.choose(launching.Wanted(settings, suite(), url="http://x/v1"), adapter=None, retrieval=True)
    wanted = launching.Wanted(settings, suite(), url="http://x/v1", base="qwen")
    subject = launching.choose(wanted, adapter=None, retrieval=True)
    assert isinstance(subject, LocalSubject)
    told = subject.describe()
    assert (told["base"], told["base_url"]) == ("qwen", "http://x/v1")
