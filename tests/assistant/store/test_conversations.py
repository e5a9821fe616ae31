from __future__ import annotations

import json
from typing import Any

import pytest

from assistant.errors import BadRequestError, EmptyInputError, NotFoundError, TooLargeError
from assistant.schema import Finish
from assistant.store import Store, User


def say(store: Store, user: User, conversation_id: str, *texts: str, parent: str | None = None) -> list[str]:
    """Append messages below one another, user and assistant in turn; returns their ids."""
    ids: list[str] = []
    for place, text in enumerate(texts):
        role: Any = "user" if place % 2 == 0 else "assistant"
        parent = store.conversations.append(user, conversation_id, parent, role, text).id
        ids.append(parent)
    return ids


def words(store: Store, user: User, conversation_id: str) -> list[str]:
    return [message.text for message in store.conversations.path(user, conversation_id)]


def test_asking_again_keeps_every_version(store: Store, ada: User) -> None:
    chat = store.conversations.create(ada)
    question, first = say(store, ada, chat.id, "How long?", "Five days.")
    second = store.conversations.append(ada, chat.id, question, "assistant", "Seven days.")
    assert (second.version, second.versions, second.previous_id, second.next_id) == (2, 2, first, None)
    assert words(store, ada, chat.id) == ["How long?", "Seven days."]

    store.conversations.select(ada, first)
    shown = store.conversations.path(ada, chat.id)[-1]
    assert (shown.text, shown.version, shown.next_id) == ("Five days.", 1, second.id)


def test_editing_the_first_question_makes_a_second_root(store: Store, ada: User) -> None:
    chat = store.conversations.create(ada)
    old, _ = say(store, ada, chat.id, "old", "old answer")
    new, _ = say(store, ada, chat.id, "new", "new answer")
    assert words(store, ada, chat.id) == ["new", "new answer"]
    assert store.conversations.message(ada, new).previous_id == old
    store.conversations.select(ada, old)
    assert words(store, ada, chat.id) == ["old", "old answer"]


def test_selecting_goes_down_to_the_newest_message(store: Store, ada: User) -> None:
    chat = store.conversations.create(ada)
    ids = say(store, ada, chat.id, "q1", "a1", "q2", "a2")
    say(store, ada, chat.id, "q2 edited", "a2 edited", parent=ids[1])
    store.conversations.select(ada, ids[2])
    assert words(store, ada, chat.id) == ["q1", "a1", "q2", "a2"]
    store.conversations.select(ada, ids[0])
    assert words(store, ada, chat.id) == ["q1", "a1", "q2 edited", "a2 edited"]


def test_a_long_conversation_is_deleted_whole(store: Store, ada: User) -> None:
    chat = store.conversations.create(ada)
    exported = json.loads(store.conversations.export_json(ada, chat.id))
    when = exported["created"]
    exported["messages"] = [
        {"parent": place - 1 if place else None, "role": "user", "text": "x", "created": when}
        for place in range(2_000)
    ]
    long = store.conversations.import_json(ada, json.dumps({**exported, "active": 1_999}))
    assert len(store.conversations.path(ada, long.id)) == 2_000
    store.conversations.delete(ada, long.id)
    with pytest.raises(NotFoundError):
        store.conversations.get(ada, long.id)


def test_an_answer_grows_and_ends(store: Store, ada: User) -> None:
    chat = store.conversations.create(ada)
    _, answer = say(store, ada, chat.id, "q", "")
    store.conversations.update(ada, answer, "Seven da", Finish.CANCELLED, '{"seconds": 1}')
    stored = store.conversations.path(ada, chat.id)[-1]
    assert (stored.text, stored.finish, stored.detail) == ("Seven da", Finish.CANCELLED, '{"seconds": 1}')


def test_the_first_question_becomes_the_title(store: Store, ada: User) -> None:
    chat = store.conversations.create(ada)
    say(store, ada, chat.id, "  " + "年假\n" * 40, "a", "another")
    assert store.conversations.get(ada, chat.id).title == ("年假 " * 20)
    store.conversations.rename(ada, chat.id, " Leave \n 2026 ")
    assert store.conversations.get(ada, chat.id).title == "Leave 2026"


@pytest.mark.parametrize(
    ("title", "error"), [("", EmptyInputError), (" \n", EmptyInputError), ("x" * 201, TooLargeError)]
)
def test_titles_have_words_and_a_limit(store: Store, ada: User, title: str, error: type[Exception]) -> None:
    chat = store.conversations.create(ada, "kept")
    with pytest.raises(error, match="title"):
        store.conversations.rename(ada, chat.id, title)
    assert store.conversations.get(ada, chat.id).title == "kept"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", True),
        ("REFUND", True),
        ("退款", True),
        ("退款 seven", True),
        ("退款 eight", False),
        ("100%", True),
        ("%", True),
        ("1_0", False),
        ("old ver", True),
        ("\\", False),
        ("' OR 1=1 --", False),
        ("\ud800", False),
    ],
)
def test_search_reads_titles_and_messages(store: Store, ada: User, query: str, found: bool) -> None:
    chat = store.conversations.create(ada, "Refund rules")
    question, _ = say(store, ada, chat.id, "退款要多久？", "An old version.")
    store.conversations.append(ada, chat.id, question, "assistant", "Seven days, 100%.")
    assert bool(store.conversations.list(ada, query)) is found


def test_lists_are_newest_first_in_pages(store: Store, ada: User) -> None:
    chats = [store.conversations.create(ada, str(place)) for place in range(4)]
    say(store, ada, chats[0].id, "again")
    assert [c.title for c in store.conversations.list(ada, limit=2)] == ["0", "3"]
    assert [c.title for c in store.conversations.list(ada, limit=2, offset=2)] == ["2", "1"]


def test_a_parent_of_another_conversation_is_not_found(store: Store, ada: User) -> None:
    one, two = store.conversations.create(ada), store.conversations.create(ada)
    (message,) = say(store, ada, one.id, "q")
    with pytest.raises(NotFoundError):
        store.conversations.append(ada, two.id, message, "assistant", "a")
    assert store.conversations.path(ada, two.id) == []


def test_scope_names_an_own_collection(store: Store, ada: User, bob: User) -> None:
    chat = store.conversations.create(ada)
    mine, theirs = store.collections.create(ada, "mine"), store.collections.create(bob, "theirs")
    scope = f'{{"mode": "collection", "collection_id": "{mine.id}"}}'
    assert json.loads(store.conversations.set_scope(ada, chat.id, scope).scope)["collection_id"] == mine.id
    with pytest.raises(NotFoundError):
        store.conversations.set_scope(ada, chat.id, scope.replace(mine.id, theirs.id))
    for wrong in ("{}x", '{"mode": "everything"}', '{"mode": "collection"}'):
        with pytest.raises(BadRequestError, match="scope"):
            store.conversations.set_scope(ada, chat.id, wrong)


def test_text_that_no_database_takes_is_mended(store: Store, ada: User) -> None:
    chat = store.conversations.create(ada)
    say(store, ada, chat.id, "a\0b\ud800c 👩‍👩‍👧")
    (text,) = words(store, ada, chat.id)
    assert text.replace("\ufffd", "") == "abc 👩‍👩‍👧"
    assert text.startswith("a\ufffdb\ufffd")


def tree(store: Store, user: User) -> str:
    chat = store.conversations.create(user, "Tree 树")
    store.conversations.set_scope(user, chat.id, '{"mode": "none"}')
    ids = say(store, user, chat.id, "q1", "a1\n\n> quoted", "q2", "a2")
    say(store, user, chat.id, "q2 edited", "a2 edited", parent=ids[1])
    store.conversations.update(
        user, ids[1], "a1", Finish.STOP, '{"citations": [{"n": 1, "title": "T", "page": 2}]}'
    )
    store.conversations.select(user, ids[2])
    return chat.id


def test_import_of_an_export_is_the_same_conversation(store: Store, ada: User, bob: User) -> None:
    exported = store.conversations.export_json(ada, tree(store, ada))
    copy = store.conversations.import_json(bob, exported)
    assert store.conversations.export_json(bob, copy.id) == exported
    assert words(store, bob, copy.id) == ["q1", "a1", "q2", "a2"]


def test_an_export_holds_its_user_s_ratings(store: Store, ada: User, bob: User) -> None:
    chat = store.conversations.create(ada)
    _, good, _, bad = say(store, ada, chat.id, "q1", "a1", "q2", "a2")
    store.feedback.rate(ada, good, 1)
    store.feedback.rate(ada, bad, -1, "too long 太长", "26 天。")
    exported = store.conversations.export_json(ada, chat.id)
    rated = [(each["thumb"], each["comment"], each["edit"]) for each in json.loads(exported)["messages"]]
    assert rated == [(None, "", ""), (1, "", ""), (None, "", ""), (-1, "too long 太长", "26 天。")]

    copy = store.conversations.import_json(bob, exported)
    assert store.conversations.export_json(bob, copy.id) == exported
    assert [each.feedback.value for each in store.feedback.rows(bob)] == [1, -1]
    assert [each.feedback.user_id for each in store.feedback.rows(ada)] == [ada.id, ada.id]


def test_an_export_from_before_ratings_is_imported(store: Store, ada: User) -> None:
    exported = json.loads(store.conversations.export_json(ada, tree(store, ada)))
    for message in exported["messages"]:
        del message["thumb"], message["comment"], message["edit"]
    copy = store.conversations.import_json(ada, json.dumps(exported))
    assert words(store, ada, copy.id) == ["q1", "a1", "q2", "a2"]


def test_import_gives_no_access_to_the_exporters_collection(store: Store, ada: User, bob: User) -> None:
    mine = store.collections.create(ada, "mine")
    chat = store.conversations.create(ada, "x")
    store.conversations.set_scope(ada, chat.id, f'{{"mode": "collection", "collection_id": "{mine.id}"}}')
    copy = store.conversations.import_json(bob, store.conversations.export_json(ada, chat.id))
    assert json.loads(copy.scope) == {"mode": "all"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"format": "other"}, "format"),
        ({"extra": 1}, "extra"),
        ({"active": 99}, "file"),
        (
            {"messages": [{"parent": 0, "role": "user", "text": "x", "created": "2026-01-01T00:00:00Z"}]},
            "file",
        ),
        (
            {"messages": [{"parent": None, "role": "root", "text": "x", "created": "2026-01-01T00:00:00Z"}]},
            "role",
        ),
        (
            {
                "messages": [
                    {
                        "parent": None,
                        "role": "user",
                        "text": "x",
                        "created": "2026-01-01T00:00:00Z",
                        "detail": "[]",
                    }
                ]
            },
            "detail",
        ),
        ({"title": "x" * 201}, "title"),
    ],
)
def test_what_is_no_export_is_refused_by_field(
    store: Store, ada: User, change: dict[str, Any], field: str
) -> None:
    exported = json.loads(store.conversations.export_json(ada, tree(store, ada)))
    with pytest.raises(BadRequestError, match=field):
        store.conversations.import_json(ada, json.dumps({**exported, **change}))
    assert len(store.conversations.list(ada)) == 1


@pytest.mark.parametrize("text", ["", "[]", "nonsense", "{", "\ud800"])
def test_what_is_no_json_is_refused(store: Store, ada: User, text: str) -> None:
    with pytest.raises(BadRequestError, match="exported as JSON"):
        store.conversations.import_json(ada, text)


def test_markdown_has_the_active_branch_and_its_sources(store: Store, ada: User) -> None:
    exported = store.conversations.export_markdown(ada, tree(store, ada))
    assert exported.startswith("# Tree 树\n")
    assert "a2 edited" not in exported
    assert "> [1] T, p. 2\n" in exported


def test_feedback_keeps_the_pair_it_is_about(store: Store, ada: User, bob: User) -> None:
    chat = store.conversations.create(ada)
    _, answer = say(store, ada, chat.id, "How long?", "Seven days.")
    store.feedback.rate(ada, answer, -1, "wrong")
    store.feedback.rate(ada, answer, 1, "right after all")
    (row,) = store.feedback.rows(ada)
    assert (row.question, row.answer, row.feedback.value, row.feedback.comment) == (
        "How long?",
        "Seven days.",
        1,
        "right after all",
    )
    assert store.feedback.rows(bob) == []
    for call in (lambda: store.feedback.rate(bob, answer, 1), lambda: store.feedback.get(bob, answer)):
        with pytest.raises(NotFoundError):
            call()
    store.feedback.rate(ada, answer, 0)
    assert store.feedback.get(ada, answer) is None
    with pytest.raises(BadRequestError, match="use -1, 0 or 1"):
        store.feedback.rate(ada, answer, 5)  # type: ignore[arg-type]
