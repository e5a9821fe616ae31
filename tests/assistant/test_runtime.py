"""The composition root keeps what its parts cannot know of each other."""

from pathlib import Path

import pytest
from fakes import HashEmbedder

from assistant import config
from assistant.errors import ReindexingError, StillReadingError
from assistant.runtime import Runtime
from assistant.schema import Answer, Finish


class Renamed(HashEmbedder):
    id = "renamed"


def test_nothing_is_declined_while_the_index_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = Runtime(config.load(home=tmp_path / "home"), exclusive=True)
    monkeypatch.setattr(runtime, "embedder", HashEmbedder)
    user = runtime.store.users.local()
    runtime.library.ingest(
        user, runtime.store.collections.default(user).id, "a.txt", b"Annual leave: 24 days."
    )
    (*_, answer) = runtime.chat_turn(user, [], "Who won the world cup?")
    assert isinstance(answer, Answer)
    assert answer.finish is Finish.DECLINED
    monkeypatch.setattr(runtime.library, "_embedder", Renamed)  # as after a change of settings
    with pytest.raises(ReindexingError, match="in a few minutes"):
        list(runtime.chat_turn(user, [], "How long is annual leave?"))
    runtime.library.reindex()
    (*_, answer) = runtime.chat_turn(user, [], "Who won the world cup?")
    assert answer.finish is Finish.DECLINED
    runtime.close()


def test_nothing_is_declined_before_the_first_document_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = Runtime(config.load(home=tmp_path / "home"), exclusive=True)
    monkeypatch.setattr(runtime, "embedder", HashEmbedder)
    user = runtime.store.users.local()
    (*_, answer) = runtime.chat_turn(user, [], "How long is annual leave?")
    assert answer.finish is Finish.DECLINED
    place, documents = runtime.store.collections.default(user).id, runtime.store.documents
    added = documents.add(
        user, place, title="A", filename="a.txt", media_type="text/plain", sha256="0" * 64, size=1
    )
    with pytest.raises(StillReadingError, match="ask again in a moment"):
        list(runtime.chat_turn(user, [], "How long is annual leave?"))
    documents.set_state(user, added.id, "failed", error="it is empty")
    (*_, answer) = runtime.chat_turn(user, [], "How long is annual leave?")
    assert answer.finish is Finish.DECLINED
    runtime.close()
