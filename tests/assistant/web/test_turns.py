from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from demo_runtime import HANDBOOK, DemoRuntime, furnish

from assistant.errors import ConflictError, EmptyInputError, EngineError, NotFoundError
from assistant.request import Request
from assistant.schema import Answer, Delta, Finish, Found, Message, Status
from assistant.scope import Scope
from assistant.store import User
from assistant.web import turns
from assistant.web.turns import Ask, Edit, Regenerate

QUESTION = "How many days of leave do I have?"


@pytest.fixture
def runtime(tmp_path: Path) -> Any:
    runtime = DemoRuntime(tmp_path / "home")
    furnish(runtime, runtime.workspace.store.users.local())
    yield runtime
    runtime.close()


@pytest.fixture
def user(runtime: DemoRuntime) -> User:
    return runtime.workspace.store.users.local()


@pytest.fixture
def chat(runtime: DemoRuntime, user: User) -> str:
    return runtime.workspace.store.conversations.create(user).id


def path(runtime: DemoRuntime, user: User, chat: str) -> list[Any]:
    return runtime.workspace.store.conversations.path(user, chat)


def test_a_turn_is_stored_with_what_it_rests_on(runtime: DemoRuntime, user: User, chat: str) -> None:
    events = list(turns.run(runtime, user, chat, Ask(f"  {QUESTION} ")))
    kinds = [type(event) for event in events]
    assert kinds.index(Status) < kinds.index(Found) < kinds.index(Delta)
    assert isinstance(events[-1], Answer)
    question, answer = path(runtime, user, chat)
    assert question.text == QUESTION
    assert (answer.text, answer.finish) == (events[-1].text, Finish.STOP)
    detail = turns.detail_of(answer)
    assert [c.n for c in detail.citations] == [1]
    assert [s.verdict for s in detail.sentences] == [s.verdict for s in events[-1].sentences]
    assert (detail.confidence, detail.model) == (0.87, "smollm2-135m")
    assert detail.hits[0].dense == events[-1].hits[0].dense


def test_passages_found_are_kept_as_places_only(runtime: DemoRuntime, user: User, chat: str) -> None:
    list(turns.run(runtime, user, chat, Ask(QUESTION)))
    kept = path(runtime, user, chat)[-1].detail
    assert "Travel expenses are refunded" in HANDBOOK
    assert "Travel expenses are refunded" not in kept


def test_the_question_is_stored_before_the_first_event(runtime: DemoRuntime, user: User, chat: str) -> None:
    events = turns.run(runtime, user, chat, Ask(QUESTION))
    next(events)
    stored = path(runtime, user, chat)
    assert [m.role for m in stored] == ["user", "assistant"]
    assert stored[-1].finish is None
    assert turns.writing(stored[-1])
    events.close()


def test_closing_keeps_what_was_written_and_frees_the_conversation(
    runtime: DemoRuntime, user: User, chat: str
) -> None:
    events = turns.run(runtime, user, chat, Ask(QUESTION))
    text = ""
    for event in events:
        if isinstance(event, Delta):
            text += event.text
        if len(text) > 30:
            break
    events.close()
    answer = path(runtime, user, chat)[-1]
    assert (answer.text, answer.finish) == (text, Finish.CANCELLED)
    assert not turns.writing(answer)
    list(turns.run(runtime, user, chat, Ask("once more, how many days of leave?")))


def test_stop_ends_the_answer_and_keeps_it_twice_is_harmless(
    runtime: DemoRuntime, user: User, chat: str
) -> None:
    turns.stop(user, runtime, chat)
    text, last = "", None
    for event in turns.run(runtime, user, chat, Ask(QUESTION)):
        last = event
        if isinstance(event, Delta):
            text += event.text
            turns.stop(user, runtime, chat)
            turns.stop(user, runtime, chat)
    assert isinstance(last, Answer)
    assert (last.finish, last.text) == (Finish.CANCELLED, text)
    assert 0 < len(text) < 20
    assert path(runtime, user, chat)[-1].text == text
    assert path(runtime, user, chat)[-1].finish is Finish.CANCELLED


def test_nobody_stops_another_users_answer(runtime: DemoRuntime, user: User, chat: str) -> None:
    other = runtime.workspace.store.users.create("other", "a long password")
    with pytest.raises(NotFoundError):
        turns.stop(other, runtime, chat)
    with pytest.raises(NotFoundError):
        list(turns.run(runtime, other, chat, Ask(QUESTION)))
    assert path(runtime, user, chat) == []


def test_one_answer_at_a_time(runtime: DemoRuntime, user: User, chat: str) -> None:
    first = turns.run(runtime, user, chat, Ask(QUESTION))
    next(first)
    with pytest.raises(ConflictError):
        next(turns.run(runtime, user, chat, Ask("another")))
    first.close()
    assert len(path(runtime, user, chat)) == 2


def test_history_is_the_stored_one(runtime: DemoRuntime, user: User, chat: str) -> None:
    list(turns.run(runtime, user, chat, Ask(QUESTION)))
    list(turns.run(runtime, user, chat, Ask("And how many days of leave carry over?")))
    history, question = runtime.asked[-1]
    stored = path(runtime, user, chat)
    assert question == "And how many days of leave carry over?"
    assert list(history) == [Message(m.role, m.text) for m in stored[:2]]


def test_an_answer_that_came_to_nothing_is_left_out_of_the_history(
    runtime: DemoRuntime, user: User, chat: str
) -> None:
    list(turns.run(runtime, user, chat, Ask("quantum chromodynamics")))
    assert path(runtime, user, chat)[-1].finish is Finish.DECLINED
    list(turns.run(runtime, user, chat, Ask(QUESTION)))
    assert runtime.asked[-1][0] == ()


def test_regenerating_keeps_both_versions(runtime: DemoRuntime, user: User, chat: str) -> None:
    list(turns.run(runtime, user, chat, Ask(QUESTION)))
    first = path(runtime, user, chat)[-1]
    list(turns.run(runtime, user, chat, Regenerate(first.id)))
    second = path(runtime, user, chat)[-1]
    assert (second.version, second.versions, second.previous_id) == (2, 2, first.id)
    assert runtime.asked[-1] == ((), QUESTION)


def test_editing_keeps_the_old_question(runtime: DemoRuntime, user: User, chat: str) -> None:
    list(turns.run(runtime, user, chat, Ask(QUESTION)))
    question = path(runtime, user, chat)[0]
    list(turns.run(runtime, user, chat, Edit(question.id, "How many days of leave are paid?")))
    edited, answer = path(runtime, user, chat)
    assert (edited.text, edited.version, edited.versions) == ("How many days of leave are paid?", 2, 2)
    assert answer.role == "assistant"
    assert runtime.asked[-1][0] == ()


@pytest.mark.parametrize("turn", [Ask("  \n "), Ask("")])
def test_a_question_without_words_is_refused_and_stores_nothing(
    runtime: DemoRuntime, user: User, chat: str, turn: Ask
) -> None:
    with pytest.raises(EmptyInputError):
        list(turns.run(runtime, user, chat, turn))
    assert path(runtime, user, chat) == []


def test_only_an_answer_of_this_conversation_is_regenerated(
    runtime: DemoRuntime, user: User, chat: str
) -> None:
    list(turns.run(runtime, user, chat, Ask(QUESTION)))
    question, answer = path(runtime, user, chat)
    elsewhere = runtime.workspace.store.conversations.create(user).id
    for conversation, message in ((chat, question.id), (elsewhere, answer.id)):
        with pytest.raises(ConflictError):
            list(turns.run(runtime, user, conversation, Regenerate(message)))


def test_an_engine_failure_keeps_the_text_and_names_the_error(
    runtime: DemoRuntime, user: User, chat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        yield Delta("Half a ")
        yield Delta("sentence")
        raise EngineError(reason="out of memory", remedy="ask a shorter question")

    monkeypatch.setattr(runtime, "chat_turn", broken)
    with pytest.raises(EngineError):
        list(turns.run(runtime, user, chat, Ask(QUESTION)))
    answer = path(runtime, user, chat)[-1]
    detail = turns.detail_of(answer)
    assert (answer.text, answer.finish) == ("Half a sentence", Finish.ERROR)
    assert detail.error == "EngineError"
    assert detail.error_fields == {"reason": "out of memory", "remedy": "ask a shorter question"}


@pytest.mark.parametrize(
    ("mode", "scope"),
    [("all", Scope()), ("none", None), ("chat", Scope([])), ("collection", Scope(["own"]))],
)
def test_the_scope_decides_where_is_searched(
    runtime: DemoRuntime,
    user: User,
    chat: str,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    scope: Scope | None,
) -> None:
    own = runtime.workspace.store.collections.create(user, "Contracts")
    seen: list[Scope | None] = []

    def answer(user: User, request: Request, scope: Scope | None, adapter: str) -> Any:
        seen.append(scope)
        yield Answer("ok", Finish.STOP)

    monkeypatch.setattr(runtime, "chat_turn", answer)
    wanted = {"mode": mode, **({"collection_id": own.id} if mode == "collection" else {})}
    runtime.workspace.store.conversations.set_scope(user, chat, json.dumps(wanted))
    list(turns.run(runtime, user, chat, Ask(QUESTION)))
    assert seen == [Scope([own.id]) if mode == "collection" else scope]


def test_files_of_the_chat_are_searched_with_all_others(
    runtime: DemoRuntime, user: User, chat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = runtime.workspace.store.collections.for_chat(user, chat)
    seen: list[Scope | None] = []

    def answer(user: User, request: Request, scope: Scope | None, adapter: str) -> Any:
        seen.append(scope)
        yield Answer("ok", Finish.STOP)

    monkeypatch.setattr(runtime, "chat_turn", answer)
    list(turns.run(runtime, user, chat, Ask(QUESTION)))
    named = [c.id for c in runtime.workspace.store.collections.list(user)]
    assert seen == [Scope([*named, own.id])]


def test_preferences_reach_the_engine(
    runtime: DemoRuntime, user: User, chat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in (
        ("temperature", "0.7"),
        ("seed", "11"),
        ("system", "Be brief."),
        ("adapter", "youju-1"),
        ("top_p", "x"),
    ):
        runtime.workspace.store.settings.set(user, key, value)
    seen: list[tuple[Request, str]] = []

    def answer(user: User, request: Request, scope: Scope | None, adapter: str) -> Any:
        seen.append((request, adapter))
        yield Answer("ok", Finish.STOP)

    monkeypatch.setattr(runtime, "chat_turn", answer)
    list(turns.run(runtime, user, chat, Ask(QUESTION)))
    ((request, adapter),) = seen
    sampling = request.sampling
    assert (sampling.temperature, sampling.seed, sampling.top_p) == (0.7, 11, 1.0)
    assert (request.system, adapter) == ("Be brief.", "youju-1")
    assert turns.detail_of(path(runtime, user, chat)[-1]).seed == 11


def test_a_detail_from_elsewhere_is_an_empty_one(runtime: DemoRuntime, user: User, chat: str) -> None:
    question = runtime.workspace.store.conversations.append(user, chat, None, "user", "q")
    answer = runtime.workspace.store.conversations.append(
        user, chat, question.id, "assistant", "a", detail='{"citations": 3}'
    )
    assert turns.detail_of(answer) == turns.Detail()
