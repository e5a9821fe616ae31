"""Files that leave the server: originals, exports, results. Each to its owner only, never shown in place."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from assistant.errors import NotFoundError
from assistant.store import User
from assistant.web.auth import user_of

if TYPE_CHECKING:
    from assistant.assistant import Assistant

OFFER_S = 3600
"""Seconds that a result can be downloaded."""
_HEADERS = {"Content-Security-Policy": "sandbox; default-src 'none'", "Cache-Control": "private, no-store"}
_TOKEN = re.compile(r"[0-9a-f]{32}")


def router(runtime: Assistant) -> APIRouter:
    """``/files``, ``/exports`` and ``/downloads``."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/files/{document_id}")
    def original(request: Request, document_id: str) -> Response:
        """The bytes as they were added."""
        user = user_of(request)
        record = runtime.workspace.store.documents.get(user, document_id)
        return _attachment(runtime.workspace.library.original(user, document_id), record.filename)

    @routes.get("/exports/conversations/{conversation_id}.{kind}")
    def export(request: Request, conversation_id: str, kind: Literal["md", "json"]) -> Response:
        """A conversation as Markdown or JSON."""
        user, conversations = user_of(request), runtime.workspace.store.conversations
        title = conversations.get(user, conversation_id).title or "conversation"
        make = conversations.export_markdown if kind == "md" else conversations.export_json
        media_type = "text/markdown; charset=utf-8" if kind == "md" else "application/json"
        headers = {**_HEADERS, "Content-Disposition": _disposition(f"{title}.{kind}")}
        return Response(make(user, conversation_id), media_type=media_type, headers=headers)

    @routes.get("/downloads/{token}/{name}")
    def result(request: Request, token: str, name: str) -> Response:
        """What ``offer`` put there."""
        path = _results(runtime, user_of(request)) / token / "data"
        if not _TOKEN.fullmatch(token) or not path.is_file():
            raise NotFoundError(kind="download", value=name)
        return _attachment(path, name)

    return routes


def offer(runtime: Assistant, user: User, name: str, data: bytes) -> str:
    """Keep a result for ``OFFER_S`` seconds; returns the address where its user, and nobody else, gets it."""
    folder = _results(runtime, user)
    _sweep(folder)
    token = secrets.token_hex(16)
    (folder / token).mkdir(parents=True, mode=0o700)
    (folder / token / "data").write_bytes(data)
    return f"/downloads/{token}/{quote(name, safe='')}"


def forget(runtime: Assistant, user: User) -> None:
    """Remove the results of a user: downloads, and what plugins keep below ``runs/<user id>``."""
    for folder in (_results(runtime, user), runtime.settings.home / "runs" / user.id):
        shutil.rmtree(folder, ignore_errors=True)


def _results(runtime: Assistant, user: User) -> Path:
    return runtime.settings.home / "staging" / "downloads" / user.id


def _sweep(folder: Path) -> None:
    for old in folder.glob("*"):
        if old.stat().st_mtime < time.time() - OFFER_S:
            shutil.rmtree(old, ignore_errors=True)


def _attachment(path: Path, name: str) -> Response:
    headers = {**_HEADERS, "Content-Disposition": _disposition(name)}
    return FileResponse(path, media_type="application/octet-stream", headers=headers)


def _disposition(name: str) -> str:
    """An attachment under a plain name: no path, no control or direction characters."""
    plain = "".join(c for c in name.replace("/", "_").replace("\\", "_") if c.isprintable())[:120] or "file"
    return f"attachment; filename*=UTF-8''{quote(plain, safe='')}"
