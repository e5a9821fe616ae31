"""The runs that the gate rests on: the same cases for what is live and for the candidate.

A run lies in a folder named by what it measures. So a gate that was stopped goes on, and what was measured of
an adapter as the candidate is not measured again once it is what others are held against.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import assistant
from assistant.errors import BadRequestError
from eval import runner
from eval.errors import RunError
from eval.gate import questions
from eval.gate.deciding import Decision, Question, decide
from eval.gate.questions import MARGINS, Pairs
from eval.loading import load
from eval.metrics import checks
from eval.runs import Run
from eval.schema import GroundedCase, RetrievalCase, Suite
from eval.subjects.protocol import Progress, Subject

Side = Literal["before", "after"]
Subjects = Callable[[Side, bool, int], Subject]
"""Who is asked: of which side, with retrieval or without, by which seed."""
Told = Callable[[str], AbstractContextManager[Progress]]
"""Says which run comes next; what it gives is told of its progress."""
GUARDS = ("chat", "grounded-en", "abstention")
"""Suites that tell what must not be lost."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured.

    Attributes:
        tasks: Suites of what the candidate was made for.
        limit: Draw so many cases of each of them; the guards are always whole.
        seeds: Each case is answered by so many seeds; its score is the mean.
        margins: What is lost by less is no worse, by the names of ``MARGINS``.
        guards: Suites of chats and of questions to documents, which must not become worse.
    """

    tasks: tuple[Suite, ...]
    limit: int | None = None
    seeds: int = 1
    margins: Mapping[str, float] = field(default_factory=lambda: MARGINS)
    guards: tuple[Suite, ...] = ()


def plan(
    tasks: Sequence[Suite],
    margins: Mapping[str, float],
    *,
    guards: Sequence[Suite] = (),
    limit: int | None = None,
    seeds: int = 1,
) -> Plan:
    """A plan that can be carried out; ``guards`` are asked beside the built-in ones.

    Raises:
        BadRequestError: A suite has no task metric, or the checks of the chat guard are not installed.
    """
    for suite in tasks:
        if any(isinstance(case, RetrievalCase) for case in suite.cases):
            remedy = "an adapter does not change what is found: give another suite"
            raise BadRequestError(field="--suite", value=suite.name, remedy=remedy)
    if not checks.available():
        raise BadRequestError(field="the chat guard", value="without its checks", remedy=checks.MISSING)
    return Plan(tuple(tasks), limit, seeds, {**MARGINS, **margins}, (*map(load, GUARDS), *guards))


def measure(plan: Plan, subject: Subjects, folder: Path, told: Told) -> Decision:
    """Run what is not done yet, then decide.

    Args:
        plan: What is asked.
        subject: Who is asked.
        folder: Holds the runs, of earlier gates too.
        told: Of progress.

    Raises:
        YoujuError: A side cannot be measured.
        KeyboardInterrupt: What is done is kept.
    """
    return decide(asked(plan, lambda suite, retrieval: _pairs(plan, suite, retrieval, subject, folder, told)))


def asked(plan: Plan, pairs: Callable[[Suite, bool], Pairs]) -> list[Question]:
    """All questions of a plan, the task's first. ``pairs`` runs a suite, with retrieval or without."""
    found = []
    for whole in plan.tasks:
        suite = runner.draw(whole, plan.limit, 0)
        found += questions.of_task(pairs(suite, True), plan.margins)
        if documents := tuple(case for case in suite.cases if isinstance(case, GroundedCase)):
            found += questions.of_task(pairs(replace(suite, cases=documents), False), plan.margins)
    guards = [pairs(suite, True) for suite in plan.guards]
    return found + questions.of_guards(guards, plan.margins)


def _pairs(plan: Plan, suite: Suite, retrieval: bool, subject: Subjects, folder: Path, told: Told) -> Pairs:
    """Both sides of one suite, by every seed."""
    runs: dict[Side, list[Run]] = {"before": [], "after": []}
    for seed in range(plan.seeds):
        for side, found in runs.items():
            label = f"{suite.name}{'' if retrieval else ' without retrieval'}, {side}"
            with closing(subject(side, retrieval, seed)) as asked, told(label) as progress:
                where = folder / _name(suite, asked, seed)
                found.append(runner.run(suite, asked, where, progress=progress))
    _same_cases(runs, folder)
    return Pairs(suite, retrieval, tuple(runs["before"]), tuple(runs["after"]))


def _name(suite: Suite, subject: Subject, seed: int) -> str:
    """Of the folder of a run: the same one measures the same thing, by the same code."""
    what = [subject.describe(), suite.sha256, [case.id for case in suite.cases], seed, _code()]
    digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
    return re.sub(r"[^\w.-]+", "-", suite.name)[:60] + f"-{digest}"


@lru_cache(maxsize=1)
def _code() -> str:
    """SHA-256 of the assistant's code: answers of before a change are not held against those of after it."""
    digest = hashlib.sha256()
    place = Path(assistant.__file__).parent
    for file in sorted(place.rglob("*.py")):
        digest.update(file.relative_to(place).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _same_cases(runs: Mapping[Side, Sequence[Run]], folder: Path) -> None:
    everything = [run for side in runs.values() for run in side]
    if not all(run.complete for run in everything):
        remedy = "start it again: it goes on where it stopped"
        raise RunError(folder=folder, reason="a run of it is not complete", remedy=remedy)
