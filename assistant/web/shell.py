"""The FastAPI application around the pages: every request passes the same gates, in one order."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount

from assistant import __version__
from assistant.errors import BadRequestError, EngineError, YoujuError
from assistant.web import api, auth, files, health, huggingface, login, visitors
from assistant.web.draining import Drain, Draining
from assistant.web.gradio_guard import GradioGuard
from assistant.web.responses import error_body, refuse
from assistant.web.security import BodyLimit, Hosts, Origins, SecurityHeaders, security_headers

if TYPE_CHECKING:
    from gradio import Blocks

    from assistant.assistant import Assistant
    from assistant.web.huggingface import Provider

_LOG = logging.getLogger(__name__)


def create_app(runtime: Assistant, drain: Drain | None = None, provider: Provider | None = None) -> FastAPI:
    """The application without pages: sign-in, API, files, health, and the gates in front of all.

    Args:
        runtime: What answers.
        drain: Stops it gently; the server that owns the process begins it.
        provider: Where people sign in, with ``auth = huggingface``.
    """
    settings = runtime.settings
    guests = visitors.Visitors(runtime) if settings.auth == "visitors" else None
    sessions = auth.Sessions(runtime.workspace.store, auth.load_secret(settings.home / "secret"))
    drain = drain or Drain()
    app = FastAPI(
        title="Youju", version=__version__, docs_url=None, redoc_url=None, openapi_url="/v1/openapi.json"
    )
    # Unless it finds a CORS layer here, Gradio adds its own, which trusts every origin. Ours allows none.
    app.add_middleware(CORSMiddleware, allow_origins=[])
    # The last one added is the first one passed.
    app.add_middleware(
        auth.Identify, settings=settings, store=runtime.workspace.store, sessions=sessions, visitors=guests
    )
    app.add_middleware(BodyLimit, settings=settings)
    app.add_middleware(Origins, settings=settings)
    app.add_middleware(Hosts, settings=settings)
    app.add_middleware(Draining, drain=drain)
    app.add_middleware(SecurityHeaders, settings=settings)
    app.include_router(login.router(settings, runtime.workspace.store, sessions))
    if provider is not None:
        app.include_router(huggingface.router(provider, settings, runtime.workspace.store, sessions))
    app.include_router(health.router(runtime))
    app.include_router(api.router(runtime, drain))
    app.include_router(files.router(runtime))
    _explain_errors(app, security_headers(settings))
    return app


def mount(app: FastAPI, blocks: Blocks, max_upload_mb: int, **look: Any) -> None:
    """Put the pages at ``/``, behind the guard.

    Args:
        app: From ``create_app``.
        blocks: The pages.
        max_upload_mb: Largest file taken.
        look: What Gradio needs to draw them: ``theme``, ``css``, ``head``, ``js``, ``i18n``.
    """
    import gradio as gr

    gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        max_file_size=max_upload_mb * 1_000_000,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        **look,
    )
    mounted = app.router.routes[-1]
    assert isinstance(mounted, Mount)
    mounted.app.add_middleware(GradioGuard)  # type: ignore[attr-defined]


def _explain_errors(app: FastAPI, headers: dict[str, str]) -> None:
    @app.exception_handler(YoujuError)
    async def ours(_request: Request, error: YoujuError) -> Response:
        return refuse(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        return refuse(BadRequestError(field=field, value=repr(first["input"])[:80], remedy=first["msg"]))

    @app.exception_handler(HTTPException)
    async def refused(_request: Request, error: HTTPException) -> Response:
        body = error_body(YoujuError(detail=error.detail))
        return JSONResponse(body, status_code=error.status_code, headers=error.headers)

    @app.exception_handler(Exception)
    async def unexpected(_request: Request, _error: Exception) -> Response:
        # It answers outside the middleware, so it carries their headers itself. Starlette logs the rest.
        failure = uuid.uuid4().hex
        _LOG.error("request failed with internal error %s", failure)
        error = EngineError(reason=f"internal error {failure}", remedy="try again")
        return JSONResponse(error_body(error), status_code=500, headers=headers)
