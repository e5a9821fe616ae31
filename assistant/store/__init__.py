"""Conversations, documents, feedback and users, kept in one database; imports SQLModel, so import it late."""

from assistant.store.access import can
from assistant.store.records import (
    ApiKey,
    Collection,
    Conversation,
    DocumentRecord,
    Feedback,
    RatedAnswer,
    StoredMessage,
    User,
)
from assistant.store.store import Store

__all__ = [
    "ApiKey",
    "Collection",
    "Conversation",
    "DocumentRecord",
    "Feedback",
    "RatedAnswer",
    "Store",
    "StoredMessage",
    "User",
    "can",
]
