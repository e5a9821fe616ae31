from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from assistant.errors import BadRequestError, ConflictError, ForbiddenError, NotFoundError, TooLargeError
from assistant.store import Store, User


def test_the_local_user_is_one_and_has_no_password(store: Store) -> None:
    local = store.users.local()
    assert store.users.local() == local
    assert store.users.verify("local", "") is None
    with pytest.raises(ConflictError, match="has no password"):
        store.users.set_password(local.id, "a long password")
    with pytest.raises(ConflictError, match="choose another name"):
        store.users.create("local", "a long password")


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", "a wrong password"),
        ("ada", ""),
        ("ada", " " * 20),
        ("ada", "a long password "),
        ("ada", "x" * 1_000_000),
        ("ada", "a long passw\ud800rd"),
        ("nobody", "a long password"),
        ("", "a long password"),
        ("\0", "a long password"),
        ("local", "a long password"),
    ],
)
def test_wrong_credentials_are_nobody(store: Store, ada: User, name: str, password: str) -> None:
    store.users.local()
    assert store.users.verify(name, password) is None


def test_the_right_password_is_the_user_until_it_changes(store: Store, ada: User) -> None:
    assert store.users.verify("ada", "a long password") == ada
    before = store.users.stamp(ada.id)
    store.users.set_password(ada.id, "пароль 密码 пароль")
    assert store.users.verify("ada", "a long password") is None
    assert store.users.verify("ada", "пароль 密码 пароль") == ada
    assert store.users.stamp(ada.id) != before


@pytest.mark.parametrize(
    ("password", "error", "says"),
    [
        ("short", BadRequestError, "at least 10"),
        (" " * 12, BadRequestError, "not all blank"),
        ("x" * 201, TooLargeError, "limit is 200"),
    ],
)
def test_unusable_passwords_are_refused_with_the_limit(
    store: Store, password: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        store.users.create("eve", password)
    assert store.users.list() == []


def test_a_name_is_taken_once(store: Store, ada: User) -> None:
    with pytest.raises(ConflictError, match="exists"):
        store.users.create(" ada ", "a long password")


@pytest.mark.sqlite
def test_a_key_works_until_it_is_revoked_and_is_kept_nowhere(store: Store, ada: User, bob: User) -> None:
    plain, key = store.users.create_key(ada, "laptop")
    assert store.users.user_by_key(plain) == ada
    assert store.users.keys(ada) == [key]
    assert store.users.keys(bob) == []
    assert plain.startswith(key.hint)
    path = store._database.path
    assert path is not None
    dump = "\n".join(sqlite3.connect(path).iterdump())
    assert plain not in dump
    assert key.label in dump
    with pytest.raises(NotFoundError):
        store.users.revoke_key(bob, key.id)
    store.users.revoke_key(ada, key.id)
    assert store.users.user_by_key(plain) is None


@pytest.mark.parametrize(
    "key", ["", "EMPTY", "yj-", "yj-" + "x" * 43, "x" * 1_000_000, "yj-\ud800", "yj-密钥"]
)
def test_no_other_key_works(store: Store, ada: User, key: str) -> None:
    store.users.create_key(ada, "laptop")
    assert store.users.user_by_key(key) is None


def test_guests_make_no_keys(store: Store, ada: User) -> None:
    with pytest.raises(ForbiddenError, match="needs the role member"):
        store.users.create_key(replace(ada, role="guest"), "laptop")


def test_the_language_is_the_users_choice(store: Store, ada: User) -> None:
    assert store.users.get(ada.id).language == ""
    store.settings.set(ada, "language", "zh")
    assert store.users.get(ada.id).language == "zh"
    assert store.collections.default(store.users.get(ada.id)).name == "我的文档"


def test_a_deleted_account_is_gone_with_its_keys(store: Store, ada: User) -> None:
    plain, _ = store.users.create_key(ada, "laptop")
    store.users.delete(ada.id)
    assert store.users.user_by_key(plain) is None
    with pytest.raises(NotFoundError):
        store.users.get(ada.id)
