"""What the gate asks of the runs: the task, as its suite measures it, and what must not be lost over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eval import metrics
from eval.gate.deciding import Question, Role
from eval.metrics import answers, checks, grounded
from eval.metrics.evaluating import clusters_of
from eval.metrics.metric import Metric, Row, mean, of_cases
from eval.runs import Run
from eval.schema import Case, ChatCase, GroundedCase, Prediction, Suite, Task, task_of

MARGINS: Mapping[str, float] = {"task": 0.05, "alone": 0.1, "chat": 0.1, "citations": 0.1, "abstention": 0.1}
"""What is lost by less is no worse; ``alone`` is a task of documents without them. About what the built-in
suites can show: more cases allow less."""
TASKS: Mapping[Task, str] = {
    "sentiment": "accuracy",
    "grounded": "f1",
    "summarize": "rougeL",
    "plain": "handled",
    "dialogue": "answer_f1",
    "rewrite": "rewrite_chrf",
    "verdict": "verdict_balanced",
}
"""The metric that a task is judged by; replies are judged as ``CHAT`` does."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Runs of one suite under one condition: the live one's and the candidate's, one pair a seed."""

    suite: Suite
    retrieval: bool
    before: tuple[Run, ...]
    after: tuple[Run, ...]


def of_task(pairs: Pairs, margins: Mapping[str, float]) -> list[Question]:
    """A question for each task of a suite."""
    return [
        _of_one_task(task, pairs, margins)
        for task in dict.fromkeys(task_of(case) for case in pairs.suite.cases)
    ]


def _of_one_task(task: Task, pairs: Pairs, margins: Mapping[str, float]) -> Question:
    metric = metric_of(task, pairs.suite)
    name = f"{metric.name} on {pairs.suite.name}"
    if task != "grounded":
        return _question(name, "task", margins["task"], metric, [pairs])
    if pairs.retrieval:
        return _question(f"{name}, with retrieval", "task", margins["task"], metric, [pairs])
    # The task is what the assistant does with its documents; what it knows without them is a guard.
    return _question(f"{name}, without retrieval", "guard", margins["alone"], metric, [pairs])


def of_guards(pairs: Sequence[Pairs], margins: Mapping[str, float]) -> list[Question]:
    """What must not be lost: chatting, right citations, declining, and right answers where there is one."""
    asked = [
        ("chat", CHAT, "chat"),
        ("citation precision", _CITATIONS, "citations"),
        ("declining what has no answer", DECLINES, "abstention"),
        ("answering rightly what has one", ANSWERS, "abstention"),
    ]
    return [_question(name, "guard", margins[key], metric, pairs) for name, metric, key in asked]


def metric_of(task: Task, suite: Suite) -> Metric:
    """The metric that a task is judged by."""
    return CHAT if task == "chat" else _named(TASKS[task], suite)


def _named(name: str, suite: Suite) -> Metric:
    return next(metric for metric in metrics.of(suite) if metric.name == name)


def _question(name: str, role: Role, margin: float, metric: Metric, pairs: Sequence[Pairs]) -> Question:
    cases: list[Case] = []
    before: list[Row] = []
    after: list[Row] = []
    for each in pairs:
        for case, one, other in _rows(metric, each):
            cases.append(case)
            before.append(one)
            after.append(other)
    mine, theirs = (np.array(found, dtype=np.float64) for found in (before, after))
    return Question(name, role, margin, mine, theirs, clusters_of(cases), metric.aggregate)


def _rows(metric: Metric, pairs: Pairs) -> list[tuple[Case, Row, Row]]:
    """Each case's row before and after, its mean over the seeds."""
    found = []
    sides = [
        [{each.id: each for each in run.predictions} for run in runs] for runs in (pairs.before, pairs.after)
    ]
    for case in pairs.before[0].suite.cases:
        rows = [_over_seeds(metric, case, pairs.suite, seeds) for seeds in sides]
        if rows[0] is not None and rows[1] is not None:
            found.append((case, rows[0], rows[1]))
    return found


def _over_seeds(
    metric: Metric, case: Case, suite: Suite, seeds: Sequence[Mapping[str, Prediction]]
) -> Row | None:
    rows = [metric.row(case, found[case.id], suite) for found in seeds if case.id in found]
    there = [row for row in rows if row is not None]
    return tuple(float(value) for value in np.mean(there, axis=0)) if len(there) == len(seeds) else None


def _chat(case: ChatCase, found: Prediction, suite: Suite) -> Row | None:
    """Mean of the checks that hold and, as one more, the agreement with the best reference."""
    parts = [
        float(not found.error and checks.passed(replace(case, checks=(check,)), found.output, loose=True))
        for check in case.checks
    ]
    if case.references:
        parts.append(0.0 if found.error else answers.f1(found.output, case.references, case.lang))
    return (sum(parts) / len(parts),) if parts else None


def _answers(case: GroundedCase, found: Prediction, suite: Suite) -> Row | None:
    """The right words are in the answer. A wrong answer that gives way to a refusal loses nothing."""
    if not case.answerable:
        return None
    said = answers.said(found)
    return (float(not found.declined and not found.error and answers.holds(said, case.answers, case.lang)),)


def _declines(case: GroundedCase, found: Prediction, suite: Suite) -> Row | None:
    return None if case.answerable else (float(found.declined and not found.error),)


_CITATIONS = next(metric for metric in grounded.metrics() if metric.name == "citation_precision")
CHAT = Metric("chat", "chat", of_cases(ChatCase, _chat), mean, "higher", "no case has checks or references")
ANSWERS = Metric(
    "answers", "grounded", of_cases(GroundedCase, _answers), mean, "higher", "no question has one"
)
DECLINES = Metric(
    "declines", "grounded", of_cases(GroundedCase, _declines), mean, "higher", "every one has one"
)
