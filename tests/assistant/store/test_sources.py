"""What a deleted document leaves in the answers that quoted it: number, title and place, not its words."""

from __future__ import annotations

import json

import pytest

from assistant.schema import Finish
from assistant.store import DocumentRecord, Store, User

NONCE = "k7q9zx2v5w8j3h6t1y4"


def add(store: Store, user: User, sha256: str) -> DocumentRecord:
    collection = store.collections.default(user).id
    new = {"title": "Terms", "filename": "t", "media_type": "m", "size": 1}
    return store.documents.add(user, collection, sha256=sha256, **new)  # type: ignore[arg-type]


def cite(*records: DocumentRecord) -> str:
    cited = [
        {"n": n, "document_id": record.id, "title": "Terms", "page": 2, "text": f"{NONCE} {n}"}
        for n, record in enumerate(records, 1)
    ]
    return json.dumps({"citations": cited, "confidence": 0.9})


def answer(store: Store, user: User, detail: str) -> str:
    chat = store.conversations.create(user, "chat")
    asked = store.conversations.append(user, chat.id, None, "user", "q")
    row = store.conversations.append(user, chat.id, asked.id, "assistant", "")
    return store.conversations.update(user, row.id, "Seven days [1].", Finish.STOP, detail).id


def texts(store: Store, user: User, message_id: str) -> list[str]:
    return [c["text"] for c in json.loads(store.conversations.message(user, message_id).detail)["citations"]]


@pytest.mark.parametrize("how", ["document", "collection"])
def test_quotations_go_with_their_document(store: Store, ada: User, how: str) -> None:
    one, two = add(store, ada, "1"), add(store, ada, "2")
    message = answer(store, ada, cite(one, two))
    chat = store.conversations.message(ada, message).conversation_id
    assert texts(store, ada, message) == [f"{NONCE} 1", f"{NONCE} 2"]
    if how == "document":
        store.documents.delete(ada, one.id)
        assert texts(store, ada, message) == ["", f"{NONCE} 2"]
        store.documents.delete(ada, two.id)
    else:
        store.collections.delete(ada, one.collection_id)
    stored = store.conversations.message(ada, message)
    assert (stored.text, stored.finish) == ("Seven days [1].", Finish.STOP)
    assert NONCE not in stored.detail
    assert json.loads(stored.detail)["citations"][0]["title"] == "Terms"
    for export in (store.conversations.export_markdown, store.conversations.export_json):
        assert NONCE not in export(ada, chat)
        assert "Seven days" in export(ada, chat)


def test_an_answer_that_ends_after_the_deletion_quotes_nothing(store: Store, ada: User) -> None:
    record = add(store, ada, "1")
    detail = cite(record)
    store.documents.delete(ada, record.id)
    assert texts(store, ada, answer(store, ada, detail)) == [""]


def test_another_users_answers_stay(store: Store, ada: User, bob: User) -> None:
    mine, theirs = add(store, ada, "1"), add(store, bob, "1")
    message = answer(store, bob, cite(theirs, mine))
    store.documents.delete(ada, mine.id)
    assert texts(store, bob, message)[0] == f"{NONCE} 1"


@pytest.mark.sqlite
def test_no_byte_of_a_quotation_stays_on_disk(store: Store, ada: User) -> None:
    path = store._database.path
    assert path is not None
    record = add(store, ada, "1")
    answer(store, ada, cite(record))
    assert any(NONCE.encode() in file.read_bytes() for file in path.parent.glob("youju.db*"))
    store.documents.delete(ada, record.id)
    assert not any(NONCE.encode() in file.read_bytes() for file in path.parent.glob("youju.db*"))


@pytest.mark.parametrize(
    "detail", ["[]", "3", '{"citations": 3}', '{"citations": [3]}', '{"citations": null}']
)
def test_details_of_another_shape_are_left_alone(store: Store, ada: User, detail: str) -> None:
    record = add(store, ada, "1")
    spoilt = detail if detail[0] != "{" else detail[:-1] + f', "x": "{record.id}"}}'
    message = answer(store, ada, spoilt)
    store.documents.delete(ada, record.id)
    assert store.conversations.message(ada, message).detail == spoilt
