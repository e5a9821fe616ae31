from __future__ import annotations

import pytest

from assistant.errors import ConflictError, NotFoundError
from assistant.store import DocumentRecord, Store, User


def add(store: Store, user: User, collection_id: str, sha256: str = "a") -> DocumentRecord:
    return store.documents.add(
        user,
        collection_id,
        title="Terms",
        filename="terms.pdf",
        media_type="application/pdf",
        sha256=sha256,
        size=3,
    )


def test_only_ready_documents_are_searched(store: Store, ada: User) -> None:
    collection = store.collections.default(ada)
    record = add(store, ada, collection.id)
    assert store.documents.ready_ids(ada) == []
    assert [found.id for _, found in store.documents.unfinished()] == [record.id]
    ready = store.documents.set_state(ada, record.id, "ready", progress=1.0, chunks=4, pages=2, language="en")
    assert (ready.chunks, ready.pages, ready.language, ready.state) == (4, 2, "en", "ready")
    assert store.documents.ready_ids(ada) == [record.id]
    assert store.documents.unfinished() == []
    assert store.collections.get(ada, collection.id).documents == 1


def test_the_same_bytes_are_one_document_of_a_collection(store: Store, ada: User) -> None:
    one, two = store.collections.create(ada, "one"), store.collections.create(ada, "two")
    record = add(store, ada, one.id)
    with pytest.raises(ConflictError, match="already"):
        add(store, ada, one.id)
    assert store.documents.by_sha256(ada, one.id, "a") == record
    assert store.documents.by_sha256(ada, two.id, "a") is None
    add(store, ada, two.id)
    assert len(store.documents.list(ada)) == 2


def test_facts_have_names(store: Store, ada: User) -> None:
    record = add(store, ada, store.collections.default(ada).id)
    with pytest.raises(TypeError, match="user_id"):
        store.documents.set_state(ada, record.id, "ready", user_id="x")


def test_files_of_one_chat_are_hidden_from_all_others(store: Store, ada: User) -> None:
    chat = store.conversations.create(ada)
    assert store.collections.of_chat(ada, chat.id) is None
    hidden = store.collections.for_chat(ada, chat.id)
    assert store.collections.for_chat(ada, chat.id) == hidden == store.collections.of_chat(ada, chat.id)
    record = add(store, ada, hidden.id)
    store.documents.set_state(ada, record.id, "ready")
    assert store.collections.list(ada) == []
    assert store.documents.ready_ids(ada) == []
    assert store.documents.ready_ids(ada, [hidden.id]) == [record.id]
    store.conversations.delete(ada, chat.id)
    assert store.documents.ids() == set()


def test_collections_have_one_name_each(store: Store, ada: User, bob: User) -> None:
    first = store.collections.create(ada, "Terms")
    store.collections.create(bob, "Terms")
    with pytest.raises(ConflictError, match="choose another name"):
        store.collections.create(ada, " Terms ")
    second = store.collections.create(ada, "Prices")
    with pytest.raises(ConflictError):
        store.collections.rename(ada, second.id, "Terms")
    assert store.collections.rename(ada, first.id, "Terms").name == "Terms"
    assert store.collections.rename(ada, first.id, "条款").name == "条款"


def test_the_default_collection_is_one_whatever_names_are_taken(store: Store, ada: User) -> None:
    store.collections.create(ada, "My documents")
    default = store.collections.default(ada)
    assert default.kind == "default"
    assert store.collections.default(ada) == default


@pytest.mark.parametrize("collection_id", ["", "x", "%", "' OR 1=1 --", "\0", "\ud800", "None"])
def test_an_unknown_collection_is_not_found(store: Store, ada: User, collection_id: str) -> None:
    with pytest.raises(NotFoundError):
        store.documents.ready_ids(ada, [collection_id])
    with pytest.raises(NotFoundError):
        store.documents.list(ada, collection_id)


def test_no_collections_are_no_documents(store: Store, ada: User) -> None:
    store.documents.set_state(ada, add(store, ada, store.collections.default(ada).id).id, "ready")
    assert store.documents.ready_ids(ada, []) == []


def test_deleting_a_collection_deletes_its_rows(store: Store, ada: User) -> None:
    collection = store.collections.create(ada, "x")
    add(store, ada, collection.id)
    store.collections.delete(ada, collection.id)
    assert store.documents.ids() == set()
