from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sites import PASSWORD

from assistant.web.auth import COOKIE, SESSION_S, Sessions, load_secret


def sign_in(client: Any, name: str, password: str, **headers: str) -> Any:
    return client.post("/login", data={"name": name, "password": password}, headers=headers)


def test_signing_in_and_out(shared: Any) -> None:
    client = shared.client("ada")
    cookie = client.cookies[COOKIE]
    assert client.get("/", headers={"Accept": "text/html"}).status_code == 200
    answer = client.post("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert COOKIE not in client.cookies
    answer = client.get("/", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert cookie


@pytest.mark.parametrize(("https", "secure"), [(False, False), (True, True)])
def test_the_cookie_is_closed_to_scripts_and_other_sites(
    serve: Callable[..., Any], https: bool, secure: bool
) -> None:
    site = serve(behind_https=https)
    site.account("ada")
    header = sign_in(site.client(), "ada", PASSWORD).headers["set-cookie"].lower()
    assert "httponly" in header
    assert "samesite=lax" in header
    assert ("secure" in header) is secure


@pytest.mark.parametrize(
    "change",
    [
        lambda cookie: "",
        lambda cookie: "x",
        lambda cookie: cookie[:-1] + ("0" if cookie[-1] != "0" else "1"),
        lambda cookie: cookie.replace(".", "", 1),
        lambda cookie: "a" + cookie,
        lambda cookie: ".".join(["f" * 32, *cookie.split(".")[1:]]),
        lambda cookie: ".".join([cookie.split(".")[0], "9" * 12, *cookie.split(".")[2:]]),
        lambda cookie: "é" * 20,
        lambda cookie: "..." + "0" * 64,
        lambda cookie: "x" * 4000,
    ],
)
def test_a_changed_cookie_is_nobody(shared: Any, change: Callable[[str], str]) -> None:
    cookie = change(shared.client("ada").cookies[COOKIE])
    answer = shared.client().get("/v1/models", headers=[("Cookie", f"{COOKIE}={cookie}".encode())])
    assert answer.status_code == 401


def test_sessions_end_with_time_password_and_account(site: Any, tmp_path: Path) -> None:
    users, ada = site.runtime.workspace.store.users, site.account("ada")
    sessions = Sessions(site.runtime.workspace.store, b"key")
    value = sessions.issue(ada)
    assert sessions.user(value) == ada
    assert Sessions(site.runtime.workspace.store, b"other").user(value) is None
    with time_machine.travel(time.time() + SESSION_S + 1):
        assert sessions.user(value) is None
    users.set_password(ada.id, "another password")
    assert sessions.user(value) is None
    value = sessions.issue(ada)
    users.delete(ada.id)
    assert sessions.user(value) is None


def test_the_secret_is_the_owners_and_stays(tmp_path: Path) -> None:
    secret = load_secret(tmp_path / "secret")
    assert len(secret) == 32
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert load_secret(tmp_path / "secret") == secret


@pytest.mark.parametrize("password", ["", " " * 12, "пароль", "x" * 1_000_000, "a long passwor", "\0", "%00"])
def test_wrong_passwords_are_401(shared: Any, password: str) -> None:
    shared.account("ada")
    answer = sign_in(shared.client(), "ada", password)
    assert answer.status_code == 401
    assert "do not match" in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("accept", "words"), [("zh-CN,zh;q=0.9", "登录"), ("zh-HK", "登录"), ("de", "Sign in"), ("", "Sign in")]
)
def test_the_page_is_in_the_readers_language(shared: Any, accept: str, words: str) -> None:
    page = shared.client().get("/login", headers={"Accept-Language": accept}).text
    assert f"<button>{words}</button>" in page
    assert "http" not in page.replace('method="post"', "")


def test_many_bad_passwords_wait_and_nobody_else_does(site: Any) -> None:
    for name in ("ada", "bob"):
        site.account(name)
    client = site.client()
    answers = [sign_in(client, "ada", f"wrong password {n}") for n in range(20)]
    assert [a.status_code for a in answers] == [401] * 10 + [429] * 10
    assert 0 < int(answers[-1].headers["retry-after"]) <= 601
    forged = sign_in(client, "ada", PASSWORD, **{"X-Forwarded-For": "10.0.0.9", "Forwarded": "for=10.0.0.9"})
    assert forged.status_code == 429
    assert sign_in(client, "bob", PASSWORD).status_code == 303
    with time_machine.travel(time.time() + 601):
        assert sign_in(client, "ada", PASSWORD).status_code == 303


def test_one_address_cannot_try_every_name(site: Any) -> None:
    client = site.client()
    statuses = [sign_in(client, f"name {n}", "a wrong password").status_code for n in range(105)]
    assert statuses == [401] * 100 + [429] * 5


@pytest.mark.parametrize("key", ["EMPTY", "yj-", "yj-wrong", "x" * 10_000, "yj-\u00e9", "two words"])
def test_bad_keys_are_401_in_openai_shape(shared: Any, key: str) -> None:
    shared.key("ada")
    answer = shared.client().get("/v1/models", headers=[("Authorization", f"Bearer {key}".encode())])
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "authentication_error"
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_many_bad_keys_wait(site: Any) -> None:
    client = site.client()
    statuses = [
        client.get("/v1/models", headers={"Authorization": f"Bearer yj-{n}"}).status_code for n in range(22)
    ]
    assert statuses == [401] * 20 + [429] * 2


def test_a_key_is_its_owner_everywhere(site: Any) -> None:
    client = site.client(Authorization=f"Bearer {site.key('ada')}")
    assert client.get("/v1/models").status_code == 200
    chat = site.runtime.workspace.store.conversations.create(site.account("bob"))
    assert client.get(f"/exports/conversations/{chat.id}.md").status_code == 404


def test_a_wrong_key_is_not_rescued_by_a_cookie(site: Any) -> None:
    answer = site.client("ada").get("/v1/models", headers={"Authorization": "Bearer yj-wrong"})
    assert answer.status_code == 401


def test_at_this_machine_there_is_one_user_and_no_password(serve: Callable[..., Any]) -> None:
    site = serve(auth="local")
    client = site.client()
    assert client.get("/v1/models").status_code == 200
    assert client.get("/login").headers["location"] == "/"
    assert client.get("/v1/models", headers={"Host": "evil.test"}).status_code == 400


@pytest.mark.parametrize("header", ["Bearer", "bearer", "Basic YWRhOmE=", "yj-x"])
def test_headers_without_a_key_are_401(shared: Any, header: str) -> None:
    assert shared.client().get("/v1/models", headers={"Authorization": header}).status_code == 401
