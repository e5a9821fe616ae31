"""The gate's word on planted differences: what it lets in, what it keeps out, and how many cases it asks for."""

from __future__ import annotations

import re

import numpy as np
import pytest

from eval.gate.deciding import Decision, Question, decide
from eval.metrics.metric import ratio
from eval.statistics import Rows, mean

N = 200


def plain(n: int, offset: int = 0) -> list[str]:
    return [f"case {i + offset}" for i in range(n)]


def column(values: object) -> Rows:
    return np.array(values, dtype=np.float64)[:, None]


def right(n: int, of: int) -> Rows:
    return column([float(i < n) for i in range(of)])


def task(before: Rows, after: Rows, name: str = "task", margin: float = 0.05) -> Question:
    return Question(name, "task", margin, before, after, plain(len(before)), mean)


def guard(before: Rows, after: Rows, name: str = "chat", margin: float = 0.1) -> Question:
    return Question(name, "guard", margin, before, after, plain(len(before)), mean)


KEPT = guard(right(100, N), right(100, N))


@pytest.mark.parametrize(
    ("before", "after", "outcome", "said"),
    [
        (100, 140, "promote", ""),
        (140, 100, "worse", "task is worse: -0.200"),
        (100, 97, "unclear", "task can't be told better: -0.015"),
        (100, 103, "unclear", "more cases would tell"),
        (100, 100, "unclear", "more cases like these would not tell"),
    ],
)
def test_the_task_has_to_be_better(before: int, after: int, outcome: str, said: str) -> None:
    found = decide([task(right(before, N), right(after, N)), KEPT])
    assert found.outcome == outcome
    assert said in " ".join(found.reasons)
    assert (found.reasons == ()) == (outcome == "promote")


@pytest.mark.parametrize(
    ("before", "after", "outcome", "said"),
    [
        (100, 104, "promote", ""),
        (100, 100, "promote", ""),
        (100, 92, "promote", ""),  # lost for sure, and by less than the margin
        (100, 84, "worse", "chat is worse"),
        (100, 60, "worse", "chat is worse"),
    ],
)
def test_a_guard_may_lose_its_margin_and_no_more(before: int, after: int, outcome: str, said: str) -> None:
    better = task(right(60, N), right(140, N))
    found = decide([better, guard(right(before, N), right(after, N))])
    assert found.outcome == outcome
    assert said in " ".join(found.reasons)


def test_a_guard_with_too_few_cases_can_not_be_told_and_asks_for_more() -> None:
    better = task(right(60, N), right(140, N))
    noisy = guard(right(12, 24), column([float(i % 2) for i in range(24)]))
    found = decide([better, noisy])
    assert found.outcome == "unclear"
    (reason,) = found.reasons
    wanted = re.search(r"about (\d+) more cases", reason)
    assert wanted
    assert 200 < int(wanted[1]) < 800  # half of the cases differ, the margin is a tenth: 0.5 (2.8 / 0.1)²
    found = decide([better, guard(right(5, 12), right(5, 12))])
    assert found.outcome == "unclear"
    more = next(each.more for each in found.answers if each.name == "chat")
    assert more is not None
    assert more < 12
    enough = right(5, 12 + more)
    assert decide([better, guard(enough, enough)]).outcome == "promote"


def test_a_guard_without_a_value_keeps_it_out() -> None:
    nothing = np.zeros((40, 2))
    cited = Question("citations", "guard", 0.1, np.ones((40, 2)), nothing, plain(40), ratio)
    found = decide([task(right(60, N), right(140, N)), cited])
    assert (found.outcome, found.reasons[0]) == (
        "unclear", "citations has no value: it is not defined on these cases",
    )  # fmt: skip
    assert (
        decide([task(right(60, N), right(140, N)), guard(np.zeros((0, 1)), np.zeros((0, 1)))]).outcome
        == "unclear"
    )


def test_one_of_several_tasks_better_and_none_lost() -> None:
    gained, same = task(right(60, N), right(140, N), "a"), task(right(100, N), right(101, N), "b")
    assert decide([gained, same, KEPT]).outcome == "promote"
    lost = task(right(100, N), right(60, N), "b")
    assert decide([gained, lost, KEPT]).outcome == "worse"
    noise = task(right(20, 40), column([float(i % 2) for i in range(40)]), "b")
    found = decide([gained, noise, KEPT])
    assert (found.outcome, found.reasons[0].partition(" ")[0]) == ("unclear", "b")


def test_more_tasks_ask_more_of_each() -> None:
    """One of twenty tasks that looks better by chance is no proof (Holm)."""
    hint = task(right(100, N), right(108, N), "hint")
    assert decide([hint, KEPT]).outcome == "promote"
    others = [task(right(100, N), right(100 + n % 2, N), f"t{n}") for n in range(19)]
    assert decide([hint, *others, KEPT]).outcome == "unclear"


def test_questions_to_one_document_are_no_proof_by_their_number() -> None:
    """Two hundred questions to three documents say little about a fourth."""
    before, after = right(90, N), right(120, N)
    documents = [f"document {i // 67}" for i in range(N)]
    alone = Question("task", "task", 0.05, before, after, documents, mean)
    assert decide([alone, KEPT]).outcome == "unclear"
    assert decide([task(before, after), KEPT]).outcome == "promote"


def trials(gain: float, times: int, n: int = N, loss: float = 0.0) -> list[Decision]:
    """Candidates that are better by ``gain`` in truth, and lose ``loss`` of their chat; answers are chance."""
    rng, found = np.random.default_rng(7), []
    for _ in range(times):
        draws = [column(rng.random(n) < share) for share in (0.5, 0.5 + gain, 0.6, 0.6 - loss)]
        found.append(decide([task(*draws[:2]), guard(*draws[2:], margin=0.15)]))
    return found


def share(found: list[Decision], outcome: str) -> float:
    return sum(each.outcome == outcome for each in found) / len(found)


def test_how_often_it_errs() -> None:
    """Of equal and of worse candidates hardly one goes live; of better ones most do."""
    assert share(trials(0.0, 400), "promote") <= 0.04
    assert share(trials(-0.1, 200), "promote") <= 0.005
    assert share(trials(0.2, 200), "promote") >= 0.85
    assert share(trials(0.2, 200, loss=0.35), "promote") <= 0.01
    assert share(trials(0.2, 200, loss=0.35), "worse") >= 0.9


def test_as_many_cases_as_it_asks_for_do_tell() -> None:
    """An adapter that is a tenth better: with the cases that were said to be missing, most are let in."""
    short = [each for each in trials(0.1, 60, n=120) if each.outcome == "unclear"]
    asked = [each.answers[0].more for each in short if each.answers[0].more]
    assert asked
    enough = 120 + int(np.median(asked))
    assert share(trials(0.1, 100, n=enough), "promote") >= 0.65
    assert share(trials(0.1, 100, n=120), "promote") < 0.5
