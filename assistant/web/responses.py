"""Answers that middleware gives by itself, and errors in the shape that OpenAI's clients read."""

from __future__ import annotations

import math
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from assistant.errors import YoujuError

_KINDS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


def error_body(error: YoujuError) -> dict[str, Any]:
    """``{"error": {"message", "type", "param", "code"}}``, as the OpenAI API has it."""
    kind = _KINDS.get(error.status, "invalid_request_error" if error.status < 500 else "server_error")
    return {
        "error": {
            "message": str(error),
            "type": kind,
            "param": error.fields.get("field"),
            "code": type(error).__name__.removesuffix("Error"),
        }
    }


def refuse(error: YoujuError) -> Response:
    """The HTTP answer for ``error``; waiting times go into Retry-After."""
    headers = {}
    retry = error.fields.get("retry_s")
    if retry is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry)))
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="youju"'
    return JSONResponse(error_body(error), status_code=error.status, headers=headers)


def header(scope: Scope, name: bytes) -> str | None:
    """The one value of a request header, or ``None``; a header sent twice counts as its joined values."""
    values = [value for key, value in scope["headers"] if key == name]
    return b",".join(values).decode("latin-1") if values else None
