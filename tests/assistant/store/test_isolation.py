"""Whatever three users do, in whatever order: what comes back to one was put in by that one."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from assistant.errors import NotFoundError, YoujuError
from assistant.store import Store, User, can

USERS = ("ada", "bob", "eve")
who = st.sampled_from(USERS)


class ThreeUsers(RuleBasedStateMachine):
    """Every text put in carries its writer's name; ids of all users are tried by all users."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store(f"sqlite:///{Path(self.folder.name) / 'youju.db'}")
        self.count = 0

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @initialize()
    def people(self) -> None:
        self.store.migrate()
        self.users = {name: self.store.users.create(name, "a long password") for name in USERS}

    def nonce(self, name: str) -> str:
        self.count += 1
        return f"<{name} {self.count}>"

    def attempt(self, name: str, call: Any, *args: Any, **kwargs: Any) -> Any:
        """Call as ``name``; refusals of our own are fine, any text of another user is not."""
        try:
            result = call(self.users[name], *args, **kwargs)
        except YoujuError as error:
            result = error
        self.check(name, result)
        return result

    def check(self, name: str, result: Any) -> None:
        text = repr(result)
        for other in USERS:
            assert other == name or f"<{other}" not in text, f"{name} got text of {other}: {text}"

    @rule(target=ids, name=who)
    def converse(self, name: str) -> str:
        return str(self.attempt(name, self.store.conversations.create, self.nonce(name)).id)

    @rule(target=ids, name=who, chat=ids, parent=st.none() | ids)
    def say(self, name: str, chat: str, parent: str | None) -> str:
        result = self.attempt(
            name, self.store.conversations.append, chat, parent, "user", self.nonce(name), detail="{}"
        )
        return getattr(result, "id", "none")

    @rule(target=ids, name=who)
    def collect(self, name: str) -> str:
        return str(self.attempt(name, self.store.collections.create, self.nonce(name)).id)

    @rule(target=ids, name=who, collection=ids)
    def file(self, name: str, collection: str) -> str:
        words = self.nonce(name)
        result = self.attempt(
            name, self.store.documents.add, collection,
            title=words, filename=words, media_type="text/plain", sha256=words, size=1,
        )  # fmt: skip
        return getattr(result, "id", "none")

    @rule(target=ids, name=who, chat=ids)
    def attach(self, name: str, chat: str) -> str:
        return getattr(self.attempt(name, self.store.collections.for_chat, chat), "id", "none")

    @rule(name=who, some=ids, words=st.booleans())
    def change(self, name: str, some: str, words: bool) -> None:
        text = self.nonce(name)
        store = self.store
        self.attempt(name, store.conversations.rename, some, text)
        self.attempt(name, store.conversations.update, some, text, None)
        self.attempt(name, store.conversations.select, some)
        self.attempt(
            name, store.conversations.set_scope, some, f'{{"mode": "collection", "collection_id": "{some}"}}'
        )
        self.attempt(name, store.collections.rename, some, text)
        self.attempt(name, store.documents.set_state, some, "ready", error=text, title=text)
        self.attempt(name, store.feedback.rate, some, 1, text)
        self.attempt(name, store.settings.set, "system", text)

    @rule(name=who, some=ids)
    def look_up(self, name: str, some: str) -> None:
        store = self.store
        for call in (
            store.conversations.get, store.conversations.message, store.conversations.path,
            store.conversations.export_json, store.conversations.export_markdown,
            store.collections.get, store.collections.of_chat,
            store.documents.get, store.documents.list, store.feedback.get,
        ):  # fmt: skip
            self.attempt(name, call, some)
        self.attempt(name, store.documents.ready_ids, [some])
        self.attempt(name, store.documents.by_sha256, some, some)

    @rule(name=who, some=ids)
    def delete(self, name: str, some: str) -> None:
        for call in (
            self.store.conversations.delete,
            self.store.collections.delete,
            self.store.documents.delete,
        ):
            self.attempt(name, call, some)

    @rule(name=who)
    def delete_everything(self, name: str) -> None:
        others = {other: self.everything(other) for other in USERS if other != name}
        self.store.delete_user_data(self.users[name])
        assert f"<{name}" not in repr(self.everything(name))
        assert others == {other: self.everything(other) for other in others}

    def everything(self, name: str) -> list[Any]:
        user, store = self.users[name], self.store
        return [
            store.conversations.list(user),
            [store.conversations.list(user, word) for word in ("<", name, "%")],
            [store.conversations.export_json(user, chat.id) for chat in store.conversations.list(user)],
            store.collections.list(user),
            store.documents.list(user),
            store.documents.ready_ids(user),
            store.feedback.rows(user),
            store.settings.get(user, "system"),
            store.users.keys(user),
        ]

    @invariant()
    def everyone_sees_only_their_own(self) -> None:
        for name in USERS:
            self.check(name, self.everything(name))


ThreeUsers.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestThreeUsers = ThreeUsers.TestCase


def test_what_has_no_rule_is_refused(store: Store, ada: User) -> None:
    for stranger in (None, "x", 5, ada, asdict(ada), object()):
        assert not can(ada, "read", stranger)


def test_not_yours_and_not_there_read_the_same(store: Store, ada: User, bob: User) -> None:
    chat = store.conversations.create(ada, "secret")
    with pytest.raises(NotFoundError) as not_yours:
        store.conversations.get(bob, chat.id)
    store.conversations.delete(ada, chat.id)
    with pytest.raises(NotFoundError) as not_there:
        store.conversations.get(bob, chat.id)
    assert str(not_yours.value) == str(not_there.value)


def test_an_admin_reads_nobodys_text(store: Store, ada: User) -> None:
    admin = store.users.create("root", "a long password", role="admin")
    chat = store.conversations.create(ada, "secret")
    with pytest.raises(NotFoundError):
        store.conversations.get(admin, chat.id)
