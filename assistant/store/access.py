"""Who may do what: the one place where it is decided, and everything not named here is refused.

A user's text is the user's alone, whatever the role of the other: accounts are managed from the command
line of the machine, and no account reads another's text. One account is no person: what ``COMMON`` owns came
with the server, and everybody reads it.
"""

from __future__ import annotations

from typing import Literal, TypeVar

from assistant.errors import NotFoundError
from assistant.store.records import ApiKey, Collection, Conversation, DocumentRecord, Feedback, User

Action = Literal["read", "write", "delete", "create"]
Owned = Collection | Conversation | DocumentRecord | Feedback | ApiKey
T = TypeVar("T", bound=Owned)
COMMON = "common"
"""Id of the account of nobody: its collections are read by every user and changed by none."""


def can(user: User, action: Action, obj: object) -> bool:
    """True when ``user`` may do ``action`` to ``obj``."""
    match obj:
        case Collection() | DocumentRecord() if obj.user_id == COMMON and action == "read":
            return True
        case Collection() | Conversation() | DocumentRecord() | Feedback():
            return obj.user_id == user.id
        case ApiKey():
            return obj.user_id == user.id and not (action == "create" and user.role == "guest")
        case _:
            return False


def allow(user: User, action: Action, obj: T | None, kind: str, value: str) -> T:
    """Return ``obj`` when the action is allowed.

    Raises:
        NotFoundError: when it is not, in the very words used when there is no such object.
    """
    if obj is None or not can(user, action, obj):
        raise NotFoundError(kind=kind, value=value)
    return obj
