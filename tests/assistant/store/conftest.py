"""A store for each test: SQLite in a folder, or the Postgres that ``TEST_DATABASE_URL`` names.

The Postgres database is emptied before each test. What SQLite alone has (its file, its WAL) is marked
``sqlite`` and left out there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import create_engine, make_url
from sqlmodel import SQLModel

from assistant.store import Store, User, users

POSTGRES = os.environ.get("TEST_DATABASE_URL", "")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out, over Postgres, what is about SQLite's file."""
    skip = pytest.mark.skip(reason="about SQLite's file")
    for item in items:
        if POSTGRES and item.get_closest_marker("sqlite"):
            item.add_marker(skip)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The address of an empty database."""
    if not POSTGRES:
        return f"sqlite:///{tmp_path / 'youju.db'}"
    assert "test" in str(make_url(POSTGRES).database), "it is emptied: its name must say that it is for tests"
    engine = create_engine(POSTGRES)
    SQLModel.metadata.drop_all(engine)
    engine.dispose()
    return POSTGRES


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 at its cheapest: what the tests check does not depend on its cost."""
    monkeypatch.setattr(users, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    users._unknown.cache_clear()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url)
    store.migrate()
    yield store
    store.close()


@pytest.fixture
def ada(store: Store) -> User:
    return store.users.create("ada", "a long password")


@pytest.fixture
def bob(store: Store) -> User:
    return store.users.create("bob", "another password")
