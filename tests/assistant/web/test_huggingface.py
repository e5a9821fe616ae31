"""Sign-in with Hugging Face, against a stand-in of its OpenID provider on this machine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from openid import SECRET, TOKEN, StandIn
from pydantic import SecretStr
from sites import tiny_page

from assistant.web.auth import COOKIE
from assistant.web.huggingface import Person, Provider, admitted


@pytest.fixture
def hub() -> Iterator[StandIn]:
    stand_in = StandIn()
    yield stand_in
    stand_in.shutdown()


@pytest.fixture
def start(serve: Callable[..., Any], hub: StandIn) -> Callable[..., Any]:
    def with_members(*members: str, owner: str = "ada") -> Any:
        provider = Provider("client", SecretStr(SECRET), hub.url, "ada-handbook.hf.space", owner)
        return serve(pages=tiny_page(), provider=provider, auth="huggingface", members=members)

    return with_members


def sign_in(site: Any, client: Any = None, code: str = "good", state: str | None = None) -> tuple[Any, Any]:
    client = client or site.client()
    away = client.get("/login/huggingface")
    assert away.status_code == 303
    asked = parse_qs(urlsplit(away.headers["location"]).query)
    params = {"code": code, "state": asked["state"][0] if state is None else state}
    return client, client.get("/login/callback", params=params)


def test_who_signs_in_there_is_signed_in_here(start: Callable[..., Any], hub: StandIn) -> None:
    site = start()
    client, answer = sign_in(site)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert client.get("/", headers={"Accept": "text/html"}).status_code == 200
    assert [(u.id, u.name, u.role) for u in site.runtime.workspace.store.users.list()] == [
        ("hf-64a1", "ada", "member")
    ]
    assert hub.asked[0]["redirect_uri"] == ["https://ada-handbook.hf.space/login/callback"]
    assert SECRET not in str(hub.asked)  # it goes in the header alone
    client.post("/logout")
    assert client.get("/files/none").status_code == 401


def test_the_way_out_asks_for_a_name_and_no_more(start: Callable[..., Any]) -> None:
    location = start().client().get("/login/huggingface").headers["location"]
    asked = parse_qs(urlsplit(location).query)
    assert (asked["scope"], asked["response_type"]) == (["openid profile"], ["code"])
    assert len(asked["state"][0]) > 40
    assert "secret" not in location


@pytest.mark.parametrize("state", ["", "another", None])
def test_a_sign_in_that_another_page_began_is_refused(
    start: Callable[..., Any], hub: StandIn, state: str
) -> None:
    site = start()
    if state is None:  # the right state, in another browser
        mine = site.client()
        theirs = parse_qs(urlsplit(mine.get("/login/huggingface").headers["location"]).query)["state"][0]
        answer = site.client().get("/login/callback", params={"code": "good", "state": theirs})
    else:
        _, answer = sign_in(site, state=state)
    assert answer.status_code == 403
    assert hub.asked == []
    assert site.runtime.workspace.store.users.list() == []


def test_a_code_counts_once(start: Callable[..., Any]) -> None:
    site = start()
    assert sign_in(site)[1].status_code == 303
    assert sign_in(site)[1].status_code == 403


@pytest.mark.parametrize("fault", ["/.well-known/openid-configuration", "/oauth/token", "/oauth/userinfo"])
def test_a_provider_that_fails_is_told_and_leaks_nothing(
    start: Callable[..., Any], hub: StandIn, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    site, client = start(), None
    with caplog.at_level(logging.DEBUG):
        if "well-known" in fault:
            hub.faults[fault] = 500
            answer = site.client().get("/login/huggingface")
        else:
            hub.faults[fault] = 500
            client, answer = sign_in(site)
            assert COOKIE not in client.cookies
    assert answer.status_code == 403
    assert "did not confirm" in answer.text
    for secret in (SECRET, TOKEN):
        assert secret not in answer.text + caplog.text


@pytest.mark.parametrize(
    "claims",
    [{}, {"sub": "64a1"}, {"sub": "a.b", "preferred_username": "x"}, {"sub": 3, "preferred_username": "x"}],
)
def test_an_answer_that_names_nobody_signs_nobody_in(
    start: Callable[..., Any], hub: StandIn, claims: Any
) -> None:
    hub.claims = claims
    assert sign_in(start())[1].status_code == 403


def test_strangers_are_told_whom_to_ask(start: Callable[..., Any]) -> None:
    site = start(owner="grace")
    _, answer = sign_in(site)
    assert answer.status_code == 403
    assert "ask the owner" in answer.text
    assert site.runtime.workspace.store.users.list() == []


@pytest.mark.parametrize(
    ("owner", "members", "may"),
    [
        ("ada", (), True),
        ("Ada", (), True),
        ("lovelace-lab", (), True),
        ("grace", (), False),
        ("grace", ("ada",), True),
        ("grace", ("lovelace-lab",), True),
        ("grace", ("*",), True),
        ("", (), False),
        ("", ("",), False),
    ],
)
def test_who_may_come_in(owner: str, members: tuple[str, ...], may: bool) -> None:
    assert admitted(Person("64a1", "ada", ("lovelace-lab", "")), owner, members) is may


def test_a_name_that_changed_hands_opens_nothing_of_the_one_before(
    start: Callable[..., Any], hub: StandIn
) -> None:
    site = start("*")
    sign_in(site)
    first = site.runtime.workspace.store.users.get("hf-64a1")
    chat = site.runtime.workspace.store.conversations.create(first)
    hub.claims, hub.codes = {"sub": "99f0", "preferred_username": "ada"}, {"good"}
    client, _ = sign_in(site)
    assert client.get(f"/exports/conversations/{chat.id}.md").status_code == 404
    assert {u.id for u in site.runtime.workspace.store.users.list()} == {"hf-64a1", "hf-99f0"}


def test_the_page_to_sign_in_speaks_both_languages_and_leaves_the_frame(start: Callable[..., Any]) -> None:
    site = start()
    english = site.client().get("/login").text
    chinese = site.client().get("/login", headers={"Accept-Language": "zh-CN"}).text
    assert "Sign in with Hugging Face" in english
    assert "用 Hugging Face 账号登录" in chinese
    for page in (english, chinese):
        assert 'href="/login/huggingface" target="_blank"' in page
        assert "password" not in page
