"""``/health``: whether answers move, not just whether the process lives. Says nothing of their content."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from assistant import __version__
from assistant.web.trial import Trial

if TYPE_CHECKING:
    from assistant.assistant import Assistant


def router(runtime: Assistant) -> APIRouter:
    """``/health``: 503 when the model failed, or has work and made no token for ``first_token_s``."""
    routes = APIRouter()
    trial = Trial(runtime)

    @routes.get("/health", responses={503: {"description": "stuck or failed"}})
    def health(ask: bool = False) -> Response:
        """State of the model, length of the queue, seconds since a token; ``ask`` tries one question."""
        report = examine(runtime)
        if ask and report["status"] == "ok":
            report["question"] = trial.look()
        return JSONResponse(report, status_code=200 if report["status"] == "ok" else 503)

    return routes


def examine(runtime: Assistant) -> dict[str, Any]:
    """What ``/health`` says."""
    state = runtime.models.state()
    busy = state.running + state.waiting > 0
    age = max(0.0, time.monotonic() - state.last_progress) if state.last_progress else None
    stuck = busy and age is not None and age > runtime.settings.first_token_s
    failed = state.state == "failed"
    return {
        "status": "failed" if failed else "stuck" if stuck else "ok",
        "version": __version__,
        "engine": state.state,
        "running": state.running,
        "waiting": state.waiting,
        "tokens_total": state.tokens_total,
        "seconds_since_progress": round(age, 1) if age is not None else None,
    }
