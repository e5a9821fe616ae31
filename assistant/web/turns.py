"""A turn of a conversation: the question is stored first, the answer always, however it ends.

What the model is shown comes from our own store. Nothing that a browser sends as history is ever read.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, TypeAdapter, ValidationError, ValidationInfo

from assistant.errors import ConflictError, EmptyInputError, YoujuError
from assistant.request import Request
from assistant.schema import (
    Answer,
    Citation,
    Delta,
    Finish,
    Found,
    Hit,
    Message,
    Quoted,
    Sampling,
    Sentence,
    TurnEvent,
)
from assistant.scope import EVERYTHING, Scope

if TYPE_CHECKING:
    from assistant.assistant import Assistant
    from assistant.store import Conversation, StoredMessage, User

SAVE_EVERY_S = 2.0
"""Seconds between two saves of an answer in progress, so that a reload or a crash finds most of it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A new question at the end of the conversation."""

    question: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Another wording of an earlier question; the old one stays as a version."""

    message_id: str
    question: str


@dataclass(frozen=True, slots=True)
class Regenerate:
    """Another answer to the question that ``message_id``, an answer, belongs to."""

    message_id: str


Turn = Ask | Edit | Regenerate


def _reason(stored: object, kept: ValidationInfo) -> object:
    """Answers of before say only that they are quotations; no token written means that no model was asked."""
    if not isinstance(stored, bool):
        return stored
    return (Quoted.UNSUPPORTED if kept.data.get("tokens") else Quoted.READER) if stored else Quoted.NO


@dataclass(frozen=True, slots=True)
class Detail:
    """What is kept beside the text of an answer.

    Passages found are kept as places, not as text: the text is the document's, and goes when it goes.
    """

    citations: tuple[Citation, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    best: Citation | None = None
    hits: tuple[Hit, ...] = ()
    query: str = ""
    confidence: float | None = None
    tokens: int = 0
    seconds: float = 0.0
    dropped: int = 0
    quoted: Annotated[Quoted, BeforeValidator(_reason)] = Quoted.NO
    """Why the text is verbatim from the documents, where it is."""
    judged: bool = False
    model: str = ""
    adapter: str = ""
    temperature: float = 0.0
    seed: int | None = None
    error: str = ""
    """Name of the error that ended the answer."""
    error_fields: dict[str, str] | None = None

    @property
    def evident(self) -> bool:
        """Documents were looked at for it: there is something to show behind it."""
        return bool(self.hits or self.sentences)


_DETAIL = TypeAdapter(Detail)


def run(runtime: Assistant, user: User, conversation_id: str, turn: Turn) -> Generator[TurnEvent, None, None]:
    """Answer one turn. Closing the iterator stops the model and keeps what was written.

    Raises:
        NotFoundError: The conversation or the message is not there, or not this user's.
        ConflictError: An answer is being written in this conversation already.
        EmptyInputError: A question without words.
    """
    conversation = runtime.workspace.store.conversations.get(user, conversation_id)
    live = _Live.begin(conversation.id)
    try:
        question = _question(runtime, user, conversation_id, turn)
        history = _history(runtime, user, question)
        row = runtime.workspace.store.conversations.append(
            user, conversation_id, question.id, "assistant", ""
        )
        live.message_id = row.id
        yield from _Writer(runtime, user, conversation, row, live).write(history, question.text)
    finally:
        live.end()


def stop(user: User, runtime: Assistant, conversation_id: str) -> None:
    """End the answer in progress; harmless when there is none."""
    runtime.workspace.store.conversations.get(user, conversation_id)
    if live := _Live.of(conversation_id):
        live.stopped.set()


def writing(message: StoredMessage) -> bool:
    """True while this answer is being written."""
    live = _Live.of(message.conversation_id)
    return live is not None and live.message_id == message.id


def detail_of(message: StoredMessage) -> Detail:
    """What is known about a stored answer; an unreadable detail, e.g. of an import, is an empty one."""
    try:
        return _DETAIL.validate_json(message.detail)
    except ValidationError:
        return Detail()


def _question(runtime: Assistant, user: User, conversation_id: str, turn: Turn) -> StoredMessage:
    """Store the question, or find the one that is answered again."""
    store = runtime.workspace.store.conversations
    if isinstance(turn, Regenerate):
        answer = store.message(user, turn.message_id)
        if (
            answer.role != "assistant"
            or answer.parent_id is None
            or answer.conversation_id != conversation_id
        ):
            raise ConflictError(
                kind="message", value=turn.message_id, detail="is not an answer of this conversation"
            )
        return store.message(user, answer.parent_id)
    if not turn.question.strip():
        raise EmptyInputError(field="question", remedy="type one")
    if isinstance(turn, Edit):
        parent_id = store.message(user, turn.message_id).parent_id
    else:
        path = store.path(user, conversation_id)
        parent_id = path[-1].id if path else None
    return store.append(user, conversation_id, parent_id, "user", turn.question.strip())


def _history(runtime: Assistant, user: User, question: StoredMessage) -> tuple[Message, ...]:
    """The messages before the question, without those that came to nothing."""
    path = runtime.workspace.store.conversations.path(user, question.conversation_id, question.id)[:-1]
    messages: list[Message] = []
    for message in path:
        if message.role == "assistant" and not message.text.strip():
            if messages and messages[-1].role == "user":
                messages.pop()
        else:
            messages.append(Message(message.role, message.text))
    return tuple(messages)


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a user set for all chats."""

    system: str = ""
    adapter: str | None = None
    temperature: float = 0.0
    top_p: float = 1.0
    max_new_tokens: int | None = None
    seed: int | None = None

    @classmethod
    def of(cls, runtime: Assistant, user: User) -> Preferences:
        """Read them; a value that no longer fits is the default."""
        get = runtime.workspace.store.settings.get
        return cls(
            system=get(user, "system", ""),
            adapter=get(user, "adapter", "") or None,
            temperature=_number(get(user, "temperature", ""), 0.0),
            top_p=_number(get(user, "top_p", ""), 1.0),
            max_new_tokens=int(_number(get(user, "max_new_tokens", ""), 0)) or None,
            seed=int(seed) if (seed := get(user, "seed", "")).isdigit() else None,
        )

    def sampling(self, runtime: Assistant) -> Sampling:
        """As the engine takes it."""
        changes: dict[str, Any] = {"temperature": self.temperature, "top_p": self.top_p, "seed": self.seed}
        if self.max_new_tokens:
            changes["max_new_tokens"] = self.max_new_tokens
        return runtime.models.sampling(**changes)


class _Writer:
    """Follows one answer from its first event to its row in the store."""

    def __init__(
        self, runtime: Assistant, user: User, conversation: Conversation, row: StoredMessage, live: _Live
    ) -> None:
        self._runtime, self._user, self._row, self._live = runtime, user, row, live
        self._conversation = conversation
        self._preferences = Preferences.of(runtime, user)
        self._adapter = ""
        self._text = ""
        self._hits: tuple[Hit, ...] = ()
        self._saved = time.monotonic()
        self._begun = time.monotonic()

    def write(self, history: tuple[Message, ...], question: str) -> Iterator[TurnEvent]:
        """Pass the events on; whatever happens, the answer is stored once at the end."""
        answer = Answer("", Finish.CANCELLED)
        fault: Exception | None = None
        try:
            for event in self._events(history, question):
                if isinstance(event, Answer):
                    answer = event
                    break
                self._take(event)
                yield event
                if self._live.stopped.is_set():
                    break
        except Exception as error:
            fault = error
            raise
        finally:
            answer = self._finished(answer, fault)
            self._save(answer, fault)
        yield answer

    def _events(self, history: tuple[Message, ...], question: str) -> Iterator[TurnEvent]:
        # Resolved here and once: what is noted as having answered is what did, also while another goes live.
        self._adapter = self._runtime.models.adapter_name(self._preferences.adapter) or ""
        sampling, system = self._preferences.sampling(self._runtime), self._preferences.system
        request = Request(question, sampling, history, system)
        events = self._runtime.chat_turn(self._user, request, self._scope(), self._adapter or "none")
        try:
            yield from events
        finally:
            if close := getattr(events, "close", None):
                close()

    def _scope(self) -> Scope | None:
        """What the conversation is answered from; ``None`` is the model alone."""
        scope = json.loads(self._conversation.scope)
        own = self._runtime.workspace.store.collections.of_chat(self._user, self._conversation.id)
        match scope.get("mode", "all"):
            case "none":
                return None
            case "chat":
                return Scope([own.id] if own else [])
            case "collection":
                return Scope([scope["collection_id"], *([own.id] if own else [])])
            case _:
                if own is None:
                    return EVERYTHING
                named = self._runtime.workspace.store.collections.list(self._user)
                return Scope([*(collection.id for collection in named), own.id])

    def _take(self, event: TurnEvent) -> None:
        if isinstance(event, Found):
            self._hits = event.hits
        if isinstance(event, Delta):
            self._text += event.text
            if event.finish is not None:
                self._live.finish = event.finish
        if time.monotonic() - self._saved > SAVE_EVERY_S:
            self._saved = time.monotonic()
            self._runtime.workspace.store.conversations.update(self._user, self._row.id, self._text, None)

    def _finished(self, answer: Answer, fault: Exception | None) -> Answer:
        """The answer as it is kept: of a stopped turn, what was there when it stopped."""
        if answer.text or answer.finish is not Finish.CANCELLED:
            return answer
        finish = Finish.ERROR if fault else self._live.finish or Finish.CANCELLED
        seconds = time.monotonic() - self._begun
        return replace(answer, text=self._text, hits=self._hits, finish=finish, seconds=seconds)

    def _save(self, answer: Answer, fault: Exception | None) -> None:
        detail = _DETAIL.dump_json(self._detail(answer, fault)).decode()
        self._runtime.workspace.store.conversations.update(
            self._user, self._row.id, answer.text, answer.finish, detail
        )

    def _detail(self, answer: Answer, fault: Exception | None) -> Detail:
        known = fault if isinstance(fault, YoujuError) else None
        return Detail(
            citations=answer.citations,
            sentences=answer.sentences,
            best=_place(answer.best) if answer.best else None,
            hits=tuple(replace(h, context="", chunk=replace(h.chunk, text="")) for h in answer.hits),
            query=answer.query,
            confidence=answer.confidence,
            tokens=answer.tokens,
            seconds=round(answer.seconds, 2),
            dropped=answer.dropped,
            quoted=answer.quotation,
            judged=answer.judged,
            model=self._runtime.settings.model,
            adapter=self._adapter,
            temperature=self._preferences.temperature,
            seed=self._preferences.seed,
            error=type(fault).__name__ if fault else "",
            error_fields={key: str(value) for key, value in known.fields.items()} if known else None,
        )


def _place(citation: Citation) -> Citation:
    return replace(citation, text="")


def _number(text: str, default: float) -> float:
    try:
        return float(text)
    except ValueError:
        return default


class _Live:
    """The answers being written in this process, one a conversation."""

    _all: dict[str, _Live] = {}  # noqa: RUF012
    _guard = threading.Lock()

    def __init__(self, conversation_id: str) -> None:
        self.conversation_id = conversation_id
        self.message_id = ""
        self.finish: Finish | None = None
        self.stopped = threading.Event()

    @classmethod
    def begin(cls, conversation_id: str) -> _Live:
        """Take the conversation; raises ConflictError while another answer is being written in it."""
        with cls._guard:
            if conversation_id in cls._all:
                raise ConflictError(
                    kind="conversation",
                    value=conversation_id,
                    detail="is being answered: wait or stop it first",
                )
            cls._all[conversation_id] = live = cls(conversation_id)
            return live

    @classmethod
    def of(cls, conversation_id: str) -> _Live | None:
        """The answer in progress, if any."""
        with cls._guard:
            return cls._all.get(conversation_id)

    def end(self) -> None:
        """Give the conversation back."""
        with self._guard:
            self._all.pop(self.conversation_id, None)
