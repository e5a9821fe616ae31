from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from assistant.store import Store, User, users


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 at its cheapest: what the tests check does not depend on its cost."""
    monkeypatch.setattr(users, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    users._unknown.cache_clear()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'youju.db'}")
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def ada(store: Store) -> User:
    return store.users.create("ada", "a long password")


@pytest.fixture
def bob(store: Store) -> User:
    return store.users.create("bob", "another password")
