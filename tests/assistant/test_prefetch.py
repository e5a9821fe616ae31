"""Paragraphs are embedded before anybody asks, and never while somebody is being answered."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeGenerator, HashEmbedder, opened
from readers import wait_for

from assistant import config, prefetch
from assistant.assistant import Assistant
from assistant.engine.protocol import EngineState
from assistant.prefetch import Prefetch
from assistant.request import Request
from assistant.store import User

RULES = "\n\n".join(
    ["# House rules", *(f"Rule {n}: " + f"door {n} is locked at night. " * 4 for n in range(12))]
)


class Recording(HashEmbedder):
    """Keeps what it was given to read."""

    window = 512

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed_documents(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += texts
        return super().embed_documents(texts)


class Asked:
    """An assistant over one document, and what its embedder read."""

    def __init__(self, home: Path) -> None:
        self.embedder = Recording()
        model = FakeGenerator("Door 3. [1]", scores=lambda _, reply: -1.0 * (reply == "no"))
        self.assistant: Assistant = opened(
            config.load(home=home, model="qwen2.5-coder-1.5b"), embedder=self.embedder, generator=model
        )
        self.user: User = self.assistant.workspace.store.users.local()
        self.prefetch = Prefetch(self.assistant.models, self.assistant.workspace)

    def add(self, name: str, text: str) -> str:
        workspace = self.assistant.workspace
        place = workspace.store.collections.default(self.user).id
        (record,) = workspace.library.ingest(self.user, place, name, text.encode())
        return record.id

    def read_by(self, question: str) -> list[str]:
        before = len(self.embedder.texts)
        list(self.assistant.chat_turn(self.user, Request(question, self.assistant.models.sampling())))
        return self.embedder.texts[before:]


def paragraphs(texts: Sequence[str]) -> list[str]:
    """Those that are held against a question, with their title; sentences are read after the answer."""
    return [text for text in texts if text.startswith("House rules\n")]


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(tmp_path / "home")


def test_a_question_embeds_no_paragraph_that_was_embedded_before(asked: Asked) -> None:
    asked.add("rules.md", RULES)
    asked.prefetch.look()
    assert not paragraphs(asked.read_by("Which door is locked?"))


def test_without_it_the_question_embeds_them(asked: Asked) -> None:
    asked.add("rules.md", RULES)
    assert paragraphs(asked.read_by("Which door is locked?"))


def test_each_document_once_and_new_ones_at_the_next_look(asked: Asked) -> None:
    asked.add("rules.md", RULES)
    asked.prefetch.look()
    once = len(asked.embedder.texts)
    asked.prefetch.look()
    assert len(asked.embedder.texts) == once
    asked.add("other.md", RULES.replace("door", "gate"))
    known = len(asked.embedder.texts)
    asked.prefetch.look()
    assert any("gate" in text for text in asked.embedder.texts[known:])


def test_it_stops_at_what_may_be_kept(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    asked.add("rules.md", RULES)
    known = len(asked.embedder.texts)
    monkeypatch.setattr(prefetch, "MOST", 4)
    Prefetch(asked.assistant.models, asked.assistant.workspace).look()
    assert len(asked.embedder.texts) == known + 4


def test_it_waits_while_somebody_is_answered_and_stops_when_closed(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked.add("rules.md", RULES)
    known, busy, looked = len(asked.embedder.texts), EngineState("ready", running=1), threading.Event()

    def state() -> EngineState:
        looked.set()
        return busy

    monkeypatch.setattr(prefetch, "_PAUSE", 0.01)
    monkeypatch.setattr(asked.assistant.models, "state", state)
    asked.prefetch.start()
    assert looked.wait(20)
    assert len(asked.embedder.texts) == known
    busy = EngineState("ready")
    wait_for(lambda: len(asked.embedder.texts) >= known + 12)
    asked.prefetch.close()


def test_a_deleted_document_does_not_end_it(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = asked.add("gone.md", RULES)
    ready = asked.assistant.workspace.store.documents.ready
    stale = ready((), 9)
    asked.assistant.workspace.library.delete(asked.user, gone)
    asked.add("rules.md", RULES.replace("door", "gate"))
    monkeypatch.setattr(prefetch, "_PAUSE", 0.01)
    looks = iter([stale])
    monkeypatch.setattr(
        asked.assistant.workspace.store.documents, "ready", lambda *given: next(looks, None) or ready(*given)
    )
    known = len(asked.embedder.texts)
    asked.prefetch.start()
    wait_for(lambda: any("gate" in text for text in asked.embedder.texts[known:]))
    asked.prefetch.close()
