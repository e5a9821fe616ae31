"""Sign-in with a Hugging Face account: the authorization code flow of OpenID Connect, for Spaces.

Gradio's own helper keeps the access token in a cookie and tells a page who somebody is. Here the token is
used once, to ask who it is, and dropped; what stays is a session of ours, for an account of the store whose
id is the person's there: a name that was given up and taken by another does not open the first one's chats.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
from fastapi import APIRouter, Request
from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from assistant.config import Settings
from assistant.store import Store, User
from assistant.web.auth import COOKIE, Sessions, cookie_rules
from assistant.web.login import page_of

log = logging.getLogger(__name__)
SESSION_S = 8 * 3600
"""Who leaves an organization stays signed in for no longer."""
_STATE = "youju_state"
_STATE_S = 600
_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Provider:
    """What a Space is given with ``hf_oauth: true``."""

    client_id: str
    client_secret: SecretStr
    issuer: str
    """Address of the OpenID provider."""
    host: str
    """Of the Space; people come back to it."""
    owner: str
    """User or organization whose Space it is; its members may always sign in."""

    @property
    def callback(self) -> str:
        """Where people come back to."""
        return f"https://{self.host}/login/callback"


@dataclass(frozen=True, slots=True)
class Person:
    """Who signed in there."""

    id: str
    name: str
    organizations: tuple[str, ...]


class _Refused(Exception):  # noqa: N818  # never leaves this module
    """The provider did not say who it is. The text is for the log and holds no secret."""


def router(provider: Provider, settings: Settings, store: Store, sessions: Sessions) -> APIRouter:
    """``/login/huggingface`` and ``/login/callback``."""
    routes = APIRouter(include_in_schema=False)
    # The way back is a link from another site: Lax lets the cookie come along, Strict would not.
    rules: dict[str, Any] = {**cookie_rules(settings), "samesite": "lax"}

    @routes.get("/login/huggingface")
    async def begin(request: Request) -> Response:
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
                address = (await _endpoints(client, provider))["authorization_endpoint"]
        except _Refused as fault:
            return _failed(settings, request, fault)
        state = secrets.token_urlsafe(32)
        asked = {
            "client_id": provider.client_id, "redirect_uri": provider.callback, "scope": "openid profile",
            "response_type": "code", "state": state,
        }  # fmt: skip
        response = RedirectResponse(f"{address}?{urlencode(asked)}", 303)
        response.set_cookie(_STATE, state, _STATE_S, **rules)
        return response

    @routes.get("/login/callback")
    async def come_back(request: Request, code: str = "", state: str = "") -> Response:
        try:
            if not state or not hmac.compare_digest(state, request.cookies.get(_STATE, "")):
                raise _Refused("the state is not the one that this browser was given")
            person = await _person(provider, code)
        except _Refused as fault:
            return _failed(settings, request, fault)
        if not admitted(person, provider.owner, settings.members):
            return page_of(settings, request, 403, "stranger")
        user = await run_in_threadpool(_account, store, person)
        response = RedirectResponse("/", 303)
        response.delete_cookie(_STATE, **rules)
        response.set_cookie(COOKIE, sessions.issue(user, SESSION_S), SESSION_S, **cookie_rules(settings))
        return response

    return routes


def admitted(person: Person, owner: str, members: tuple[str, ...]) -> bool:
    """Whether the person is the owner, or of the owning organization, or of those that the settings name."""
    allowed = {name.lower() for name in (owner, *members) if name}
    return "*" in allowed or any(
        name.lower() in allowed for name in (person.name, *person.organizations) if name
    )


def _account(store: Store, person: Person) -> User:
    return store.users.vouched(f"hf-{person.id}", person.name)


def _failed(settings: Settings, request: Request, fault: _Refused) -> Response:
    log.warning("a sign-in with Hugging Face failed: %s", fault)
    return page_of(settings, request, 403, "failed")


async def _person(provider: Provider, code: str) -> Person:
    """Trade the code for a token, and the token for who it is. The token is kept nowhere."""
    async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
        endpoints = await _endpoints(client, provider)
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": provider.callback,
            "client_id": provider.client_id,
        }  # fmt: skip
        secret = httpx.BasicAuth(provider.client_id, provider.client_secret.get_secret_value())
        granted = await _json(client.post(endpoints["token_endpoint"], data=form, auth=secret))
        bearer = {"Authorization": f"Bearer {granted.get('access_token', '')}"}
        claims = await _json(client.get(endpoints["userinfo_endpoint"], headers=bearer))
    return _read(claims)


def _read(claims: Mapping[str, Any]) -> Person:
    """The person of a userinfo answer; organizations are those that the person chose to show."""
    subject, name = claims.get("sub"), claims.get("preferred_username")
    if not isinstance(subject, str) or not subject.isalnum() or not isinstance(name, str) or not name:
        raise _Refused("userinfo names no user")
    listed = claims.get("orgs")
    found = [org.get("preferred_username") for org in listed or [] if isinstance(org, dict)]
    return Person(subject, name, tuple(each for each in found if isinstance(each, str)))


async def _endpoints(client: httpx.AsyncClient, provider: Provider) -> dict[str, str]:
    found = await _json(client.get(f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"))
    names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")
    if not all(isinstance(found.get(name), str) for name in names):
        raise _Refused("the provider's configuration names no endpoints")
    return {name: str(found[name]) for name in names}


async def _json(asking: Any) -> dict[str, Any]:
    """The object that a request answers; nothing of a refusal but its status is told on."""
    try:
        answer = await asking
        value = answer.raise_for_status().json()
    except httpx.HTTPStatusError as fault:
        raise _Refused(f"{fault.request.url.path} answered {fault.response.status_code}") from None
    except (httpx.HTTPError, ValueError) as fault:
        raise _Refused(type(fault).__name__) from None
    if not isinstance(value, dict):
        raise _Refused("the answer is no object")
    return value
