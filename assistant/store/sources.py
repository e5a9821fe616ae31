"""Quotations that stored answers keep of documents: they go when the document goes.

An answer keeps its own words. Of a source that was deleted number, title and place stay, its text does not.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from sqlmodel import Session, col, select

from assistant.store.access import COMMON
from assistant.store.tables import ConversationRow, DocumentRow, MessageRow


def forget(session: Session, user_id: str, document_ids: Sequence[str]) -> None:
    """Take the text of these documents out of the answers of whoever could read them."""
    own = select(ConversationRow.id)
    if user_id != COMMON:
        own = own.where(ConversationRow.user_id == user_id)
    mark = document_ids[0] if len(document_ids) == 1 else "document_id"
    quoting = col(MessageRow.detail).contains(mark, autoescape=True)
    found = select(MessageRow).where(col(MessageRow.conversation_id).in_(own), quoting)
    for row in session.exec(found) if document_ids else ():
        row.detail = _without(row.detail, set(document_ids))


def current(session: Session, detail: str) -> str:
    """A detail as it may be stored now: a document may go while its answer is being written."""
    cited = {str(citation.get("document_id")) for citation in _citations(json.loads(detail))}
    there = (
        set(session.exec(select(DocumentRow.id).where(col(DocumentRow.id).in_(cited)))) if cited else cited
    )
    return _without(detail, cited - there)


def _without(detail: str, document_ids: Collection[str]) -> str:
    parsed = json.loads(detail)
    gone = [citation for citation in _citations(parsed) if citation.get("document_id") in document_ids]
    for citation in gone:
        citation["text"] = ""
    return json.dumps(parsed, ensure_ascii=False) if gone else detail


def _citations(detail: Any) -> list[dict[str, Any]]:
    """Those of an answer of ours; an import may hold anything."""
    found = detail.get("citations") if isinstance(detail, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
