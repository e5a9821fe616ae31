"""Accounts, passwords and API keys.

These calls establish who is acting, or are made by the operator of the machine; the calls about keys take
the acting user as everything else does.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from functools import cache
from typing import cast

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlmodel import Session, col, select

from assistant.errors import BadRequestError, ConflictError, ForbiddenError, NotFoundError, TooLargeError
from assistant.store import text
from assistant.store.access import COMMON, allow, can
from assistant.store.database import Database
from assistant.store.records import ApiKey, User, UserRole
from assistant.store.tables import KeyRow, PreferenceRow, UserRow, new_id

LOCAL_NAME = "local"
"""The account of the one person at this machine; it has no password and can never be signed in to."""
COMMON_NAME = "(common)"
"""The account whose documents came with the server; nobody signs in to it either."""
NO_PERSON = frozenset({LOCAL_NAME, COMMON_NAME})
PASSWORD_LENGTHS = (10, 200)
KEY_PREFIX = "yj-"
_HASHER = PasswordHasher()


class Users:
    """Accounts and their keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def local(self) -> User:
        """The one user of a server on loopback, made at the first call."""
        with self._database.write("the local user") as session:
            row = session.exec(select(UserRow).where(UserRow.name == LOCAL_NAME)).first()
            if row is None:
                row = UserRow(name=LOCAL_NAME, role="admin")
                session.add(row)
            return _user(session, row)

    def common(self) -> User:
        """The account whose documents every user reads, made at the first call."""
        return self.vouched(COMMON, COMMON_NAME)

    def vouched(self, user_id: str, name: str, role: UserRole = "member") -> User:
        """The account of someone whom another service vouches for; it has no password.

        Args:
            user_id: What never changes about the person there, under a prefix of that service.
            name: What the person is called there now; an account that has this name already keeps it.
            role: Given at the first call, and kept.
        """
        name = text.name(name, "name")
        with self._database.write("the user") as session:
            row = session.get(UserRow, user_id)
            if row is None or row.name != name:
                taken = session.exec(select(UserRow).where(UserRow.name == name)).first()
                name = f"{name} ({user_id})" if taken is not None else name
            if row is None:
                row = UserRow(id=user_id, name=name, role=role)
                session.add(row)
            row.name = name
            return _user(session, row)

    def create(self, name: str, password: str, role: UserRole = "member") -> User:
        """Make an account.

        Raises:
            BadRequestError: the password is shorter or longer than ``PASSWORD_LENGTHS``, or blank.
            ConflictError: the name is taken.
        """
        name = text.name(name, "name")
        hashed = _hash(password)
        with self._database.write("the user") as session:
            taken = session.exec(select(UserRow).where(UserRow.name == name)).first()
            if taken is not None or name in NO_PERSON:
                raise ConflictError(kind="user", value=name, detail="exists: choose another name")
            row = UserRow(name=name, role=role, password=hashed)
            session.add(row)
            return _user(session, row)

    def verify(self, name: str, password: str) -> User | None:
        """The user whose name and password these are; as slow for a name that does not exist."""
        if not PASSWORD_LENGTHS[0] <= len(password) <= PASSWORD_LENGTHS[1]:
            return None
        with self._database.read() as session:
            row = session.exec(select(UserRow).where(UserRow.name == text.storable(name).strip())).first()
            known = row is not None and row.password != ""
            hashed = row.password if row is not None and known else _unknown()
            try:
                _HASHER.verify(hashed, text.storable(password))
            except (Argon2Error, InvalidHashError):
                return None
            return _user(session, row) if row is not None and known else None

    def get(self, user_id: str) -> User:
        """The account as it is now; raises NotFoundError once it was deleted."""
        with self._database.read() as session:
            return _user(session, _row(session, user_id))

    def stamp(self, user_id: str) -> str:
        """Changes with the password: what was issued before a change can be told from what came after."""
        with self._database.read() as session:
            return hashlib.sha256(_row(session, user_id).password.encode()).hexdigest()[:16]

    def set_password(self, user_id: str, password: str) -> None:
        """Replace the password."""
        hashed = _hash(password)
        with self._database.write("the password") as session:
            row = _row(session, user_id)
            if row.name in NO_PERSON:
                raise ConflictError(kind="user", value=row.name, detail="has no password")
            row.password = hashed

    def delete_guests(self) -> None:
        """Delete every guest with all that is theirs: what visitors of an earlier run left."""
        with self._database.write("the guests") as session:
            for row in session.exec(select(UserRow).where(UserRow.role == "guest")):
                session.delete(row)
        self._database.scrub()

    def delete(self, user_id: str) -> None:
        """Delete the account with all it owns."""
        with self._database.write("the user") as session:
            session.delete(_row(session, user_id))
        self._database.scrub()

    def create_key(self, user: User, label: str) -> tuple[str, ApiKey]:
        """Make an API key: the secret, which is kept nowhere, and its record.

        Raises:
            ForbiddenError: guests have no keys.
        """
        plain = KEY_PREFIX + secrets.token_urlsafe(32)
        row = KeyRow(
            id=new_id(),
            user_id=user.id,
            label=text.name(label, "label"),
            hint=plain[:7],
            sha256=_digest(plain),
        )
        if not can(user, "create", _key(row)):
            raise ForbiddenError(action="making an API key", role="member")
        with self._database.write("the API key") as session:
            session.add(row)
            session.flush()
            return plain, _key(row)

    def user_by_key(self, plain: str) -> User | None:
        """The owner of an API key. The digest is what is looked up, so timing tells nothing of the key."""
        if not plain.startswith(KEY_PREFIX) or len(plain) > 100:
            return None
        with self._database.read() as session:
            row = session.exec(select(KeyRow).where(KeyRow.sha256 == _digest(plain))).first()
            return _user(session, _row(session, row.user_id)) if row is not None else None

    def keys(self, user: User) -> list[ApiKey]:
        """The user's keys, oldest first."""
        with self._database.read() as session:
            rows = session.exec(select(KeyRow).where(KeyRow.user_id == user.id).order_by(col(KeyRow.created)))
            return [key for key in map(_key, rows) if can(user, "read", key)]

    def revoke_key(self, user: User, key_id: str) -> None:
        """Delete a key; it stops working at once."""
        with self._database.write("the API key") as session:
            row = session.get(KeyRow, key_id)
            allow(user, "delete", _key(row) if row else None, "key", key_id)
            session.delete(row)

    def list(self) -> list[User]:
        """Every account, by name."""
        with self._database.read() as session:
            return [_user(session, row) for row in session.exec(select(UserRow).order_by(UserRow.name))]


def _row(session: Session, user_id: str) -> UserRow:
    row = session.get(UserRow, user_id)
    if row is None:
        raise NotFoundError(kind="user", value=user_id)
    return row


def _user(session: Session, row: UserRow) -> User:
    session.flush()
    language = session.get(PreferenceRow, (row.id, "language"))
    return User(row.id, row.name, cast("UserRole", row.role), language.value if language else "")


def _key(row: KeyRow) -> ApiKey:
    return ApiKey(row.id, row.user_id, row.label, row.hint, datetime.fromtimestamp(row.created, UTC))


def _digest(plain: str) -> str:
    return hashlib.sha256(text.storable(plain).encode()).hexdigest()


def _hash(password: str) -> str:
    low, high = PASSWORD_LENGTHS
    length = f"{len(password)} characters"
    if not password.strip() or len(password) < low:
        raise BadRequestError(field="password", value=length, remedy=f"use at least {low}, not all blank")
    if len(password) > high:
        raise TooLargeError(field="password", value=length, limit=high, remedy="use a shorter one")
    return _HASHER.hash(text.storable(password))


@cache
def _unknown() -> str:
    return _HASHER.hash(secrets.token_urlsafe(16))
