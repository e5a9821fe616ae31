"""A public demo: everyone is a guest, alone with their chats, limited, and forgotten."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from sites import tiny_page

from assistant.errors import TooManyRequestsError
from assistant.request import Request
from assistant.web import visitors
from assistant.web.auth import VISITOR_COOKIE
from assistant.web.visitors import Visitors

SPACE: dict[str, Any] = {
    "auth": "visitors",
    "allowed_hosts": ("ada-handbook.hf.space",),
    "frame_ancestors": ("https://huggingface.co",),
    "behind_https": True,
}


@pytest.fixture
def demo(serve: Callable[..., Any]) -> Any:
    return serve(pages=tiny_page(), auth="visitors")


def visit(site: Any) -> Any:
    client = site.client()
    assert client.get("/").status_code == 200
    return client


def guests(site: Any) -> list[str]:
    return [user.id for user in site.runtime.workspace.store.users.list() if user.role == "guest"]


def test_a_visit_begins_with_the_page_and_makes_no_account_yet(demo: Any) -> None:
    client = visit(demo)
    assert client.cookies[VISITOR_COOKIE].startswith("visitor-")
    assert guests(demo) == []
    assert client.get("/files/none").status_code == 404
    assert len(guests(demo)) == 1


def test_two_visitors_are_two_people(demo: Any) -> None:
    first, second = visit(demo), visit(demo)
    for client in (first, second):
        client.get("/files/none")
    names = guests(demo)
    assert len(names) == 2
    user = demo.runtime.workspace.store.users.get(names[0])
    chat = demo.runtime.workspace.store.conversations.create(user)
    answers = {client.get(f"/exports/conversations/{chat.id}.md").status_code for client in (first, second)}
    assert answers == {200, 404}


@pytest.mark.parametrize("cookie", ["", "visitor-1", "visitor-1.", "visitor-1.0f", ".", "local.x"])
def test_a_cookie_that_is_not_ours_is_nobody(demo: Any, cookie: str) -> None:
    client = demo.client()
    client.cookies.set(VISITOR_COOKIE, cookie)
    assert client.get("/files/none").status_code == 401
    assert guests(demo) == []


def test_behind_the_proxy_of_a_space_the_cookie_works_in_its_frame(serve: Callable[..., Any]) -> None:
    site = serve(pages=tiny_page(), **SPACE)
    given = site.client().get("/", headers={"Host": "ada-handbook.hf.space"}).headers["set-cookie"]
    name, *attributes = given.split("; ")
    assert name.startswith(f"{VISITOR_COOKIE}=visitor-")
    assert set(attributes) == {"Path=/", "HttpOnly", "SameSite=None", "Secure", "Partitioned"}


def test_what_a_page_elsewhere_sends_in_a_visitor_s_name_is_refused(serve: Callable[..., Any]) -> None:
    site = serve(pages=tiny_page(), **SPACE)
    ours = {"Host": "ada-handbook.hf.space"}
    for origin, status in (("https://evil.hf.space", 403), ("https://ada-handbook.hf.space", 401)):
        answer = site.client().post("/gradio_api/queue/join", json={}, headers={**ours, "Origin": origin})
        assert answer.status_code == status, origin


def test_guests_add_no_files_and_use_no_api(demo: Any) -> None:
    client = visit(demo)
    answer = client.post("/gradio_api/upload", files={"files": ("a.txt", b"text")})
    assert answer.status_code == 403
    body = {"model": "fake", "messages": [{"role": "user", "content": "hi"}]}
    for path in ("/v1/chat/completions", "/v1/embeddings"):
        assert client.post(path, json=body).status_code == 403
    assert client.get("/v1/models").status_code == 403


def test_a_guest_has_so_many_questions_in_an_hour(serve: Callable[..., Any]) -> None:
    site = serve(auth="visitors", visitor_questions=3)
    ada, bob = (
        site.runtime.workspace.store.users.vouched(f"visitor-{n}", f"visitor-{n}", "guest") for n in "ab"
    )
    hello = Request("Hi", site.runtime.models.sampling())
    for _ in range(3):
        list(site.runtime.chat_turn(ada, hello))
    with pytest.raises(TooManyRequestsError, match="limit 3"):
        list(site.runtime.chat_turn(ada, hello))
    assert list(site.runtime.chat_turn(bob, hello))


def test_all_of_a_visit_goes_when_it_is_over(demo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = demo.runtime.workspace.store
    people = Visitors(demo.runtime)
    cookies = [people._cookie().partition(";")[0].partition("=")[2] for _ in range(2)]
    gone, here = (people.user(cookie) for cookie in cookies)
    assert gone is not None
    assert here is not None
    store.conversations.create(gone)
    people._seen[gone.id] -= visitors.VISIT_S + 1
    people.sweep()
    assert guests(demo) == [here.id]
    later = people.user(cookies[0])  # the cookie still holds, and is a new visit
    assert later is not None
    assert store.conversations.list(later) == []


def test_a_start_deletes_the_visits_before_it_and_nobody_else(serve: Callable[..., Any]) -> None:
    site = serve(auth="users")
    site.account("ada")
    guest = site.runtime.workspace.store.users.vouched("visitor-1", "visitor-1", "guest")
    site.runtime.workspace.store.conversations.create(guest)
    Visitors(site.runtime)
    assert [user.name for user in site.runtime.workspace.store.users.list()] == ["ada"]


def test_there_are_so_many_visits_at_once(demo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "VISITS", 1)
    people = Visitors(demo.runtime)
    first, second = (people._cookie().partition(";")[0].partition("=")[2] for _ in range(2))
    assert people.user(first)
    with pytest.raises(TooManyRequestsError):
        people.user(second)
    assert people.user(first)
    people._seen = {name: time.monotonic() - visitors.VISIT_S - 1 for name in people._seen}
    people.sweep()
    assert people.user(second)


def test_probes_of_the_host_by_number_are_answered(serve: Callable[..., Any]) -> None:
    """Listening everywhere, a number is no foreign name; on this machine alone it is refused as before."""
    from assistant.config import Settings
    from assistant.web.security import Hosts

    everywhere = Hosts(None, Settings(host="0.0.0.0", auth="visitors"))  # type: ignore[arg-type]
    here = Hosts(None, Settings())  # type: ignore[arg-type]
    assert [everywhere._is_known(name) for name in ("10.0.0.7", "::1", "evil.test", None)] == [
        True, True, False, False,
    ]  # fmt: skip
    assert not here._is_known("10.0.0.7")
