"""What came with the server is read by everybody and changed by nobody; guests leave nothing in a copy."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import ConflictError, NotFoundError
from assistant.store import Store, User
from assistant.store.users import COMMON_NAME


def document(store: Store, user: User, collection_id: str, name: str = "terms.md") -> str:
    facts = {"title": name, "filename": name, "media_type": "text/markdown", "sha256": name, "size": 1}
    record = store.documents.add(user, collection_id, **facts)  # type: ignore[arg-type]
    store.documents.set_state(user, record.id, "ready")
    return record.id


@pytest.fixture
def shelf(store: Store) -> tuple[User, str, str]:
    common = store.users.common()
    collection = store.collections.create(common, "Handbook")
    return common, collection.id, document(store, common, collection.id)


def test_everybody_finds_and_reads_the_common_documents(store: Store, ada: User, shelf: Any) -> None:
    _, collection_id, document_id = shelf
    assert [c.name for c in store.collections.list(ada)] == ["Handbook"]
    assert store.documents.ready_ids(ada) == [document_id]
    assert store.documents.ready_ids(ada, [collection_id]) == [document_id]
    assert store.documents.get(ada, document_id).title == "terms.md"
    assert [d.id for d in store.documents.list(ada, collection_id)] == [document_id]


def test_nobody_changes_the_common_documents(store: Store, ada: User, shelf: Any) -> None:
    _, collection_id, document_id = shelf
    changes: list[Any] = [
        lambda: store.collections.rename(ada, collection_id, "Mine"),
        lambda: store.collections.delete(ada, collection_id),
        lambda: store.documents.delete(ada, document_id),
        lambda: store.documents.set_state(ada, document_id, "failed"),
        lambda: document(store, ada, collection_id, "more.md"),
    ]
    for change in changes:
        with pytest.raises(NotFoundError):
            change()
    store.delete_user_data(ada)
    assert store.documents.ready_ids(ada) == [document_id]


def test_one_s_own_documents_stay_one_s_own(store: Store, ada: User, bob: User, shelf: Any) -> None:
    own = store.collections.create(ada, "Private")
    secret = document(store, ada, own.id, "secret.md")
    assert store.documents.ready_ids(bob) == [shelf[2]]
    for user in (bob, shelf[0]):
        with pytest.raises(NotFoundError):
            store.documents.get(user, secret)


def test_quotations_of_a_common_document_go_with_it_from_everybody_s_answers(
    store: Store, ada: User, shelf: Any
) -> None:
    common, _, document_id = shelf
    chat = store.conversations.create(ada)
    row = store.conversations.append(ada, chat.id, None, "assistant", "Seven days.")
    detail = f'{{"citations": [{{"document_id": "{document_id}", "text": "within seven days"}}]}}'
    store.conversations.update(ada, row.id, "Seven days.", None, detail)
    store.documents.delete(common, document_id)
    assert "within seven days" not in store.conversations.message(ada, row.id).detail


def test_nobody_signs_in_as_the_account_of_nobody(store: Store) -> None:
    common = store.users.common()
    assert store.users.common() == common
    assert store.users.verify(COMMON_NAME, "") is None
    with pytest.raises(ConflictError):
        store.users.create(COMMON_NAME, "a long password")
    with pytest.raises(ConflictError):
        store.users.set_password(common.id, "a long password")


def test_a_vouched_account_is_the_person_not_the_name(store: Store, ada: User) -> None:
    first = store.users.vouched("hf-1", "grace")
    assert store.users.vouched("hf-1", "grace-hopper").id == first.id
    other = store.users.vouched("hf-2", "grace")  # the name is free again there, and another's now
    assert (other.id, other.name) == ("hf-2", "grace")
    assert store.users.vouched("hf-3", "ada").name == "ada (hf-3)"  # a local account keeps its name
    assert store.users.vouched("hf-3", "ada").name == "ada (hf-3)"
    assert store.users.get(ada.id).name == "ada"


@pytest.mark.sqlite
def test_a_copy_holds_everything_but_the_guests(store: Store, ada: User, tmp_path: Path) -> None:
    guest = store.users.vouched("visitor-1", "visitor-1", "guest")
    for user, words in ((ada, "kept words"), (guest, "a guest's secret")):
        chat = store.conversations.create(user)
        store.conversations.append(user, chat.id, None, "user", words)
    store.copy(tmp_path / "copy.db")
    raw = (tmp_path / "copy.db").read_bytes()
    assert b"kept words" in raw
    assert b"a guest's secret" not in raw
    with sqlite3.connect(tmp_path / "copy.db") as copy:
        assert copy.execute("SELECT count(*) FROM message").fetchone() == (1,)
    assert store.users.get("visitor-1").role == "guest"  # the live one keeps them
    store.users.delete_guests()
    assert b"a guest's secret" not in (tmp_path / "youju.db").read_bytes()
    assert [u.name for u in store.users.list()] == ["ada"]
