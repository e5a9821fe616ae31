"""One turn: what a message wants decides which tool answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from fakes import FakeGenerator, alike

from assistant import prompts
from assistant.errors import StillReadingError
from assistant.evidence.calibration import CAUTIOUS
from assistant.evidence.relevance import Similarity
from assistant.request import Request
from assistant.schema import Answer, Chunk, Finish, Hit, Message, Sampling, Status
from assistant.tools import messages, turn
from assistant.tools.messages import Kind
from assistant.tools.reader import Reader
from assistant.tools.sources import Sources, Title

TEXT = "Refunds are paid within 14 days. Gift cards are not refunded."
HIT = Hit(Chunk("d1", 0, len(TEXT), TEXT), "House rules", 1.0)
RULES = Title("d1", "House rules", "rules.txt")
PAST = (Message("user", "When are refunds paid?"), Message("assistant", "Within 14 days."))


@dataclass(frozen=True)
class Result:
    hits: tuple[Hit, ...] = (HIT,)
    searched: int = 1
    mended: str = ""


class Scene:
    """A reader and its documents; every message is of one kind."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: Kind | None, *replies: str) -> None:
        if kind is not None:
            monkeypatch.setattr(turn, "kind_of", lambda *_: kind)
        self.model = FakeGenerator(
            *replies or ("Refunds are paid within 14 days [1].",),
            scores=lambda _, reply: 12.0 * (reply in ("yes", "是")),
        )
        self.searched: list[str] = []
        self.titles: list[Title] = [RULES]
        self.calibration = CAUTIOUS

    def ask(
        self,
        message: str,
        history: tuple[Message, ...] = (),
        *,
        reading: bool = False,
        similarity: Similarity = alike,
    ) -> tuple[Answer, list[str]]:
        def search(query: str) -> Result:
            self.searched.append(query)
            return Result()

        def titles() -> list[Title]:
            if reading:
                raise StillReadingError
            return self.titles

        sources = Sources(search, similarity, titles, lambda _: [HIT])
        reader = Reader(self.model, calibration=self.calibration)
        *events, answer = turn.reply(reader, Request(message, Sampling(), history), sources)
        assert isinstance(answer, Answer)
        return answer, [event.step for event in events if isinstance(event, Status)]


def test_a_question_is_searched_and_answered_with_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, Kind.DOCUMENTS)
    answer, steps = scene.ask("When are refunds paid?")
    assert scene.searched == ["When are refunds paid?"]
    assert [citation.title for citation in answer.citations] == ["House rules"]
    assert {"searching", "found", "writing", "checking"} <= set(steps)


@pytest.mark.parametrize(
    ("question", "reply", "told"),
    [
        ("When are refunds paid?", "Refunds are paid within 14 days [1].", False),
        ("Wann wird mein Geld refunds zurückgezahlt?", "Refunds are paid within 14 days [1].", True),
        ("Wann wird mein Geld zurückgezahlt?", "not reached", True),
        ("¿Cuántos días de vacaciones tengo?", "not reached", True),
    ],
)
def test_an_answer_to_a_third_language_says_which_ours_are(
    monkeypatch: pytest.MonkeyPatch, question: str, reply: str, told: bool
) -> None:
    answer, _ = Scene(monkeypatch, Kind.DOCUMENTS, reply).ask(question)
    assert answer.text.endswith(prompts.OTHER_LANGUAGE) is told


@pytest.mark.parametrize(
    ("kind", "message", "said"),
    [
        (Kind.SMALL_TALK, "You are great", "How kind."),
        (Kind.ASSISTANT, "What can you do?", "How kind."),
        (Kind.LIBRARY, "Which documents do you have?", prompts.DOCUMENTS["en"].format(count=1) + "\n\n- House rules"),
    ],
)  # fmt: skip
def test_what_is_about_no_document_searches_nothing(
    monkeypatch: pytest.MonkeyPatch, kind: Kind, message: str, said: str
) -> None:
    scene = Scene(monkeypatch, kind, "How kind.")
    answer, steps = scene.ask(message)
    assert (answer.text, answer.citations, answer.hits) == (said, (), ())
    assert scene.searched == []
    assert "searching" not in steps


def test_a_task_on_a_named_document_reads_it_and_searches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, Kind.TASK, "Gift cards are not refunded.")
    answer, _ = scene.ask("Summarize the house rules")
    assert answer.text == "Gift cards are not refunded. [1]"
    assert scene.searched == []


def test_a_task_on_the_last_answer_is_chat(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, Kind.TASK, "14 days.")
    answer, _ = scene.ask("Make it shorter", PAST)
    assert (answer.text, scene.searched) == ("14 days.", [])


def test_a_task_on_nothing_is_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, Kind.TASK)
    answer, _ = scene.ask("Explain refunds more simply")
    assert scene.searched == ["Explain refunds more simply"]
    assert answer.finish in (Finish.STOP, Finish.DECLINED)


@pytest.mark.parametrize("kind", [Kind.DOCUMENTS, Kind.TASK, Kind.LIBRARY])
@pytest.mark.parametrize(("message", "language"), [("Explain refunds", "en"), ("讲讲退款", "zh")])
def test_an_empty_library_says_how_to_add(
    monkeypatch: pytest.MonkeyPatch, kind: Kind, message: str, language: str
) -> None:
    scene = Scene(monkeypatch, kind)
    scene.titles = []
    answer, _ = scene.ask(message)
    assert answer.text == prompts.EMPTY_LIBRARY[language]
    assert scene.searched == scene.model.prompts == []


@pytest.mark.parametrize("kind", [Kind.SMALL_TALK, Kind.ASSISTANT])
def test_a_greeting_is_returned_while_the_first_document_is_read(
    monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    answer, _ = Scene(monkeypatch, kind, "Hello to you.").ask("Hello", reading=True)
    assert answer.text == "Hello to you."


@pytest.mark.parametrize("kind", [Kind.DOCUMENTS, Kind.LIBRARY, Kind.TASK])
def test_what_needs_the_documents_waits_for_them(monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    with pytest.raises(StillReadingError):
        Scene(monkeypatch, kind).ask("Explain refunds", reading=True)


def test_the_kind_is_asked_with_the_readers_own_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is nearer to small talk by 0.05 is small talk at 0.035, as by default, and not at 0.06."""

    def similarity(questions: Sequence[str], texts: Sequence[str]) -> list[list[float]]:
        near = messages.examples()[Kind.SMALL_TALK]
        return [[0.8 + 0.05 * (text in near) for text in texts] for _ in questions]

    scene = Scene(monkeypatch, None, "How kind.")
    answer, _ = scene.ask("Anything at all", similarity=similarity)
    assert answer.text == "How kind."
    scene.calibration = CAUTIOUS.model_copy(update={"kind_margin": 0.06})
    scene.ask("Anything at all", similarity=similarity)
    assert scene.searched == ["Anything at all"]
