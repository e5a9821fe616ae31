"""The composition root keeps what its parts cannot know of each other."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from fakes import FakeGenerator, HashEmbedder, opened

from assistant import config
from assistant.assistant import Assistant
from assistant.errors import NotBilingualError, ReindexingError, StillReadingError
from assistant.models.skills import Skills
from assistant.prompts import CUT, EMPTY_LIBRARY
from assistant.request import Request
from assistant.schema import Answer, Finish, Message, Translation, TurnEvent
from assistant.scope import Scope
from assistant.tools import turn
from assistant.tools.messages import Kind


def asked(runtime: Assistant, question: str) -> Iterator[TurnEvent]:
    user = runtime.workspace.store.users.local()
    return runtime.chat_turn(user, Request(question, runtime.models.sampling()))


class Renamed(HashEmbedder):
    id = "renamed"


def test_nothing_is_declined_while_the_index_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = config.load(home=tmp_path / "home", model="qwen2.5-coder-1.5b")  # one that reads
    model = FakeGenerator("never", scores=lambda _, reply: -99.0 * (reply == "yes"))
    runtime = opened(settings, embedder=HashEmbedder(), generator=model)
    user = runtime.workspace.store.users.local()
    runtime.workspace.library.ingest(
        user, runtime.workspace.store.collections.default(user).id, "a.txt", b"Annual leave: 24 days."
    )
    (*_, answer) = asked(runtime, "Who won the world cup?")
    assert isinstance(answer, Answer)
    assert answer.finish is Finish.DECLINED
    monkeypatch.setattr(runtime.workspace.library, "_embedder", Renamed)  # as after a change of settings
    with pytest.raises(ReindexingError, match="in a few minutes"):
        list(asked(runtime, "How long is annual leave?"))
    runtime.workspace.library.reindex()
    (*_, answer) = asked(runtime, "Who won the world cup?")
    assert answer.finish is Finish.DECLINED
    runtime.close()


def test_a_model_of_one_language_does_not_translate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = opened(config.load(home=tmp_path / "home"), generator=FakeGenerator("年假为 24 天。"))
    monkeypatch.setattr(runtime.models, "languages", lambda: ("en",))
    with pytest.raises(NotBilingualError, match="does not write zh"):
        runtime.translate(runtime.workspace.store.users.local(), "Leave is 24 days.")
    monkeypatch.setattr(runtime.models, "languages", lambda: ("en", "zh"))
    *_, last = runtime.translate(
        runtime.workspace.store.users.local(), "Leave is 24 days.", terms={"leave": "年假"}
    )
    assert isinstance(last, Translation)
    assert (last.text, last.doubtful) == ("年假为 24 天。", ())
    runtime.close()


def test_nothing_is_declined_before_the_first_document_is_read(tmp_path: Path) -> None:
    settings = config.load(home=tmp_path / "home")
    runtime = opened(settings, embedder=HashEmbedder(), generator=FakeGenerator("never"))
    user = runtime.workspace.store.users.local()
    (*_, answer) = asked(runtime, "How long is annual leave?")
    assert answer.text == EMPTY_LIBRARY["en"]
    place, documents = runtime.workspace.store.collections.default(user).id, runtime.workspace.store.documents
    added = documents.add(
        user, place, title="A", filename="a.txt", media_type="text/plain", sha256="0" * 64, size=1
    )
    with pytest.raises(StillReadingError, match="ask again in a moment"):
        list(asked(runtime, "How long is annual leave?"))
    documents.set_state(user, added.id, "failed", error="it is empty")
    (*_, answer) = asked(runtime, "How long is annual leave?")
    assert answer.text == EMPTY_LIBRARY["en"]
    runtime.close()


def test_a_row_is_judged_as_the_same_text_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def leaning(messages: Sequence[Message], reply: str) -> float:
        return {"negative": 0.0, "neutral": 0.5, "positive": 1.0}[reply.split()[-1]]

    runtime = opened(config.load(home=tmp_path / "home"), generator=FakeGenerator(scores=leaning))
    user = runtime.workspace.store.users.local()
    for trained in (False, True):
        monkeypatch.setattr(runtime.models, "skills", lambda name, trained=trained: Skills(sentiment=trained))
        (alone,) = runtime.sentiment(user, ["A fine day."])
        (row, empty) = runtime.sentiment_rows(user, ["A fine day.", ""])
        assert row.sentiment == alone
        assert empty.error
        assert (alone.positive > alone.neutral) is trained, "what it learnt is taken as it stands"
    runtime.close()


@pytest.mark.parametrize("parts", [1, 60])
def test_of_a_long_text_that_comes_with_a_task_the_beginning_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: int
) -> None:
    monkeypatch.setattr(turn, "kind_of", lambda *_: Kind.TASK)
    settings = config.load(home=tmp_path / "home", model="qwen2.5-coder-1.5b")
    model = FakeGenerator("Nobody smokes in the house.")
    runtime = opened(settings, embedder=HashEmbedder(), generator=model)
    text = "\n\n".join(f"Rule {n}. " + "Nobody smokes in the house. " * 20 for n in range(parts))
    request = Request("Summarize the house rules", runtime.models.sampling())
    scope = Scope(given=(("r", "House rules", text),))
    *_, answer = runtime.chat_turn(runtime.workspace.store.users.local(), request, scope)
    assert isinstance(answer, Answer)
    assert model.count(model.prompts[-1]) < model.window - request.sampling.max_new_tokens
    assert (CUT["en"].partition("{")[0] in answer.text) is (parts > 1)
    assert {hit.chunk.document_id for hit in answer.hits} == {"r"}
    assert answer.hits[0].chunk.text.startswith("Rule 0.")
    runtime.close()
