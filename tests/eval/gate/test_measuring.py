"""Planted adapters through the real runner, on the real guards: only the better one may go live."""

from __future__ import annotations

import random
import threading
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import BadRequestError, EngineError
from eval.gate import measuring
from eval.gate.deciding import Decision
from eval.loading import load
from eval.metrics import checks
from eval.schema import (
    Case,
    ChatCase,
    Cited,
    GroundedCase,
    Prediction,
    RetrievalCase,
    SentimentCase,
    Suite,
    SummarizeCase,
    task_of,
)
from eval.subjects.protocol import Progress

pytestmark = pytest.mark.skipif(not checks.available(), reason=checks.MISSING)
WRONG = "I would rather talk about something else, if you do not mind."


@dataclass(frozen=True)
class Adapter:
    """How often it is right; it errs on cases of its own, by its name."""

    name: str
    task: float = 0.6
    chat: float = 0.8
    cites: float = 0.9
    declines: float = 0.85
    answers: float = 0.85
    alone: float = 0.2

    def is_right(self, what: str, case: Case, seed: int = 0) -> bool:
        """What is easy for one is mostly easy for the other."""
        own = random.Random(f"{self.name} {what} {case.id} {seed}")
        luck = random.Random(f"{what} {case.id}").random() if own.random() < 0.85 else own.random()
        return luck < getattr(self, what)


@dataclass
class Scripted:
    adapter: Adapter
    retrieval: bool
    seed: int
    asked: list[str] = field(default_factory=list)
    dies_after: int = 10**9
    readers: int = 1
    _alive: bool = True
    closed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def describe(self) -> dict[str, Any]:
        return {"base": "scripted", "adapter": self.adapter.name, "retrieval": self.retrieval}

    def prepare(self, suite: Suite, work: Path, progress: Progress) -> None:
        pass

    def predict(self, case: Case) -> Prediction:
        if len(self.asked) >= self.dies_after:
            self._alive = False
            raise EngineError(reason="it is gone", remedy="restart it")
        self.asked.append(case.id)
        return replace(_made(self.adapter, case, self.retrieval, self.seed), tokens=1)

    def alive(self) -> bool:
        return self._alive

    def stop(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def _made(by: Adapter, case: Case, retrieval: bool, seed: int) -> Prediction:
    def right(what: str) -> bool:
        return by.is_right(what, case, seed)

    found = Prediction(case.id, task_of(case), WRONG)
    match case:
        case SentimentCase():
            other = "negative" if case.label == "positive" else "positive"
            return replace(found, output=case.label if right("task") else other)
        case SummarizeCase():
            return replace(found, output=case.references[0] if right("task") else WRONG)
        case ChatCase():
            return replace(found, output=case.references[0] if right("chat") else WRONG)
        case GroundedCase() if not retrieval:
            return replace(found, output=case.answers[0] if case.answers and right("alone") else WRONG)
        case GroundedCase():
            declined = right("declines") if not case.answerable else not right("answers")
            if declined:
                return replace(found, output="", declined=True, confidence=0.1)
            passage = case.documents[0].id if right("cites") else "elsewhere"
            text = case.answers[0] if case.answers and right("task") else WRONG
            return replace(found, output=text, citations=(Cited(1, passage, 0, 1),), confidence=0.9)
        case _:
            raise TypeError(type(case))


LIVE = Adapter("live")


def gate(
    folder: Path,
    candidate: Adapter,
    task: str = "sentiment-en",
    made: list[Scripted] | None = None,
    **options: Any,
) -> Decision:
    plan = measuring.plan([load(task)], options.pop("margins", {}), **options)
    return measuring.measure(plan, subjects(candidate, made), folder, _quiet)


def subjects(candidate: Adapter, made: list[Scripted] | None = None, **options: Any) -> measuring.Subjects:
    def subject(side: measuring.Side, retrieval: bool, seed: int) -> Scripted:
        found = Scripted(LIVE if side == "before" else candidate, retrieval, seed, **options)
        if made is not None:
            made.append(found)
        return found

    return subject


def _quiet(label: str) -> Any:
    return nullcontext(lambda stage, done, of: None)


@pytest.mark.parametrize(
    ("candidate", "outcome", "said"),
    [
        (Adapter("better", task=0.9), "promote", ""),
        (Adapter("worse", task=0.3), "worse", "accuracy on sentiment-en is worse"),
        (Adapter("alike", task=0.6), "unclear", "accuracy on sentiment-en can't be told better"),
        (LIVE, "unclear", "accuracy on sentiment-en can't be told better: +0.000"),  # the same, byte for byte
        (Adapter("mute", task=0.9, chat=0.3), "worse", "chat is worse"),
        (Adapter("liar", task=0.9, cites=0.5), "worse", "citation precision is worse"),
        (Adapter("bold", task=0.9, declines=0.4), "worse", "declining what has no answer is worse"),
        (Adapter("shy", task=0.9, answers=0.4), "worse", "answering rightly what has one is worse"),
        (Adapter("silent", task=0.9, declines=1.0, answers=0.0), "worse", "citation precision has no value"),
    ],
    ids=lambda value: value.name if isinstance(value, Adapter) else "",
)
def test_only_the_better_one_is_let_in(tmp_path: Path, candidate: Adapter, outcome: str, said: str) -> None:
    found = gate(tmp_path, candidate)
    told = "\n".join(found.reasons)
    if outcome == "worse" and candidate.name == "silent":
        assert "answering rightly what has one is worse" in told
        said = ""
    assert (found.outcome, said in told) == (outcome, True), told


def test_grounded_tasks_are_asked_with_and_without_retrieval(tmp_path: Path) -> None:
    found = gate(tmp_path, Adapter("better", task=0.95), "grounded-en")
    names = [each.name for each in found.answers]
    assert names[:2] == ["f1 on grounded-en, with retrieval", "f1 on grounded-en, without retrieval"]
    assert found.outcome == "promote"
    assert found.answers[1].finding == "no_worse"
    forgetful = gate(tmp_path / "b", Adapter("forgetful", task=0.95, alone=0.0), "grounded-en")
    assert forgetful.outcome == "worse"
    assert "without retrieval is worse" in forgetful.reasons[0]


def test_a_suite_of_several_tasks_is_judged_task_by_task(tmp_path: Path) -> None:
    parts = [load(name) for name in ("sentiment-en", "summarize", "grounded-en")]
    cases = tuple(case for part in parts for case in part.cases)
    mixed = replace(parts[2], name="held_out", cases=cases)
    plan = replace(measuring.plan([], {}), tasks=(mixed,))
    made: list[Scripted] = []
    found = measuring.measure(plan, subjects(Adapter("better", task=0.9), made), tmp_path, _quiet)
    assert [each.name for each in found.answers[:4]] == [
        "accuracy on held_out", "rougeL on held_out",
        "f1 on held_out, with retrieval", "f1 on held_out, without retrieval",
    ]  # fmt: skip
    assert found.outcome == "promote"
    assert [len(each.asked) for each in made[:4]] == [len(cases)] * 2 + [len(parts[2].cases)] * 2


def test_both_answer_the_very_same_cases(tmp_path: Path) -> None:
    made: list[Scripted] = []
    gate(tmp_path, Adapter("better", task=0.9), made=made, limit=20)
    asked = {each.adapter.name: set(each.asked) for each in made[:2]}
    assert asked["live"] == asked["better"]
    assert len(asked["live"]) == 20
    guards = sum(len(load(name).cases) for name in ("chat", "grounded-en", "abstention"))
    assert sum(len(each.asked) for each in made[2:]) == 2 * guards  # never drawn from
    assert all(each.closed for each in made)


def test_stopped_it_goes_on_and_done_it_asks_nothing(tmp_path: Path) -> None:
    candidate = Adapter("better", task=0.9)
    plan = measuring.plan([load("sentiment-en")], {})
    with pytest.raises(EngineError):
        measuring.measure(plan, subjects(candidate, dies_after=30), tmp_path, _quiet)
    made: list[Scripted] = []
    found = measuring.measure(plan, subjects(candidate, made), tmp_path, _quiet)
    assert len(made[0].asked) == len(load("sentiment-en").cases) - 30
    again: list[Scripted] = []
    assert measuring.measure(plan, subjects(candidate, again), tmp_path, _quiet) == found
    assert not any(each.asked for each in again)


def test_answers_of_before_a_change_of_the_code_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = measuring.plan([load("sentiment-en")], {})
    measuring.measure(plan, subjects(Adapter("better", task=0.9)), tmp_path, _quiet)
    monkeypatch.setattr(measuring, "_code", lambda: "changed")
    again: list[Scripted] = []
    measuring.measure(plan, subjects(Adapter("better", task=0.9), again), tmp_path, _quiet)
    assert again
    assert all(each.asked for each in again)


def test_seeds_are_averaged_and_narrow_the_interval(tmp_path: Path) -> None:
    made: list[Scripted] = []
    candidate = Adapter("better", task=0.75)
    one = gate(tmp_path / "one", candidate)
    more = gate(tmp_path / "more", candidate, made=made, seeds=4)
    assert [each.seed for each in made[:8]] == [0, 0, 1, 1, 2, 2, 3, 3]
    widths = [found.answers[0].difference for found in (one, more)]
    assert all(widths)
    assert _width(more) < 0.8 * _width(one)
    assert more.answers[0].n == one.answers[0].n


def _width(found: Decision) -> float:
    difference = found.answers[0].difference
    assert difference
    return difference.high - difference.low


def test_margins_are_those_that_were_given(tmp_path: Path) -> None:
    candidate = Adapter("gruff", task=0.9, chat=0.7)
    assert gate(tmp_path / "a", candidate, margins={"chat": 0.01}).outcome != "promote"
    found = gate(tmp_path / "a", candidate, margins={"chat": 0.5})  # the same runs, nothing asked anew
    assert found.outcome == "promote"
    assert next(each.margin for each in found.answers if each.name == "chat") == 0.5


def test_what_was_measured_of_one_is_not_measured_again(tmp_path: Path) -> None:
    """What is live is asked once for all candidates; other cases, seeds and adapters are other runs."""
    made: list[Scripted] = []

    def asked(candidate: Adapter, **options: Any) -> dict[str, int]:
        made.clear()
        gate(tmp_path, candidate, made=made, **options)
        return {each.adapter.name: len(each.asked) for each in made if each.asked}

    one, other = Adapter("one", task=0.9), Adapter("other", task=0.9)
    assert asked(one).keys() == {"live", "one"}
    assert asked(other).keys() == {"other"}
    assert asked(other) == {}
    assert asked(other, limit=30).keys() == {"live", "other"}
    assert asked(one, seeds=2).keys() == {"live", "one"}


def test_what_no_adapter_changes_is_no_task() -> None:
    suite = Suite("found", 1, "", (RetrievalCase("r", "en", "q", ("d",)),), (), "a" * 64)
    with pytest.raises(BadRequestError, match="does not change what is found"):
        measuring.plan([suite], {})


def test_without_the_checks_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "available", lambda: False)
    with pytest.raises(BadRequestError, match=r"pip install 'youju\[eval\]'"):
        measuring.plan([], {})


def test_a_wrong_answer_that_gives_way_to_a_refusal_loses_nothing() -> None:
    from assistant import prompts
    from eval.gate.questions import ANSWERS

    case = GroundedCase("q", "en", "How many days?", (), ("14",), True)
    whole = Suite("s", 1, "", (case,), (), "a" * 64)
    quotation = f"{prompts.QUOTED['en']}\n\nRefunds are paid within 14 days. [1]"
    for output, declined, worth in (
        ("14 days [1]", False, 1.0), (quotation, False, 1.0), ("30 days [1]", False, 0.0), ("", True, 0.0),
    ):  # fmt: skip
        found = Prediction("q", "grounded", output, declined=declined)
        assert ANSWERS.row(case, found, whole) == (worth,)
    assert ANSWERS.row(replace(case, answerable=False, answers=()), found, whole) is None
