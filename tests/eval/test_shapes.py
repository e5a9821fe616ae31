"""Plain questions, dialogues, rewrites and verdicts put to the assistant: by which path, over which documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes import FakeGenerator, FakeRuntime

from assistant.config import Settings
from assistant.errors import BadRequestError
from assistant.evidence.calibration import CAUTIOUS, Calibration
from assistant.schema import Message
from assistant.scope import Scope
from assistant.tools.reader import Reader
from eval import report, runner, runs
from eval.schema import (
    Case,
    Cited,
    DialogueCase,
    Passage,
    PlainCase,
    Prediction,
    RewriteCase,
    SentimentCase,
    Suite,
    VerdictCase,
)
from eval.subjects.hosted import HostedSubject
from eval.subjects.local import LocalSubject

EARLIER = (Message("user", "How long is probation?"), Message("assistant", "Three months."))
PLAIN = PlainCase(
    "p",
    "en",
    "followup",
    "And the notice?",
    EARLIER,
    must=("7 days",),
    answerable=True,
    evidence="Seven days.",
)
DIALOGUE = DialogueCase(
    "d",
    "en",
    "And the notice?",
    "Seven days.",
    "answerable",
    EARLIER,
    (Passage("d1", "Terms", "Seven days."),),
)
BARE = DialogueCase("b", "en", "Who won?", "I do not have that information.", "unanswerable")
REWRITE = RewriteCase("r", "en", "and for dogs?", "What is the fee for dogs?", ("What is the fee for cats?",))
VERDICTS = (
    VerdictCase("v1", "en", "Refunds take seven days.", "Refunds take seven days.", "supported"),
    VerdictCase("v2", "en", "Refunds take nine days.", "Refunds take seven days.", "unsupported"),
    VerdictCase("v3", "en", "Dogs are welcome.", "Refunds take seven days.", "unsupported"),
)


class Home(FakeRuntime):
    """With a model that rewrites, and one document where it is told so."""

    def __init__(self, home: Path, *, documents: int = 0) -> None:
        super().__init__(home)
        self.rewriter = FakeGenerator("What is the fee for dogs?")
        user = self.store.users.local()
        for n in range(documents):
            record = self.store.documents.add(
                user,
                self.store.collections.default(user).id,
                title="Terms",
                filename="terms.txt",
                media_type="text/plain",
                sha256=str(n),
                size=1,
            )
            self.store.documents.set_state(user, record.id, "ready")

    def reader(self, adapter: str | None = None, user: str = "") -> Reader:
        return Reader(self.rewriter)

    def calibration(self, adapter: str | None = None) -> Calibration:
        return CAUTIOUS


class Local(LocalSubject):
    """Over a scripted runtime, in the place of the one that it would open."""

    def __init__(self, runtime: Any, **options: Any) -> None:
        super().__init__(Settings(home=runtime.settings.home), adapter="none", **options)
        self.scripted, self.opened = runtime, ""

    def describe(self) -> dict[str, Any]:
        return {"base": "scripted"}

    def _open(self, home: Path) -> Any:
        self.opened = "folder of the run"
        return self.scripted

    def _in_use(self) -> Any:
        self.opened = "folder in use"
        return self.scripted


def run(subject: Local, folder: Path, *cases: Case) -> list[Prediction]:
    found = runner.run(Suite("shapes", 1, "", cases, (), "a" * 64), subject, folder)
    assert not [each.error for each in found.predictions if each.error]
    return list(found.predictions)


def test_a_plain_question_is_put_to_the_documents_in_use(tmp_path: Path) -> None:
    subject = Local(Home(tmp_path / "home", documents=1))
    (found,) = run(subject, tmp_path / "run", PLAIN)
    assert subject.opened == "folder in use"
    assert (found.task, found.output, found.retrieved) == ("plain", "Seven days.", ("Terms",))
    assert found.passages == ("Seven days.",)
    assert found.scores["handled"] == found.scores["evidence_shown"] == 1.0
    (call,) = subject.scripted.calls
    assert call["scope"] == Scope()
    assert subject.scripted.fake.prompts == [[*EARLIER, Message("user", "And the notice?")]]


def test_a_dialogue_searches_its_own_documents_alone(tmp_path: Path) -> None:
    subject = Local(Home(tmp_path / "home"))
    found = {each.id: each for each in run(subject, tmp_path / "run", DIALOGUE, BARE)}
    assert subject.opened == "folder of the run"
    assert (found["d"].retrieved, found["d"].citations) == (("d1",), (Cited(1, "d1", 0, 11),))
    assert found["b"].retrieved == ()
    scopes = sorted((call["scope"] for call in subject.scripted.calls), key=lambda scope: len(scope.given))
    assert scopes == [Scope(None, ()), Scope(None, (), (("d1", "Terms", "Seven days."),))]
    assert [*EARLIER, Message("user", "And the notice?")] in subject.scripted.fake.prompts


def test_without_retrieval_the_model_is_asked_alone(tmp_path: Path) -> None:
    subject = Local(Home(tmp_path / "home"), retrieval=False)
    run(subject, tmp_path / "run", DIALOGUE)
    (call,) = subject.scripted.calls
    assert call["scope"] is None


def test_a_follow_up_is_rewritten_as_for_a_search(tmp_path: Path) -> None:
    subject = Local(Home(tmp_path / "home"))
    (found,) = run(subject, tmp_path / "run", REWRITE)
    assert (found.task, found.output) == ("rewrite", REWRITE.standalone)
    assert found.scores["rewrite_chrf"] == 1.0
    assert not subject.scripted.calls


def test_verdicts_are_ordered_by_how_well_a_claim_is_supported(tmp_path: Path) -> None:
    subject = Local(Home(tmp_path / "home"))
    subject.scripted.generator = None  # no model is needed
    right, wrong, elsewhere = run(subject, tmp_path / "run", *VERDICTS)
    assert (right.output, wrong.output) == ("supported", "contradicted")
    assert (right.confidence or 0) > (wrong.confidence or 0) > (elsewhere.confidence or 0)
    assert wrong.verdicts == ("number:9 day",)
    written = report.write(runs.read(tmp_path / "run"))
    assert written.confusion is not None
    assert not written.worst
    assert written.confusion.counts == ((1, 0, 0), (0, 0, 0), (0, 0, 2))


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        ((PLAIN,), "an empty library"),
        ((PLAIN, SentimentCase("s", "en", "Fine.", "positive")), "suite of the plain questions alone"),
    ],
)
def test_what_plain_questions_need(tmp_path: Path, cases: tuple[Case, ...], said: str) -> None:
    with pytest.raises(BadRequestError, match=said):
        run(Local(Home(tmp_path / "home")), tmp_path / "run", *cases)


def test_a_server_is_asked_over_its_own_documents_and_goes_on_serving(tmp_path: Path) -> None:
    host = Home(tmp_path / "home", documents=1)
    subject = HostedSubject(host, adapter="none")  # type: ignore[arg-type]
    subject.prepare(Suite("s", 1, "", (PLAIN,), (), ""), tmp_path / "work", lambda *_: None)
    assert subject.predict(PLAIN).output == "Seven days."
    subject.close()
    assert host.workspace.store.users.local().name


def test_the_report_tells_each_kind(tmp_path: Path) -> None:
    hello = PlainCase("h", "zh", "smalltalk", "你好")
    run(Local(Home(tmp_path / "home", documents=1)), tmp_path / "run", PLAIN, hello)
    report.write(runs.read(tmp_path / "run"))
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "handled[kind=followup]" in page
    assert "Met as its kind asks" in page
