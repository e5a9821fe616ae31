"""Scripted stand-ins that every test may use; each remembers what it was asked."""

from __future__ import annotations

import hashlib as _hashlib
import re as _re
import threading as _threading
import time as _time
import zlib as _zlib
from collections.abc import Callable as _Callable
from collections.abc import Iterator as _Iterator
from collections.abc import Sequence as _Sequence
from dataclasses import replace as _replace
from pathlib import Path as _Path
from typing import Any as _Any

import numpy as np

from assistant.assistant import Assistant as _Assistant
from assistant.config import Settings as _Settings
from assistant.engine.protocol import EngineState as _EngineState
from assistant.errors import EngineError as _EngineError
from assistant.evidence.words import terms as _terms
from assistant.loaded import Models as _Models
from assistant.request import Request as _Request
from assistant.schema import AdapterRef as _AdapterRef
from assistant.schema import Answer as _Answer
from assistant.schema import Chunk as _Chunk
from assistant.schema import Citation as _Citation
from assistant.schema import Delta as _Delta
from assistant.schema import Doubt as _Doubt
from assistant.schema import Finish as _Finish
from assistant.schema import Found as _Found
from assistant.schema import Hit as _Hit
from assistant.schema import Message as _Message
from assistant.schema import Sampling as _Sampling
from assistant.schema import Sentence as _Sentence
from assistant.schema import Sentiment as _Sentiment
from assistant.schema import Source as _Source
from assistant.schema import Status as _Status
from assistant.schema import Summary as _Summary
from assistant.schema import SummarySentence as _SummarySentence
from assistant.schema import TranslatedSentence as _TranslatedSentence
from assistant.schema import Translation as _Translation
from assistant.schema import TurnEvent as _TurnEvent
from assistant.schema import Verdict as _Verdict
from assistant.scope import EVERYTHING as _EVERYTHING
from assistant.scope import Scope as _Scope
from assistant.store import Store as _Store
from assistant.store import User as _User
from assistant.workspace import Workspace as _Workspace

# --- an embedder's cosines ----------------------------------------------------------------------------------


def alike(questions: _Sequence[str], texts: _Sequence[str]) -> list[list[float]]:
    """Cosines as an e5 model gives them: 0.75, and up to 0.15 more for the question's words in the text."""
    return [
        [0.75 + 0.15 * len(asked & set(_terms(text))) / (len(asked) or 1) for text in texts]
        for asked in (set(_terms(question)) for question in questions)
    ]


# --- a language model -------------------------------------------------------------------------------------


class FakeGenerator:
    """Replies from a queue, or what a function makes of the prompt; a token is a word or a Han character.

    ``prompts`` holds the messages of every call; ``closed`` counts streams that were closed early.
    """

    def __init__(
        self,
        *replies: str | _Callable[[_Sequence[_Message]], str],
        window: int = 2048,
        name: str = "fake",
        scores: _Callable[[_Sequence[_Message], str], float] | None = None,
    ) -> None:
        self.name = name
        self.window = window
        self.prompts: list[list[_Message]] = []
        self.samplings: list[_Sampling] = []
        self.closed = 0
        self._replies = list(replies)
        self._scores = scores

    def count_text(self, text: str) -> int:
        return len(_re.findall(r"[一-鿿]|[^\s一-鿿]+", text))

    def count(self, messages: _Sequence[_Message]) -> int:
        return sum(self.count_text(message.text) + 3 for message in messages)

    def stream(
        self,
        messages: _Sequence[_Message],
        sampling: _Sampling,
        *,
        adapter: str | None = None,
        user: str = "",
    ) -> _Iterator[_Delta]:
        self.prompts.append(list(messages))
        self.samplings.append(sampling)
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        text = reply if isinstance(reply, str) else reply(messages)
        done = False
        try:
            yield _Delta("", queue_position=1)
            for n, piece in enumerate(_re.findall(r"\S+\s*|\s+", text), 1):
                yield _Delta(piece, tokens=n)
            yield _Delta("", finish=_Finish.STOP, tokens=len(text.split()))
            done = True
        finally:
            self.closed += not done

    def score(
        self, messages: _Sequence[_Message], replies: _Sequence[str], *, adapter: str | None = None
    ) -> list[float]:
        self.prompts.append(list(messages))
        if self._scores is None:
            raise AssertionError("this test did not expect score()")
        return [self._scores(messages, reply) for reply in replies]

    def score_many(
        self,
        batch: _Sequence[tuple[_Sequence[_Message], _Sequence[str]]],
        *,
        adapter: str | None = None,
    ) -> list[list[float]]:
        return [self.score(messages, replies, adapter=adapter) for messages, replies in batch]

    def state(self) -> _EngineState:
        return _EngineState("ready")

    def close(self) -> None:
        pass


# --- the server -------------------------------------------------------------------------------------------


class TimedGenerator:
    """Says ``words``, one every ``delay`` seconds, with the heartbeats that the protocol promises.

    Args:
        words: The reply.
        delay: Seconds before each word.
        fail_at: Raise _EngineError before this word.
        die_at: Raise a bare RuntimeError before this word, as a bug would.
    """

    name = "fake"
    window = 512

    def __init__(
        self,
        words: _Sequence[str] = ("Seven ", "days."),
        delay: float = 0.0,
        fail_at: int | None = None,
        die_at: int | None = None,
    ) -> None:
        self.words = tuple(words)
        self.delay = delay
        self.fail_at = fail_at
        self.die_at = die_at
        self.prompts: list[list[_Message]] = []
        self.samplings: list[_Sampling] = []
        self.made = 0
        self.closed = _threading.Event()
        self.running = 0
        self.last_progress = _time.monotonic()

    def count(self, messages: _Sequence[_Message]) -> int:
        return sum(self.count_text(message.text) for message in messages)

    def count_text(self, text: str) -> int:
        return len(text.split())

    def stream(
        self,
        messages: _Sequence[_Message],
        sampling: _Sampling,
        *,
        adapter: str | None = None,
        user: str = "",
    ) -> _Iterator[_Delta]:
        self.prompts.append(list(messages))
        self.samplings.append(sampling)
        self.running += 1
        try:
            for place, word in enumerate(self.words):
                yield from self._wait()
                if place == self.fail_at:
                    raise _EngineError(reason="the fake was told to fail", remedy="tell it otherwise")
                if place == self.die_at:
                    raise RuntimeError("secret internals")
                self.made += 1
                self.last_progress = _time.monotonic()
                yield _Delta(word, tokens=place + 1)
            yield _Delta("", _Finish.STOP, tokens=len(self.words))
        finally:
            self.running -= 1
            self.closed.set()

    def _wait(self) -> _Iterator[_Delta]:
        end = _time.monotonic() + self.delay
        while (left := end - _time.monotonic()) > 0:
            _time.sleep(min(left, 0.1))
            yield _Delta("")

    def score(
        self, messages: _Sequence[_Message], replies: _Sequence[str], *, adapter: str | None = None
    ) -> list[float]:
        return [-float(len(reply)) for reply in replies]

    def state(self) -> _EngineState:
        return _EngineState(
            "ready", running=self.running, tokens_total=self.made, last_progress=self.last_progress
        )

    def close(self) -> None:
        self.closed.set()


class HashEmbedder:
    """Unit vectors made of the text's hash: equal texts are near, all others are not."""

    id = "hash"
    dim = 8
    window = 64

    def count(self, text: str) -> int:
        return len(text.split())

    def embed_query(self, text: str) -> np.ndarray:
        return self.embed_documents([text])[0]

    def embed_documents(self, texts: _Sequence[str]) -> np.ndarray:
        digests = [_hashlib.sha256(text.encode()).digest()[: self.dim] for text in texts]
        rows = np.array([list(digest) for digest in digests], dtype=np.float32) - 127.5
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def opened(settings: _Settings, **given: _Any) -> _Assistant:
    """The real assistant over a folder of its own, with models that are given: ``embedder``, ``generator``."""
    models = _Models(settings, **given)
    return _Assistant(models, _Workspace(models.settings, models.embedder, exclusive=True))


class FakeLibrary:
    """Originals alone, as a library lays them out."""

    def __init__(self, runtime: FakeRuntime) -> None:
        self._runtime = runtime

    def delete_user_data(self, user: _User) -> None:
        self._runtime.workspace.store.delete_user_data(user)

    def original(self, user: _User, document_id: str) -> _Path:
        record = self._runtime.workspace.store.documents.get(user, document_id)
        return self._runtime.settings.home / "files" / record.id / "original"


class FakeRuntime:
    """A runtime over a real store in ``home``, with a scripted model and one document that answers everything."""

    def __init__(self, home: _Path, generator: TimedGenerator | None = None, **settings: _Any) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.settings = _Settings(home=home, model="fake", embedder="hash", samples=False, **settings)
        self.store = _Store(self.settings.database)
        self.store.migrate()
        self.fake = generator or TimedGenerator()
        self.calls: list[dict[str, _Any]] = []
        self.library = FakeLibrary(self)
        self.models = self.workspace = self  # both in one: a test asks for one thing at a time
        self._admit: _Callable[[_User], None] = lambda user: None

    def admit_by(self, admit: _Callable[[_User], None]) -> None:
        self._admit = admit

    def generator(self) -> TimedGenerator:
        return self.fake

    def embedder(self) -> HashEmbedder:
        return HashEmbedder()

    def state(self) -> _EngineState:
        return self.fake.state()

    def adapters(self) -> list[_AdapterRef]:
        return [_AdapterRef("tuned", "adapters/tuned", "fake")]

    def adapter_name(self, name: str | None) -> str | None:
        return None if name in (None, "", "none") else name

    def sampling(self, **changes: _Any) -> _Sampling:
        return _Sampling(**{"max_new_tokens": self.settings.max_new_tokens, **changes})

    def chat_turn(
        self, user: _User, request: _Request, scope: _Scope | None = _EVERYTHING, adapter: str | None = None
    ) -> _Iterator[_TurnEvent]:
        self._admit(user)
        self.calls.append({"user": user, "request": request, "scope": scope, "adapter": adapter})
        system = [_Message("system", request.system)] * bool(request.system)
        messages = [*system, *request.history, _Message("user", request.question)]
        hits: tuple[_Hit, ...] = ()
        if scope is not None:
            nothing = scope.document_ids is not None and not scope.document_ids and not scope.given
            hits = () if nothing else (_hit(),)
            yield _Status("searching", 1)
            yield _Found(hits)
        text, tokens = "", 0
        for delta in self.fake.stream(messages, request.sampling, adapter=adapter, user=user.id):
            text, tokens = text + delta.text, delta.tokens or tokens
            yield delta
        yield _replace(_answer(text, tokens, hits), prompt_tokens=self.fake.count(messages))

    def summarize(
        self, user: _User, text: str, *, length: str = "paragraph", adapter: str | None = None
    ) -> _Iterator[_Delta | _Summary]:
        """The text's first word, with a beat for each of the model's."""
        self.calls.append({"user": user, "summarize": text, "length": length, "adapter": adapter})
        yield from self.fake.stream([_Message("user", text)], self.sampling(), user=user.id)
        first = text.split()[0]
        sentence = _SummarySentence(first, (_Source(0, len(first), 1.0),), _Verdict.SUPPORTED)
        yield _Summary(first, (sentence,), 1, 1, tokens=2, prompt_tokens=len(text.split()))

    def translate(
        self,
        user: _User,
        text: str,
        *,
        target: str | None = None,
        terms: dict[str, str] | None = None,
        adapter: str | None = None,
    ) -> _Iterator[_Delta | _Translation]:
        """One sentence whose number is lost, with a beat for each of the model's words."""
        self.calls.append(
            {"user": user, "translate": text, "target": target, "terms": terms, "adapter": adapter}
        )
        yield from self.fake.stream([_Message("user", text)], self.sampling(), user=user.id)
        yield _Translation("译文", "zh", (_TranslatedSentence(text, "译文", (_Doubt("number", "24"),)),))

    def sentiment(
        self, user: _User, texts: _Sequence[str], *, adapter: str | None = None
    ) -> _Iterator[_Sentiment]:
        """Positive where a text has the word good."""
        self.calls.append({"user": user, "sentiment": list(texts), "adapter": adapter})
        for text in texts:
            good = 0.8 if "good" in text else 0.1
            yield _Sentiment(0.9 - good, 0.1, good, False)

    def close(self) -> None:
        self.store.close()


def _hit() -> _Hit:
    return _Hit(
        _Chunk("d1", 0, 11, "Seven days.", page=2),
        "Terms",
        0.9,
        dense=0.9,
        dense_rank=1,
        context="Seven days.",
    )


def _answer(text: str, tokens: int, hits: tuple[_Hit, ...]) -> _Answer:
    if not hits:
        return _Answer(text, _Finish.STOP, tokens=tokens)
    citation = _Citation(1, "d1", "Terms", 0, 11, "Seven days.", page=2)
    sentence = _Sentence(text, 0, len(text), _Verdict.SUPPORTED, (1,))
    return _Answer(
        text, _Finish.STOP, (citation,), (sentence,), citation, hits, tokens=tokens, confidence=0.9
    )


# --- an embedding model -----------------------------------------------------------------------------------


class WordEmbedder:
    """Vectors from the words' hashes: texts that share words are near. ``delay_s`` makes each batch take time."""

    window = 128

    def __init__(self, name: str = "words", dim: int = 256, delay_s: float = 0.0) -> None:
        self.id = name
        self.dim = dim
        self.delay_s = delay_s
        self.embedded: list[str] = []

    def count(self, text: str) -> int:
        return len(_re.findall(r"[一-鿿]|[^\s一-鿿]+", text)) + 2

    def embed_query(self, text: str) -> np.ndarray:
        return self._vector(text)

    def embed_documents(self, texts: _Sequence[str]) -> np.ndarray:
        _time.sleep(self.delay_s)
        self.embedded += texts
        return np.array([self._vector(text) for text in texts], dtype=np.float32).reshape(-1, self.dim)

    def _vector(self, text: str) -> np.ndarray:
        vector = np.full(self.dim, 1e-3, dtype=np.float32)
        for word in _re.findall(r"[一-鿿]|[^\W一-鿿]+", text.casefold()):
            vector[_zlib.crc32(f"{self.id} {word}".encode()) % self.dim] += 1
        return vector / np.linalg.norm(vector)
