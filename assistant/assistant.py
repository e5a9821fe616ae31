"""The assistant: models over a workspace, as pages, API, commands, eval and finetune ask it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.config import Settings
from assistant.engine.protocol import Generator, Lend
from assistant.errors import EngineError, NotBilingualError, YoujuError
from assistant.loaded import Models
from assistant.measurements import Measurements
from assistant.models import pull
from assistant.models.catalog import Entry
from assistant.prefetch import Prefetch
from assistant.request import Request
from assistant.schema import Language, Sentiment, SentimentRow, TurnEvent
from assistant.scope import EVERYTHING, Scope, only_collection, sources
from assistant.store import User
from assistant.workspace import Workspace

if TYPE_CHECKING:
    from assistant.prompts import Form, Length
    from assistant.tools.reader import Reader
    from assistant.tools.summarize import SummaryEvent
    from assistant.tools.translate import TranslationEvent

log = logging.getLogger(__name__)
_OF_FOLDER = {"home", "database_url", "samples", "hits"}
"""Settings that go with the workspace where models are shared."""


class Assistant:
    """What answers, summarizes, translates and judges for a user. Safe to share between threads.

    Args:
        models: What is asked and what embeds.
        workspace: What is searched and kept.
    """

    def __init__(self, models: Models, workspace: Workspace) -> None:
        self.models, self.workspace = models, workspace
        self.settings = models.settings.model_copy(update=workspace.settings.model_dump(include=_OF_FOLDER))
        self._prefetch = Prefetch(models, workspace)
        self.measurements = Measurements(self)
        self._closing: tuple[Measurements | Models | Prefetch | Workspace, ...] = (
            self.measurements,
            self._prefetch,
            workspace,
        )
        self._admit: Callable[[User], None] = lambda user: None

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        exclusive: bool = False,
        bring: Callable[[Entry, Path], Path] = pull.require,
        lend: Lend | None = None,
    ) -> Assistant:
        """Open the data folder and the models that the settings name; see `Models` and `Workspace`.

        Raises:
            HomeLockedError: ``exclusive``, and another process has the folder.
            StorageError: The folder cannot be made or written.
        """
        models = Models(settings, bring=bring, lend=lend)
        opened = cls(models, Workspace(models.settings, models.embedder, exclusive=exclusive))
        opened._closing = (opened.measurements, opened._prefetch, models, opened.workspace)
        return opened

    def admit_by(self, admit: Callable[[User], None]) -> None:
        """Ask this before the model from now on; it refuses by raising, e.g. where guests have limits."""
        self._admit = admit

    def warm(self) -> None:
        """Load both models in the background, so that the first page need not wait for them.

        An index made with another embedder is made anew, beside the one that serves meanwhile. Then the
        paragraphs of the documents are embedded, while nobody is being answered.
        """

        def load() -> None:
            try:
                self.workspace.renew()
                self.models.embedder()
                self.models.generator()
                self._prefetch.start()
                self.measurements.start()
            except YoujuError as fault:  # Models.state() tells; the page shows it
                self.models.failed(fault)
                log.error("the models could not be loaded: %s", fault)  # noqa: TRY400 - the fault says all
            except Exception as fault:  # a page must not say "loading" for ever
                log.exception("the models could not be loaded")
                self.models.failed(EngineError(reason=str(fault), remedy="see the log, then start again"))

        self.models.expected()
        threading.Thread(target=load, name="warm", daemon=True).start()

    def chat_turn(
        self, user: User, request: Request, scope: Scope | None = EVERYTHING, adapter: str | None = None
    ) -> Iterator[TurnEvent]:
        """Answer one question; closing the iterator frees the model.

        Args:
            user: Whose documents are searched.
            request: The question, and how it is answered.
            scope: Where to search; ``None`` chats without documents.
            adapter: Name of an adapter; ``None`` takes the settings', ``"none"`` the bare model.
        """
        self._admit(user)
        return self._turn(user, request, scope, self.models.adapter_name(adapter) or "none")

    def _turn(self, user: User, request: Request, scope: Scope | None, adapter: str) -> Iterator[TurnEvent]:
        from assistant.tools import chat, turn

        reader = self.models.reader(adapter, user.id)
        if scope is None:
            yield from chat.reply(reader, request)
            return
        reader = self._sure_enough(reader, user, scope)
        with sources(user, scope, self.models, self.workspace) as found:
            yield from turn.reply(reader, request, found)

    def _sure_enough(self, reader: Reader, user: User, scope: Scope) -> Reader:
        """With the threshold that was measured on the collection in scope, where one was."""
        from assistant.evidence import refusal

        place = only_collection(user, scope, self.workspace)
        name = self.models.calibration_name(reader.adapter)
        measured = refusal.load(self.settings.home, place, name) if place else None
        return replace(reader, calibration=measured.applied(reader.calibration)) if measured else reader

    def summarize(
        self,
        user: User,
        text: str,
        *,
        length: Length = "paragraph",
        form: Form = "prose",
        adapter: str | None = None,
    ) -> Iterator[SummaryEvent]:
        """Summarize a text of any length; the last event is the ``Summary``."""
        from assistant.tools import summarize

        self._admit(user)
        return summarize.summarize(text, self.models.reader(adapter, user.id), length=length, form=form)

    def translate(
        self,
        user: User,
        text: str,
        *,
        target: Language | None = None,
        terms: Mapping[str, str] | None = None,
        adapter: str | None = None,
    ) -> Iterator[TranslationEvent]:
        """Translate a text between English and Chinese; the last event is the ``Translation``.

        Raises:
            NotBilingualError: The model in use does not write both languages.
        """
        from assistant.tools import translate

        self._admit(user)
        if missing := [each for each in translate.LANGUAGES if each not in self.models.languages()]:
            raise NotBilingualError(model=self.settings.model, language=missing[0])
        name = self.models.adapter_name(adapter)
        return translate.translate(
            text, self.models.generator(), target=target, terms=terms, adapter=name, user=user.id
        )

    def sentiment(
        self, user: User, texts: Sequence[str], *, explain: bool = False, adapter: str | None = None
    ) -> Iterator[Sentiment]:
        """Judge texts one by one, in order."""
        from assistant.tools import sentiment

        model, name, trained = self._judge(user, adapter)
        return sentiment.judge_many(texts, model, explain=explain, adapter=name, trained=trained)

    def sentiment_rows(
        self, user: User, texts: Sequence[str], *, adapter: str | None = None
    ) -> Iterator[SentimentRow]:
        """Judge the rows of a table as ``sentiment`` does; one that cannot be judged brings its error."""
        from assistant.tools import sentiment

        model, name, trained = self._judge(user, adapter)
        return sentiment.judge_rows(texts, model, adapter=name, trained=trained)

    def _judge(self, user: User, adapter: str | None) -> tuple[Generator, str | None, bool]:
        """The model, its adapter, and whether that learnt to judge: the same for one text and for a table."""
        self._admit(user)
        name = self.models.adapter_name(adapter)
        return self.models.generator(), name, self.models.skills(name).sentiment

    def close(self) -> None:
        """Close what `open` opened; models that were given stay as they are."""
        for part in self._closing:
            part.close()
