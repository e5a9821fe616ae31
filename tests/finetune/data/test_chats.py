"""Conversations that the assistant's own store exported, and what their ratings teach."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant import prompts
from assistant.schema import Message
from assistant.store import Store, User
from finetune.data.loading import Loaded, load


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'youju.db'}")
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def ada(store: Store) -> User:
    return store.users.create("ada", "a long password")


def _ask(store: Store, user: User, chat: str, parent: str | None, text: str) -> str:
    return store.conversations.append(user, chat, parent, "user", text).id


def _answer(
    store: Store, user: User, chat: str, parent: str, text: str, thumb: Any = 0, detail: Any = None
) -> str:
    row = store.conversations.append(
        user, chat, parent, "assistant", text, detail=json.dumps(detail or {}, ensure_ascii=False)
    )
    store.feedback.rate(user, row.id, thumb)
    return row.id


def _export(store: Store, user: User, chat: str, tmp_path: Path) -> Loaded:
    exported = json.loads(store.conversations.export_json(user, chat))
    path = tmp_path / "chat.json"
    path.write_text(json.dumps(exported, ensure_ascii=False, indent=1), encoding="utf-8")
    return load([str(path)])


def test_a_thumb_up_is_an_example_with_the_turns_before_it(store: Store, ada: User, tmp_path: Path) -> None:
    chat = store.conversations.create(ada).id
    first = _answer(store, ada, chat, _ask(store, ada, chat, None, "Hi"), "Hello.")
    _answer(store, ada, chat, _ask(store, ada, chat, first, "谢谢"), "不客气。", 1)
    loaded = _export(store, ada, chat, tmp_path)
    (example,) = loaded.examples
    assert example.messages == (
        Message("user", "Hi"),
        Message("assistant", "Hello."),
        Message("user", "谢谢"),
        Message("assistant", "不客气。"),
    )
    assert (example.task, example.language, loaded.faults, loaded.preferences) == ("chat", "zh", (), ())
    assert loaded.files[0].format == "exported chat"


def test_of_two_answers_the_liked_one_is_preferred(store: Store, ada: User, tmp_path: Path) -> None:
    chat = store.conversations.create(ada).id
    question = _ask(store, ada, chat, None, "How long?")
    _answer(store, ada, chat, question, "It depends.", -1)
    _answer(store, ada, chat, question, "Five days.", 1)
    _answer(store, ada, chat, question, "Nobody rated this.")
    loaded = _export(store, ada, chat, tmp_path)
    (pair,) = loaded.preferences
    assert (pair.prompt, pair.chosen, pair.rejected) == (
        (Message("user", "How long?"),),
        "Five days.",
        "It depends.",
    )
    assert [each.messages[-1].text for each in loaded.examples] == ["Five days."]
    assert pair.source == loaded.examples[0].source


def test_answers_to_different_questions_are_never_compared(store: Store, ada: User, tmp_path: Path) -> None:
    chat = store.conversations.create(ada).id
    _answer(store, ada, chat, _ask(store, ada, chat, None, "How long?"), "It depends.", -1)
    _answer(store, ada, chat, _ask(store, ada, chat, None, "How much?"), "Five euros.", 1)
    loaded = _export(store, ada, chat, tmp_path)
    assert (len(loaded.examples), loaded.preferences) == (1, ())


@pytest.mark.parametrize("thumb", [-1, 1])
def test_an_answer_written_anew_is_learnt_and_preferred(
    store: Store, ada: User, tmp_path: Path, thumb: Any
) -> None:
    chat = store.conversations.create(ada).id
    answer = _answer(store, ada, chat, _ask(store, ada, chat, None, "How long?"), "It depends.")
    store.feedback.rate(ada, answer, thumb, edit="Five days.")
    loaded = _export(store, ada, chat, tmp_path)
    assert [each.messages[-1].text for each in loaded.examples] == ["Five days."]
    assert [(each.chosen, each.rejected) for each in loaded.preferences] == [("Five days.", "It depends.")]


def test_a_grounded_answer_is_learnt_with_the_passages_it_cites(
    store: Store, ada: User, tmp_path: Path
) -> None:
    citations = [
        {"n": 3, "title": "B", "start": 9, "text": "Leave lapses in June."},
        {"n": 2, "title": "A", "start": 0, "text": "Everyone has 26 days."},
    ]
    detail = {"query": "How much leave is there?", "citations": citations, "hits": [{}]}
    chat = store.conversations.create(ada).id
    # As no documents of these citations are in the store, only an append keeps their text.
    _answer(
        store,
        ada,
        chat,
        _ask(store, ada, chat, None, "And leave?"),
        "26 days [2]. It lapses [3]. So [7].",
        1,
        detail,
    )
    (example,) = _export(store, ada, chat, tmp_path).examples
    passages = ["Everyone has 26 days.", "Leave lapses in June."]
    asked = prompts.grounded("How much leave is there?", passages, "en")
    assert example.messages == (*asked, Message("assistant", "26 days [1]. It lapses [2]. So ."))
    assert example.task == "grounded"


def test_answers_from_different_passages_are_never_compared(store: Store, ada: User, tmp_path: Path) -> None:
    """A reply preferred for passages that it was not written from would teach to invent."""
    chat = store.conversations.create(ada).id
    question = _ask(store, ada, chat, None, "How much leave?")
    for passage, text, thumb in (("26 days.", "26 days [1].", 1), ("No leave.", "None [1].", -1)):
        _answer(store, ada, chat, question, text, thumb, {"citations": [{"n": 1, "text": passage}]})
    loaded = _export(store, ada, chat, tmp_path)
    assert (len(loaded.examples), loaded.preferences) == (1, ())


def test_an_answer_whose_documents_are_gone_is_left_out(store: Store, ada: User, tmp_path: Path) -> None:
    chat = store.conversations.create(ada).id
    detail = {"citations": [{"n": 1, "text": ""}], "hits": [{}]}
    _answer(store, ada, chat, _ask(store, ada, chat, None, "And leave?"), "26 days [1].", 1, detail)
    first = _ask(store, ada, chat, None, "Hi")
    _answer(store, ada, chat, first, "Hello.", 1)
    loaded = _export(store, ada, chat, tmp_path)
    assert [each.messages[-1].text for each in loaded.examples] == ["Hello."]
    assert [(fault.field, fault.kind, fault.hard) for fault in loaded.faults] == [
        ("messages[1].detail", "passages", False)
    ]


def test_a_chat_that_nobody_rated_teaches_nothing(store: Store, ada: User, tmp_path: Path) -> None:
    chat = store.conversations.create(ada).id
    _answer(store, ada, chat, _ask(store, ada, chat, None, "Hi"), "Hello.")
    loaded = _export(store, ada, chat, tmp_path)
    assert [(fault.kind, fault.hard) for fault in loaded.faults] == [("unrated", False)]
    assert loaded.examples == ()


QUESTION = {"parent": None, "role": "user", "text": "Hi", "detail": "{}"}
LIKED = {"parent": 0, "role": "assistant", "text": "Hello.", "detail": "{}", "thumb": 1}


@pytest.mark.parametrize(
    ("change", "field", "kind"),
    [
        ({"format": "youju.conversation.9"}, "format", "format"),
        ({"messages": {}}, "messages", "type"),
        ({"messages": [QUESTION, "x"]}, "messages[1]", "type"),
        ({"messages": [QUESTION, {**LIKED, "thumb": 5}]}, "messages[1].thumb", "type"),
        ({"messages": [QUESTION, {**LIKED, "thumb": [1]}]}, "messages[1].thumb", "type"),
        ({"messages": [QUESTION, {**LIKED, "parent": 1}]}, "messages[1].parent", "type"),
        ({"messages": [QUESTION, {**LIKED, "parent": None}]}, "messages[1].parent", "role"),
        ({"messages": [QUESTION, {**LIKED, "detail": "{"}]}, "messages[1].detail", "json"),
        ({"messages": [QUESTION, {**LIKED, "text": ""}]}, "messages[1].text", "empty"),
        ({"messages": [{**QUESTION, "role": "robot"}, LIKED]}, "messages[1].parent", "role"),
        (
            {
                "messages": [
                    QUESTION,
                    {**LIKED, "detail": '{"citations": "all"}'},
                ]
            },
            "messages[1].detail.citations",
            "type",
        ),
    ],
)
def test_a_damaged_export_is_named(tmp_path: Path, change: dict[str, Any], field: str, kind: str) -> None:
    exported = {"format": "youju.conversation.1", "title": "", "active": 1, "messages": [QUESTION, LIKED]}
    path = tmp_path / "chats.jsonl"
    path.write_text(f"{json.dumps(exported)}\n{json.dumps({**exported, **change})}\n")
    loaded = load([str(path)])
    assert len(loaded.examples) == 1
    assert [(fault.origin.row, fault.field, fault.kind) for fault in loaded.faults] == [(2, field, kind)]
