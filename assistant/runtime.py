"""The composition root: each part is built once, when first needed, and handed to pages, API and commands."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from assistant.config import Settings
from assistant.engine.protocol import EngineState, Generator, Lend
from assistant.errors import (
    AdapterError,
    ConfigError,
    HomeLockedError,
    NotBilingualError,
    ReindexingError,
    StillReadingError,
    StorageError,
    YoujuError,
)
from assistant.models import adapters, live, pull
from assistant.models import skills as abilities
from assistant.models.catalog import Entry, resolve, settled
from assistant.models.skills import Skills
from assistant.schema import AdapterRef, Chunk, Hit, Language, Message, Sampling, Sentiment, TurnEvent
from assistant.store import Store, User

if TYPE_CHECKING:
    from assistant.prompts import Form, Length
    from assistant.retrieval.embedder import Embedder
    from assistant.retrieval.library import Library
    from assistant.retrieval.nearness import Nearness
    from assistant.retrieval.search import SearchResult
    from assistant.tools.reader import Reader
    from assistant.tools.sources import Sources, Title
    from assistant.tools.summarize import SummaryEvent
    from assistant.tools.translate import TranslationEvent

log = logging.getLogger(__name__)


class Runtime:
    """Everything that serves, behind one object. Safe to share between threads.

    Args:
        settings: Read once, at the edge.
        exclusive: Take the data folder for this process: needed to write to the index, and by the server.
        bring: Gives a model's folder. A server that nobody ran ``youju models pull`` for pulls it here, while
            the page says that the model is loading.
        lend: Decorates what needs the GPU, where a machine lends one for the length of a call (ZeroGPU).

    Raises:
        HomeLockedError: ``exclusive``, and another process has the folder.
        StorageError: The folder cannot be made or written.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        exclusive: bool = False,
        bring: Callable[[Entry, Path], Path] = pull.require,
        lend: Lend | None = None,
    ) -> None:
        self.settings = settled(settings)
        self._bring, self._lend = bring, lend
        self.admit: Callable[[User], None] = lambda user: None
        """Asked before the model is; refuses by raising. The server sets it where guests have limits."""
        self._opening, self._embedding, self._generating = (threading.RLock() for _ in range(3))
        self._lock: FileLock | None = None
        self._library: Library | None = None
        self._embedder: Embedder | None = None
        self._nearness: Nearness | None = None
        self._generator: Generator | None = None
        self._adapters: dict[str, AdapterRef] = {}
        self._failure: YoujuError | None = None
        self._loading = False
        _make(settings)
        if exclusive:
            self._lock = _take(settings)
        self.store = Store(settings.database)
        self.store.migrate()

    @property
    def library(self) -> Library:
        """The documents; opening it loads no model. Whoever has the folder also sweeps what a kill left."""
        from assistant.retrieval.library import Library

        with self._opening:
            if self._library is None:
                home = self.settings.home
                library = Library(self.store, home / "index", home / "files", home / "staging", self.embedder)
                if self._lock is not None:
                    library.recover()
                self._library = library
            return self._library

    def embedder(self) -> Embedder:
        """The embedding model, loaded on first use."""
        from assistant.retrieval import embedder

        with self._embedding:
            if self._embedder is None:
                self._embedder = embedder.load(self.settings.embedder, self.settings.models_dir)
            return self._embedder

    def generator(self) -> Generator:
        """The language model, loaded on first use; other callers wait for the one load.

        Raises:
            ModelNotFoundError, ModelFileError: It is not there, or may not be loaded.
        """
        self._loading = True
        with self._generating:
            if self._generator is None:
                try:
                    self._generator = self._load()
                except YoujuError as fault:
                    self._failure = fault
                    raise
                finally:
                    self._loading = False
            self._loading = False
            return self._generator

    def _load(self) -> Generator:
        s = self.settings
        if s.base_url:
            from assistant.engine.remote import RemoteGenerator

            return RemoteGenerator(s.base_url, s.api_key.get_secret_value(), s.model, s.remote_window)
        from assistant.engine.local import LocalGenerator

        entry = resolve(s.model)
        folder = self._bring(entry, s.models_dir)
        self.adapters()
        return LocalGenerator(
            folder,
            name=entry.name,
            adapters=self._adapters,
            quantization=s.quantization,
            max_queue=s.max_queue,
            max_per_user=s.max_per_user,
            template_sha256=pull.template_sha256(entry, folder) or None,
            lend=self._lend,
        )

    def engine_state(self) -> EngineState:
        """What the model is doing, without loading it."""
        if self._generator is not None:
            return self._generator.state()
        if self._failure is not None:
            return EngineState("failed", str(self._failure))
        return EngineState("loading" if self._loading else "idle")

    def warm(self) -> None:
        """Load both models in the background, so that the first page need not wait for them.

        An index made with another embedder is made anew, beside the one that serves meanwhile.
        """

        def load() -> None:
            try:
                library = self.library  # opening it sweeps
                if self._lock is not None and library.state().stale:
                    library.reindex()  # the settings name another embedder than the index was made with
                self.embedder()
                self.generator()
            except YoujuError as fault:  # engine_state() tells; the page shows it
                self._failure, self._loading = fault, False
                log.error("the models could not be loaded: %s", fault)  # noqa: TRY400 - the fault says all

        self._loading = True
        threading.Thread(target=load, name="warm", daemon=True).start()

    def adapters(self) -> list[AdapterRef]:
        """The adapters that were trained on the model in use, read from the folders anew."""
        if self.settings.base_url:
            return []
        base = {self.settings.model, resolve(self.settings.model).name}
        found = [ref for ref in adapters.every(self.settings.home) if ref.base in base]
        self._adapters.update({ref.name: ref for ref in found})
        return found

    def languages(self) -> tuple[str, ...]:
        """What the model in use can write; a question in another language is answered by quotation.

        One that the catalog does not know is asked in both: what it writes is checked like anything else.
        """
        known = () if self.settings.base_url else resolve(self.settings.model).languages
        return known or ("en", "zh")

    def reads(self) -> bool:
        """Whether the model in use reads and writes answers; one that does not finds and quotes."""
        return bool(self.settings.base_url) or resolve(self.settings.model).reads

    def similarity(self, questions: Sequence[str], texts: Sequence[str]) -> list[list[float]]:
        """Cosine of each question with each text, across languages."""
        from assistant.retrieval.nearness import Nearness

        with self._embedding:
            if self._nearness is None:
                self._nearness = Nearness(self.embedder)
        return self._nearness(questions, texts)

    def sampling(self, **changes: object) -> Sampling:
        """The settings' sampling, with a request's changes."""
        s = self.settings
        values = {"max_new_tokens": s.max_new_tokens, "first_token_s": s.first_token_s, "total_s": s.total_s}
        return Sampling(**{**values, **changes})  # type: ignore[arg-type]

    def chat_turn(
        self,
        user: User,
        history: Sequence[Message],
        question: str,
        *,
        collection_ids: Sequence[str] | None = None,
        document_ids: Sequence[str] | None = None,
        given: Sequence[tuple[str, str, str]] = (),
        grounded: bool = True,
        sampling: Sampling | None = None,
        system: str = "",
        adapter: str | None = None,
    ) -> Iterator[TurnEvent]:
        """Answer one question; closing the iterator frees the model.

        Args:
            user: Whose documents are searched.
            history: Earlier turns, from our own store.
            question: The reader's words.
            collection_ids: Where to search; ``None`` is everywhere the user may read.
            document_ids: Only these documents.
            given: Texts that came with the question, each id, title and text: only they are searched, and
                nothing of them is kept.
            grounded: False chats without documents.
            sampling: How to decode; the settings' where not given.
            system: The user's own instructions, in front of ours.
            adapter: Name of an adapter; ``None`` takes the settings', ``"none"`` the bare model.
        """
        from assistant.tools import chat, turn
        from assistant.tools.reader import Request
        from assistant.tools.sources import Sources, Title

        self.admit(user)
        reader = self.reader(adapter, user)
        request = Request(question, tuple(history), system, sampling or self.sampling())
        if not grounded:
            return chat.reply(reader, request)

        def search(query: str) -> SearchResult:
            found = self.library.search(
                user, query, collection_ids=collection_ids, document_ids=document_ids, k=self.settings.hits
            )
            by_words_alone = found.hits and all(hit.dense is None for hit in found.hits)
            if by_words_alone and self.library.state().stale:
                raise ReindexingError
            if not found.searched and self._reading(user):
                raise StillReadingError
            return found

        def titles() -> list[Title]:
            wanted = set(self.store.documents.ready_ids(user, collection_ids))
            wanted &= set(document_ids) if document_ids is not None else wanted
            documents = self.store.documents.list(user)
            found = [Title(d.id, d.title, d.filename) for d in documents if d.id in wanted]
            if not found and self._reading(user):
                raise StillReadingError
            return found

        if given:
            return self._aside(given, lambda search: turn.reply(reader, request, self._given(given, search)))
        return turn.reply(
            reader, request, Sources(search, self.similarity, titles, partial(self._passages, user))
        )

    def reader(self, adapter: str | None = None, user: User | None = None) -> Reader:
        """The model with an adapter, as one turn asks it; `adapter` as in `chat_turn`."""
        from assistant.evidence import calibration
        from assistant.tools.reader import Reader

        name = self.adapter_name(adapter)
        entry = None if self.settings.base_url else resolve(self.settings.model)
        return Reader(
            self.generator(),
            name,
            self.skills(name),
            self.languages(),
            calibration.load(
                self.settings.home, entry.name if entry else self.settings.model, name, self.settings.embedder
            ),
            self.reads(),
            user.id if user else "",
        )

    def _passages(self, user: User, document_id: str) -> list[Hit]:
        title = self.store.documents.get(user, document_id).title
        return [Hit(chunk, title, 0.0) for chunk in self.library.chunks(user, document_id)]

    def _given(self, given: Sequence[tuple[str, str, str]], search: Callable[[str], SearchResult]) -> Sources:
        """Texts that came with the question, as sources."""
        from assistant.tools.sources import Sources, Title

        texts = {id_: Hit(Chunk(id_, 0, len(text), text), title, 0.0) for id_, title, text in given}
        titles = [Title(id_, hit.title) for id_, hit in texts.items()]
        return Sources(search, self.similarity, lambda: titles, lambda id_: [texts[id_]])

    def _reading(self, user: User) -> bool:
        """Whether documents of this user are on their way into the index."""
        return any(each.state not in ("ready", "failed") for each in self.store.documents.list(user))

    def _aside(
        self,
        texts: Sequence[tuple[str, str, str]],
        answer: Callable[[Callable[[str], SearchResult]], Iterator[TurnEvent]],
    ) -> Iterator[TurnEvent]:
        from assistant.retrieval import aside

        staging = self.library.staging  # opening the library sweeps it, once
        with aside.searching(texts, self.embedder, self.settings.hits, staging) as search:
            yield from answer(search)

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

        self.admit(user)
        name = self.adapter_name(adapter)
        return summarize.summarize(
            text,
            self.generator(),
            length=length,
            form=form,
            adapter=name,
            user=user.id,
            languages=self.languages(),
        )

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

        self.admit(user)
        if missing := [each for each in translate.LANGUAGES if each not in self.languages()]:
            raise NotBilingualError(model=self.settings.model, language=missing[0])
        name = self.adapter_name(adapter)
        return translate.translate(
            text, self.generator(), target=target, terms=terms, adapter=name, user=user.id
        )

    def sentiment(
        self, user: User, texts: Sequence[str], *, explain: bool = False, adapter: str | None = None
    ) -> Iterator[Sentiment]:
        """Judge texts one by one, in order."""
        from assistant.tools import sentiment

        self.admit(user)
        name = self.adapter_name(adapter)
        trained = self.skills(name).sentiment
        return sentiment.judge_many(texts, self.generator(), explain=explain, adapter=name, trained=trained)

    def adapter_name(self, name: str | None) -> str | None:
        """Resolve a request's adapter to one that exists, or to the bare model.

        An answer asks once and keeps the name to its end, so that it is never written by two adapters.

        Raises:
            AdapterError: There is none of this name for the model in use, or the live one was tampered with.
        """
        name = self.settings.adapter if name is None else name
        if name == "live":
            name = self._live()
        if name in ("", "none"):
            return None
        known = [ref.name for ref in self.adapters()]
        if name not in known:
            listed = ", ".join(known) or "none"
            raise AdapterError(name=name, reason="not found for this model", remedy=f"there are: {listed}")
        return name

    def skills(self, adapter: str | None) -> Skills:
        """What an adapter that `adapter_name` gave was trained for, or the model in use without one."""
        if adapter:
            return abilities.of(self._adapters[adapter])
        folder = None if self.settings.base_url else resolve(self.settings.model).folder
        return abilities.of_folder(folder, folder.name) if folder else Skills()

    def _live(self) -> str:
        """Name of the adapter that is live at this moment; empty for the bare model."""
        if self.settings.base_url:
            return ""
        ref = live.current(self.settings.home, resolve(self.settings.model).name)
        return ref.name if ref else ""

    def close(self) -> None:
        """Stop the model, close the database, give the folder back."""
        with self._generating, self._opening:
            if self._generator is not None:
                self._generator.close()
            if self._library is not None:
                self._library.close()
            self.store.close()
            if self._lock is not None:
                self._lock.release()


def _make(settings: Settings) -> None:
    try:
        for name in ("", "files", "staging", "index", "adapters"):
            (settings.home / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as fault:
        remedy = "set YOUJU_HOME to a folder that can be written"
        raise StorageError(what=settings.home, reason=fault.strerror, remedy=remedy) from None


def _take(settings: Settings) -> FileLock:
    path = settings.home / "youju.lock"
    lock = FileLock(path)
    holder = settings.home / "youju.pid"
    try:
        lock.acquire(timeout=0)
    except Timeout:
        pid = holder.read_text().strip() if holder.exists() else "?"
        raise HomeLockedError(path=settings.home, pid=pid) from None
    except OSError as fault:
        raise ConfigError(
            field="home", value=str(settings.home), remedy=f"it cannot be locked: {fault}"
        ) from None
    holder.write_text(str(os.getpid()))
    return lock
