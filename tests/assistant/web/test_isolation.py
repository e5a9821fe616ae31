"""Nobody reaches what is another's: every route, every key that a client may choose, every file."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sites import tiny_page
from starlette.routing import BaseRoute, Mount

from assistant.errors import NotFoundError
from assistant.web import gradio_guard
from assistant.web.files import offer
from assistant.web.gradio_guard import Owners

PUBLIC = {"/login", "/health"}
OURS = {
    "/login", "/logout", "/health", "/v1/openapi.json", "/v1/chat/completions", "/v1/models", "/v1/models/{name:path}",
    "/v1/embeddings", "/files/{document_id}", "/exports/conversations/{conversation_id}.{kind}",
    "/downloads/{token}/{name}",
}  # fmt: skip
"""Every route of our own. A new one fails here until someone says who may use it."""


def paths(routes: list[BaseRoute]) -> Iterator[str]:
    for route in routes:
        if isinstance(route, Mount):
            yield from paths(list(route.routes))
        elif hasattr(route, "path"):
            yield route.path
        elif hasattr(route, "original_router"):
            yield from paths(list(route.original_router.routes))


def test_every_route_is_listed(shared: Any) -> None:
    own = set(paths([r for r in shared.app.routes if not isinstance(r, Mount)]))
    assert own == OURS


def filled(path: str) -> str:
    """A route's path with a value in each place."""
    return path.replace("{path:path}", "x").replace("{", "").replace("}", "").replace(":path", "")


def test_every_route_is_closed_to_strangers(shared: Any) -> None:
    stranger = shared.client()
    for path in set(paths(list(shared.app.routes))) - PUBLIC:
        for method in ("GET", "POST", "HEAD", "PUT", "DELETE"):
            answer = stranger.request(method, filled(path))
            assert answer.status_code == 401, f"{method} {path}: {answer.status_code}"
    assert stranger.get("/openapi.json").status_code == 401
    assert stranger.get("/docs").status_code == 401


def test_of_gradio_only_the_listed_routes_exist(shared: Any, ada: httpx.Client) -> None:
    (pages,) = [route for route in shared.app.routes if isinstance(route, Mount)]
    closed = 0
    for path in set(paths(list(pages.routes))) - OURS:
        concrete = filled(path)
        if gradio_guard.OPEN.fullmatch(concrete) or gradio_guard.BOUND.fullmatch(concrete):
            continue
        closed += 1
        for method in ("GET", "POST"):
            assert ada.request(method, concrete).status_code == 404, f"{method} {concrete}"
    assert closed > 30


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/proxy=https://evil.test/", "/monitoring/summary", "/gradio_api/run/whoami", "/gradio_api/call/whoami",
     "/gradio_api/stream/x", "/gradio_api/vibe-code", "/gradio_api/component_server", "/gradio_api/deep_link",
     "/token", "/gradio_api/openapi.json", "/GRADIO_API/upload/", "/gradio_api//upload", "/gradio_api/queue/join/x",
     "/gradio_api/file/etc/passwd", "/gradio_api/queue/status"],
)  # fmt: skip
def test_what_the_pages_do_not_need_is_not_there(ada: httpx.Client, path: str) -> None:
    for method in ("GET", "POST"):
        assert ada.request(method, path, json={"session_hash": "x"}).status_code == 404


# --- our own objects --------------------------------------------------------------------------------------


def own_things(site: Any, name: str) -> list[str]:
    """Addresses of one user's things, one of each kind."""
    runtime, user = site.runtime, site.account(name)
    store = runtime.workspace.store
    chat = store.conversations.create(user, f"{name}'s secret")
    store.conversations.append(user, chat.id, None, "user", f"{name}'s secret")
    record = store.documents.add(
        user, store.collections.default(user).id, title="t", filename="<b>t.html", media_type="text/html",
        sha256=f"{chat.id}", size=1,
    )  # fmt: skip
    folder = runtime.settings.home / "files" / record.id
    folder.mkdir(parents=True)
    (folder / "original").write_text(f"<script>alert(1)</script>{name}'s secret")
    exports = [f"/exports/conversations/{chat.id}.{kind}" for kind in ("md", "json")]
    return [*exports, f"/files/{record.id}", offer(runtime, user, "结果.csv", f"{name}'s secret".encode())]


def test_things_are_their_owners_and_come_as_attachments(shared: Any, ada: httpx.Client) -> None:
    bob = shared.client("bob")
    for address in own_things(shared, "ada"):
        mine = ada.get(address)
        assert mine.status_code == 200
        assert "ada's secret" in mine.text
        assert mine.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
        assert mine.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert mine.headers["x-content-type-options"] == "nosniff"
        assert "html" not in mine.headers["content-type"]
        theirs, nothing = bob.get(address), bob.get(address.replace("0", "1").replace("a", "b"))
        assert theirs.status_code == nothing.status_code == 404
        assert "secret" not in theirs.text
        assert shared.client().get(address).status_code == 401


@pytest.mark.parametrize(
    "path",
    ["/files/..%2f..%2fsecret", "/files/x%00y", "/files/%ed%a0%80", "/downloads/../../secret", "/downloads/%2e%2e/data",
     "/downloads/..%2f..%2f..%2f/secret", "/exports/conversations/x.py", "/exports/conversations/..%2fx.md"],
)  # fmt: skip
def test_no_path_leads_elsewhere(ada: httpx.Client, path: str) -> None:
    assert ada.get(path).status_code in (400, 404)


def test_the_api_answers_from_own_collections_only(shared: Any) -> None:
    theirs = shared.runtime.workspace.store.collections.create(shared.account("bob"), "theirs")
    mine = shared.runtime.workspace.store.collections.create(shared.account("ada"), "mine")
    client = shared.client(Authorization=f"Bearer {shared.key('ada')}")
    for collections, status in (
        ([mine.id], 200),
        ([theirs.id], 404),
        ([mine.id, theirs.id], 404),
        (["' OR 1=1"], 404),
    ):
        asked = {
            "model": "youju",
            "messages": [{"role": "user", "content": "q"}],
            "youju": {"collections": collections},
        }
        assert client.post("/v1/chat/completions", json=asked).status_code == status


# --- Gradio's sessions ------------------------------------------------------------------------------------


def join(client: httpx.Client, fn: int, session: str, *data: Any) -> httpx.Response:
    body = {"data": list(data), "fn_index": fn, "session_hash": session}
    return client.post("/gradio_api/queue/join", json=body)


def outputs(client: httpx.Client, session: str) -> list[Any]:
    """Listen to a session until its run ends; returns what it said."""
    said = []
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as stream:
        assert stream.status_code == 200
        for line in stream.iter_lines():
            if line.startswith("data: "):
                message = json.loads(line[6:])
                said.append(message)
                if message["msg"] in ("process_completed", "close_stream"):
                    break
    return said


def test_pages_know_who_asks(shared: Any, ada: httpx.Client) -> None:
    assert join(ada, 0, "session-a").status_code == 200
    assert outputs(ada, "session-a")[-1]["output"]["data"] == ["ada"]


def test_a_session_is_its_first_users(shared: Any, ada: httpx.Client) -> None:
    bob = shared.client("bob")
    job = join(ada, 1, "session-b").json()["event_id"]
    taken = {"session_hash": "session-b", "fn_index": 1, "event_id": job}
    own = {"session_hash": "session-of-bob", "fn_index": 1, "event_id": job}
    tries = {
        "join": join(bob, 0, "session-b"),
        "data": bob.get("/gradio_api/queue/data", params={"session_hash": "session-b"}),
        "heartbeat": bob.get("/gradio_api/heartbeat/session-b"),
        "cancel": bob.post("/gradio_api/cancel", json=taken),
        "cancel from an own session": bob.post("/gradio_api/cancel", json=own),
        "reset": bob.post("/gradio_api/reset", json={"event_id": job}),
        "anonymous cancel": shared.client().post("/gradio_api/cancel", json=taken),
    }
    assert {name: answer.status_code for name, answer in tries.items()} == {
        **dict.fromkeys(tries, 404),
        "anonymous cancel": 401,
    }
    said = outputs(ada, "session-b")
    assert said[-1]["success"]
    assert len([m for m in said if m["msg"] == "process_generating"]) >= 10


def test_the_owner_may_cancel(serve: Callable[..., Any]) -> None:
    site = serve(pages=tiny_page(steps=1000))
    client = site.client("ada")
    job = join(client, 1, "s").json()["event_id"]
    timer = threading.Timer(
        0.5,
        lambda: client.post("/gradio_api/cancel", json={"session_hash": "s", "fn_index": 1, "event_id": job}),
    )
    timer.start()
    assert outputs(client, "s")[-1]["msg"] == "process_completed"


def file_of(path: str) -> dict[str, Any]:
    return {"path": path, "meta": {"_type": "gradio.FileData"}, "orig_name": "a.txt"}


def test_an_upload_is_its_uploaders(shared: Any, ada: httpx.Client) -> None:
    bob = shared.client("bob")
    (path,) = ada.post("/gradio_api/upload", files={"files": ("a.txt", b"ada's upload")}).json()
    assert ada.get(f"/gradio_api/file={path}").text == "ada's upload"
    assert bob.get(f"/gradio_api/file={path}").status_code == 404
    assert join(bob, 2, "bob-reads", file_of(path)).status_code == 404
    assert join(bob, 2, "bob-reads", [{"deep": [file_of(path)]}]).status_code == 404
    assert join(ada, 2, "ada-reads", file_of(path)).status_code == 200
    assert outputs(ada, "ada-reads")[-1]["output"]["data"] == ["ada's upload"]

    (same,) = bob.post("/gradio_api/upload", files={"files": ("a.txt", b"ada's upload")}).json()
    assert bob.get(f"/gradio_api/file={same}").status_code == 200
    assert ada.get(f"/gradio_api/file={path}").status_code == 200


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "%2Fetc%2Fpasswd", "../secret", "http://evil.test/x", "", "."]
)
def test_no_other_file_is_served(ada: httpx.Client, path: str) -> None:
    assert ada.get(f"/gradio_api/file={path}").status_code == 404
    assert join(ada, 2, f"reads {path}", file_of(path)).status_code == 404


def test_a_page_file_is_never_shown_in_place(ada: httpx.Client) -> None:
    for name in ("x.html", "x.svg", "x.xml", "x.pdf"):
        (path,) = ada.post("/gradio_api/upload", files={"files": (name, b"<svg onload=alert(1)>")}).json()
        headers = ada.get(f"/gradio_api/file={path}").headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-type"] not in ("text/html", "image/svg+xml")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'"x"', b"[" * 100_000, b"\xff\xfe", b"{}"])
def test_broken_bodies_are_refused(ada: httpx.Client, body: bytes) -> None:
    for path in ("queue/join", "cancel", "reset"):
        assert ada.post(f"/gradio_api/{path}", content=body).status_code in (400, 404, 422)


def test_upload_ids_are_bound_too(shared: Any, ada: httpx.Client) -> None:
    ada.post("/gradio_api/upload?upload_id=up1", files={"files": ("a.txt", b"x")})
    assert shared.client("bob").get("/gradio_api/upload_progress?upload_id=up1").status_code == 404


def test_owners_forget_the_oldest_only(monkeypatch: pytest.MonkeyPatch, shared: Any) -> None:
    monkeypatch.setattr(gradio_guard, "KEYS_LIMIT", 3)
    owners, ada, bob = Owners(), shared.account("ada"), shared.account("bob")
    for key in "abcd":
        owners.claim("session", key, ada)
    for key in "bcd":
        with pytest.raises(NotFoundError):
            owners.claim("session", key, bob)
    owners.claim("job", "d", bob)  # another kind of key is another key


def test_users_in_parallel_get_their_own_words_only(serve: Callable[..., Any]) -> None:
    site = serve(pages=tiny_page())

    def turns(name: str) -> list[str]:
        client = site.client(name)
        said = []
        for turn in range(5):
            join(client, 0, f"{name}-{turn}")
            said += outputs(client, f"{name}-{turn}")[-1]["output"]["data"]
        return said

    names = [f"user{n}" for n in range(8)]
    with ThreadPoolExecutor(len(names)) as pool:
        assert list(pool.map(turns, names)) == [[name] * 5 for name in names]
