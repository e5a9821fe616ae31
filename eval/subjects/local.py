"""The assistant in this process, by the very paths that serve people, in a data folder of its own."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from assistant.assistant import Assistant
from assistant.config import Settings
from assistant.errors import BadRequestError
from assistant.evidence import calibration
from assistant.models import adapters, live
from assistant.models.catalog import resolve
from assistant.request import Request
from assistant.schema import AdapterRef, Answer, Delta, Sampling, Summary
from assistant.scope import EVERYTHING, Scope
from assistant.store import User
from assistant.tools.summarize import as_long_as
from eval.schema import (
    Case,
    ChatCase,
    DialogueCase,
    GroundedCase,
    PlainCase,
    Prediction,
    RetrievalCase,
    RewriteCase,
    SentimentCase,
    Suite,
    SummarizeCase,
    VerdictCase,
)
from eval.subjects import making, parts, shelf
from eval.subjects.describing import described
from eval.subjects.making import Turn
from eval.subjects.protocol import Progress, StoppedError

READERS = 8
"""As many as the engine answers at once."""
RANKED = 10
"""Passages kept of each ranking of a retrieval case."""


class LocalSubject:
    """``Assistant`` over a suite's passages; the user's own folder is only read, for its adapters.

    Plain questions are put to the user's own documents.

    Args:
        settings: The user's.
        adapter: Name of an adapter; ``"none"`` is the bare model, ``None`` takes the settings'.
        retrieval: False asks the model alone, without documents.
        oracle: Each question has its own documents only.
        seed: Of sampling.
        temperature: Of sampling; greedy at 0.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        adapter: str | None = None,
        retrieval: bool = True,
        oracle: bool = False,
        seed: int = 0,
        temperature: float = 0.0,
    ) -> None:
        if oracle and not retrieval:
            remedy = "give one of the two"
            raise BadRequestError(field="--oracle", value="with --no-retrieval", remedy=remedy)
        self._adapter = there(settings, settings.adapter if adapter is None else adapter)
        self._theirs = settings
        self._retrieval, self._oracle = retrieval, oracle
        self._seed, self._temperature = seed, temperature
        self.readers = READERS
        self._runtime: Assistant | None = None
        self._shelf = shelf.Shelf({})
        self._stopped = threading.Event()

    def describe(self) -> dict[str, Any]:
        """See ``Subject``."""
        options: dict[str, Any] = {"retrieval": self._retrieval, "oracle": self._oracle}
        if self._temperature:
            options["temperature"] = self._temperature
        return described(self._theirs, self._adapter) | {"options": options}

    def prepare(self, suite: Suite, work: Path, progress: Progress) -> None:
        """Load the models, and add the passages where they are searched."""
        asked_of_theirs = plain(suite)
        self._runtime = runtime = self._in_use() if asked_of_theirs else self._open(work)
        user = runtime.workspace.store.users.local()
        if asked_of_theirs and self._retrieval and not runtime.workspace.store.documents.ready_ids(user):
            remedy = "add some (`youju ingest FILE`), or start `youju serve` once, which brings the samples"
            raise BadRequestError(field="documents", value="an empty library", remedy=remedy)
        runtime.models.adapter_name(self._name)
        if any(not isinstance(case, RetrievalCase | VerdictCase) for case in suite.cases):
            runtime.models.generator()
        if all(isinstance(case, SentimentCase) for case in suite.cases):
            self.readers = 1  # texts are scored one after the other: more would only wait, and be timed so
        if suite.passages and self._retrieval:
            self._shelf = shelf.add(runtime, user, suite.passages, progress)

    def _open(self, home: Path) -> Assistant:
        if self._adapter and not adapters.is_shipped(self._adapter):
            target = home / "adapters" / self._adapter.name
            shutil.copytree(self._adapter.path, target, dirs_exist_ok=True)
        if (own := self._theirs.home / calibration.FOLDER).is_dir():
            shutil.copytree(own, home / calibration.FOLDER, dirs_exist_ok=True)
        changes = {
            "home": home,
            "database_url": "",
            "samples": False,
            "adapter": "",
            "max_per_user": max(self._theirs.max_per_user, READERS),
        }
        return Assistant.open(self._theirs.model_copy(update=changes), exclusive=True)

    def _in_use(self) -> Assistant:
        """Over the user's own documents, which a server may serve meanwhile."""
        changes = {"adapter": "", "max_per_user": max(self._theirs.max_per_user, READERS)}
        return Assistant.open(self._theirs.model_copy(update=changes))

    def predict(self, case: Case) -> Prediction:
        """See ``Subject``."""
        runtime = self._runtime
        assert runtime is not None, "prepare() comes first"
        started, user = time.monotonic(), runtime.workspace.store.users.local()
        match case:
            case SummarizeCase():
                found = self._summary(case, runtime, user)
            case RetrievalCase():
                found = self._ranked(case, runtime, user)
            case SentimentCase():
                found = self._sentiment(case, runtime, user)
            case RewriteCase():
                found = parts.rewritten(case, runtime, self._adapter.name if self._adapter else None)
            case VerdictCase():
                found = parts.checked(case, runtime, self._adapter.name if self._adapter else None)
            case _:
                found = self._answered(case, runtime, user)
        return replace(found, seconds=time.monotonic() - started)

    @property
    def _name(self) -> str:
        return self._adapter.name if self._adapter else "none"

    def _sampling(self, runtime: Assistant) -> Sampling:
        return runtime.models.sampling(seed=self._seed, temperature=self._temperature)

    def _sentiment(self, case: SentimentCase, runtime: Assistant, user: User) -> Prediction:
        """One text at a time: in a batch the model's rounding makes a text's score depend on its company."""
        (found,) = self._watched(runtime.sentiment(user, [case.text], adapter=self._name))
        return making.judged(case.id, found)

    def _answered(self, case: Turn, runtime: Assistant, user: User) -> Prediction:
        """A turn of a conversation, over the documents that its task says."""
        messages, scope = making.conversation(case), self._scope(case)
        *history, question = [message for message in messages if message.role != "system"]
        told = [message.text for message in messages if message.role == "system" and scope is None]
        request = Request(question.text, self._sampling(runtime), tuple(history), "\n\n".join(told))
        return self._turn(case, runtime.chat_turn(user, request, scope, self._name))

    def _scope(self, case: Turn) -> Scope | None:
        """What the case is answered from; ``None`` is the model alone."""
        if isinstance(case, ChatCase) or not self._retrieval:
            return None
        if isinstance(case, GroundedCase) and self._oracle:
            return Scope(document_ids=self._shelf.documents(case))
        if isinstance(case, DialogueCase):  # one without documents finds nothing
            given = tuple((each.id, each.title, each.text) for each in case.documents)
            return Scope(document_ids=(), given=given)
        return EVERYTHING

    def _turn(self, case: Turn, events: Iterator[Any]) -> Prediction:
        answer, first = making.followed(self._watched(events), Answer)
        match case:
            case PlainCase():
                found = making.in_use(case, answer)
            case DialogueCase():
                found = making.given(case, answer)
            case _:
                found = making.shelved(case, answer, self._shelf)
        return replace(found, first_token_s=first)

    def _summary(self, case: SummarizeCase, runtime: Assistant, user: User) -> Prediction:
        tokens = 0

        def counted(events: Iterable[Any]) -> Iterator[Any]:
            nonlocal tokens
            for event in events:
                tokens += event.tokens if isinstance(event, Delta) and event.finish else 0
                yield event

        length = as_long_as(case.references)
        events = self._watched(runtime.summarize(user, case.text, length=length, adapter=self._name))
        summary, first = making.followed(counted(events), Summary)
        return replace(making.summarized(case.id, summary), tokens=tokens, first_token_s=first)

    def _ranked(self, case: RetrievalCase, runtime: Assistant, user: User) -> Prediction:
        found = runtime.workspace.library.search(user, case.query, k=runtime.settings.hits)
        lists = {"dense": found.dense, "bm25": found.lexical, "hybrid": found.fused}
        rankings = {name: self._shelf.ranked(case, hits)[:RANKED] for name, hits in lists.items()}
        shown = self._shelf.ranked(case, found.hits)
        return Prediction(case.id, "retrieval", "", retrieved=shown, rankings=rankings)

    def _watched(self, events: Iterator[Any]) -> Iterator[Any]:
        """Events until the run stops; the model is freed then."""
        with closing(events):  # type: ignore[type-var]
            for event in events:
                if self._stopped.is_set():
                    raise StoppedError
                yield event

    def alive(self) -> bool:
        """The engine has not failed for good."""
        return self._runtime is not None and self._runtime.models.state().state not in ("failed", "stopped")

    def stop(self) -> None:
        """See ``Subject``."""
        self._stopped.set()

    def close(self) -> None:
        """Let go of models and folder."""
        self._stopped.set()
        if self._runtime is not None:
            self._runtime.close()
            self._runtime = None


def plain(suite: Suite) -> bool:
    """Whether the suite is put to the user's own documents.

    Raises:
        BadRequestError: Only a part of it is.
    """
    kinds = {isinstance(case, PlainCase) for case in suite.cases}
    if len(kinds) > 1:
        remedy = "write a suite of the plain questions alone: they search your documents, others do not"
        raise BadRequestError(field="suite", value="plain questions among other cases", remedy=remedy)
    return True in kinds


def there(settings: Settings, name: str) -> AdapterRef | None:
    """The adapter that a name stands for, or ``None`` for the bare model.

    Raises:
        AdapterError: There is none of that name.
    """
    if name in ("", "none") or (name == "live" and settings.base_url):
        return None
    if name == "live":
        return live.current(settings.home, resolve(settings.model).name)
    return adapters.find(settings.home, name)
