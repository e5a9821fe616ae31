"""May an adapter go live? Decided on the differences that were measured, case by case.

It may where the task is better, tested at 5 % over all task metrics together (Holm), and nothing is worse
than its margin. Every guard must hold, so guards need no correction: asking more of them never lets more in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.schema import Estimate
from eval.schema import Undefined
from eval.statistics import Aggregate, Paired, Rows, holm, needed, paired
from eval.statistics.power import ALPHA

Role = Literal["task", "guard"]
Outcome = Literal["promote", "worse", "unclear"]
Finding = Literal["better", "no_worse", "worse", "unclear"]


@dataclass(frozen=True, slots=True)
class Question:
    """Something asked of both, by the rows of the cases that take part in both.

    Attributes:
        name: What people read.
        role: A task has to be better somewhere; a guard only no worse.
        margin: What is lost by less is no worse.
        before: (n, k), of what is live now.
        after: (n, k), of the candidate, the same cases.
        clusters: The document of each case.
        aggregate: The metric; higher is better.
    """

    name: str
    role: Role
    margin: float
    before: Rows
    after: Rows
    clusters: Sequence[str]
    aggregate: Aggregate


@dataclass(frozen=True, slots=True)
class Answered:
    """What a question found."""

    name: str
    role: Role
    margin: float
    finding: Finding
    n: int
    before: float | None = None
    after: float | None = None
    difference: Estimate | None = None
    """Of the candidate less what is live."""
    p: float | None = None
    """Of a task over all tasks, by Holm; of a guard its own."""
    more: int | None = None
    """About so many more cases would tell."""
    reason: str = ""
    """Why it has no value."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's word and what it rests on."""

    outcome: Outcome
    answers: tuple[Answered, ...]
    reasons: tuple[str, ...]
    """Why it is not ``promote``, each a sentence."""


def decide(questions: Sequence[Question], seed: int = 0) -> Decision:
    """Answer every question, then say what follows from all of them."""
    found = [_paired(each, seed) for each in questions]
    tasks = [n for n, each in enumerate(questions) if each.role == "task"]
    ps = [each.p if isinstance(each, Paired) else 1.0 for each in found]
    for n, p in zip(tasks, holm([ps[n] for n in tasks]), strict=True):
        ps[n] = p
    answers = tuple(
        _answered(each, pair, p, len(tasks)) for each, pair, p in zip(questions, found, ps, strict=True)
    )
    outcome, blamed = _outcome(answers)
    return Decision(outcome, answers, tuple(map(_reason, blamed)))


def _paired(question: Question, seed: int) -> Paired | Undefined:
    return paired(question.before, question.after, question.aggregate, question.clusters, seed)


def _answered(question: Question, found: Paired | Undefined, p: float, tasks: int) -> Answered:
    n, margin = len(question.before), question.margin
    if isinstance(found, Undefined):
        return Answered(question.name, question.role, margin, "unclear", n, reason=found.reason)
    finding = _finding(question.role, found.difference, p, margin)
    wanting = finding == "unclear" or (question.role == "task" and finding == "no_worse")
    more = _more(question, found, finding, tasks) if wanting else None
    return Answered(
        question.name, question.role, margin, finding, n, found.a, found.b, found.difference, p, more
    )


def _finding(role: Role, difference: Estimate, p: float, margin: float) -> Finding:
    if role == "task" and difference.low > 0 and p <= ALPHA:
        return "better"
    if difference.low > -margin:
        return "no_worse"
    return "worse" if difference.high < 0 and p <= ALPHA else "unclear"


def _more(question: Question, found: Paired, finding: Finding, tasks: int) -> int | None:
    """Cases that are still missing for the nearer verdict, if what was seen is what is."""
    n, gap = found.difference.n, found.difference.mean
    room = question.margin + gap
    if not found.disagreement:
        return _alike(question, found.difference)
    if finding == "no_worse":  # of a task: what is missing is that it is better
        ways = [needed(gap, found.variance, tasks)] if gap > 0 else []
    else:
        ways = [needed(gap, found.variance, tasks)] if gap else []
        ways += [needed(room, found.variance)] if room > 0 else []
    return max(1, min(ways) - n) if ways else None


def _alike(question: Question, difference: Estimate) -> int | None:
    """Where not one case differs: until what may still differ, about one over the cases, is in the margin."""
    if question.role == "task" or not question.margin:
        return None
    return max(1, math.ceil(difference.n * (difference.high / question.margin - 1)) + 1)


def _outcome(answers: Sequence[Answered]) -> tuple[Outcome, list[Answered]]:
    """The verdict, and the answers that it is to be blamed on."""
    if worse := [each for each in answers if each.finding == "worse"]:
        return "worse", worse
    tasks = [each for each in answers if each.role == "task"]
    better = any(each.finding == "better" for each in tasks)
    lost = [each for each in tasks if each.difference is not None and each.difference.high < 0]
    if lost and not better:
        return "worse", lost
    blamed = [each for each in answers if each.finding == "unclear"]
    blamed += [] if better else [each for each in tasks if each not in blamed]
    return ("unclear", blamed) if blamed else ("promote", [])


def _reason(each: Answered) -> str:
    if each.difference is None:
        return f"{each.name} has no value: {each.reason}"
    gap = each.difference
    shown = f"{gap.mean:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}] on {each.n} cases"
    if each.finding == "worse" or gap.high < 0:
        return f"{each.name} is worse: {shown}"
    wanted = "better" if each.finding == "no_worse" else f"no worse than {each.margin:g}"
    if each.role == "task" and each.finding == "unclear":
        wanted = "better or worse"
    way = f"about {each.more} more cases would tell" if each.more else "more cases like these would not tell"
    return f"{each.name} can't be told {wanted}: {shown}; {way}"
