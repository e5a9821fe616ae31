"""Put the questions of a suite to a reader, and note what it knew before it decided to answer."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from assistant import prompts
from assistant.assistant import Assistant
from assistant.config import Settings
from assistant.errors import BadRequestError
from assistant.evidence.calibration import Signs
from assistant.models import adapters
from assistant.schema import AdapterRef
from assistant.store import User
from eval.metrics.answers import f1
from eval.metrics.normal_form import normal
from eval.metrics.plain import FREE, meets
from eval.schema import GroundedCase, PlainCase, Suite
from eval.subjects import local, shelf

if TYPE_CHECKING:
    from assistant.retrieval.search import SearchResult
    from assistant.tools.reader import Reader
    from assistant.tools.sources import Search

Progress = Callable[[str, float], None]
Question = GroundedCase | PlainCase
_LEAST = 20
"""Questions of each kind without which nothing is fitted."""
_RIGHT = 0.5
"""Token F1 with a person's answer from which an answer counts as right, where it does not hold it whole."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A question with what is known before its answer is given."""

    answerable: bool
    right: bool
    """What was written holds the answer."""
    source: str
    """What it is split by: its document."""
    signs: Signs
    far: Signs
    """The search's, with the document left out: what a question about anything else looks like."""
    refused: bool = False
    """What was written says that there is no answer."""


class Sourced(Protocol):
    """What was made from a source, by which it is split."""

    @property
    def source(self) -> str:
        """Its document or passage."""


AnySourced = TypeVar("AnySourced", bound=Sourced)


def halves(rows: Sequence[AnySourced], seed: int) -> tuple[list[AnySourced], list[AnySourced]]:
    """Rows of one half of the sources, and those of the other."""
    sources = sorted({one.source for one in rows})
    chosen = set(np.random.default_rng(seed).permutation(sources)[: len(sources) // 2].tolist())
    return [one for one in rows if one.source in chosen], [one for one in rows if one.source not in chosen]


def weigh(
    settings: Settings, suite: Suite, work: Path, adapter: AdapterRef | None, progress: Progress
) -> list[Weighed]:
    """Search, read and write for every question of a suite.

    Plain questions are put to the documents in use, grounded cases to a library of the suite's passages.

    Args:
        settings: The user's.
        suite: Plain or grounded cases; small talk, tasks and follow-ups among them are left out.
        work: An empty folder, for that library.
        adapter: Weighed with it; ``None`` is the bare model.
        progress: Told what is done and how far it is, 0..1.

    Raises:
        BadRequestError: Too few answerable or unanswerable questions.
    """
    cases = _questions(suite)
    name = adapter.name if adapter else "none"
    with opened(settings, suite, work, adapter) as runtime:
        user = runtime.workspace.store.users.local()
        placed = shelf.add(runtime, user, suite.passages, lambda *_: None)
        reader = runtime.models.reader(name, user.id)
        found: list[Weighed] = []
        for done, case in enumerate(cases):
            progress(f"{done} of {len(cases)}", done / len(cases))
            found.append(_weighed(runtime, user, reader, case, _own(runtime, user, placed, case)))
        return found


def _questions(suite: Suite) -> list[Question]:
    cases: list[Question] = [case for case in suite.cases if isinstance(case, GroundedCase)]
    for case in suite.cases:
        if isinstance(case, PlainCase) and not case.history and case.kind not in FREE:
            cases.append(case)
    for answerable in (True, False):
        count = sum(bool(case.answerable) is answerable for case in cases)
        if count < _LEAST:
            value = f"{count} {'answerable' if answerable else 'unanswerable'} questions"
            raise BadRequestError(field="cases", value=value, remedy=f"give {_LEAST} of each kind or more")
    return cases


@contextmanager
def opened(settings: Settings, suite: Suite, work: Path, adapter: AdapterRef | None) -> Iterator[Assistant]:
    """The assistant over the documents in use for plain questions, else over a library of its own."""
    changes: dict[str, object] = {"adapter": ""}
    if not local.plain(suite):
        if adapter and not adapters.is_shipped(adapter):
            shutil.copytree(adapter.path, work / "adapters" / adapter.name)
        changes |= {"home": work, "database_url": "", "samples": False}
    runtime = Assistant.open(settings.model_copy(update=changes), exclusive=not local.plain(suite))
    try:
        yield runtime
    finally:
        runtime.close()


def _own(runtime: Assistant, user: User, placed: shelf.Shelf, case: Question) -> list[str]:
    """Ids of the documents that the question is about."""
    if isinstance(case, GroundedCase):
        return placed.documents(case)
    records = runtime.workspace.store.documents.list(user)
    return [record.id for record in records if case.document in (record.filename, record.title)]


def _weighed(runtime: Assistant, user: User, reader: Reader, case: Question, own: Sequence[str]) -> Weighed:
    """One question: as it is asked, and searched for with its ``own`` documents left out."""
    from assistant.tools import grounded

    similarity = runtime.models.similarity
    weighed = grounded.weigh(reader, case.question, _searching(runtime, user), similarity)
    ids = [record.id for record in runtime.workspace.store.documents.list(user)]
    others = _searching(runtime, user, [one for one in ids if one not in own])
    far = grounded.look(reader, case.question, others, similarity)
    source = own[0] if own else case.id
    right, refused = _right(weighed.text, case), prompts.refuses(weighed.text)
    return Weighed(bool(case.answerable), right, source, weighed.signs, far, refused)


def _searching(runtime: Assistant, user: User, document_ids: Sequence[str] | None = None) -> Search:
    def search(query: str, *rephrased: str) -> SearchResult:
        return runtime.workspace.library.search(
            user, query, rephrased=rephrased, document_ids=document_ids, k=runtime.settings.hits
        )

    return search


def _right(text: str, case: Question) -> bool:
    if isinstance(case, PlainCase):
        return meets(case, text)
    held = any(normal(one) in normal(text) for one in case.answers)
    return case.answerable and (held or f1(text, case.answers, case.lang) >= _RIGHT)
