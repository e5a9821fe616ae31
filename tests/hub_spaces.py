"""The part of the stand-in that is about Spaces: settings, builds and their logs, old files, and the app itself.

Made like ``hub_server`` by recording what the client sends. A build takes three looks at the runtime.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

import hub_server
from hub_server import LARGE, Request, StandIn

PRO = "hosting Gradio and Docker Spaces on free cpu-basic requires a PRO subscription."
PAY = "You must add a payment method to your account to upgrade your space's hardware."
"""The Hub's own words, with the status 402 and 403."""
Answer = tuple[int, Any, dict[str, str]]


@dataclass
class Space:
    """What the Hub knows of a Space beside its files."""

    sdk: str
    hardware: str
    variables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    volumes: list[dict[str, Any]] = field(default_factory=list)
    stages: deque[tuple[str, str]] = field(default_factory=lambda: deque([("NO_APP_FILE", "")]))
    """Stage and commit, told one a look; the last one stays. A new commit is noticed at the second look."""
    looks: int = 0
    """How often the app was asked for its health."""


class Spaces(StandIn):
    """A Hub with Spaces.

    ``outcome`` is the stage in which builds end, ``log`` what they print; ``allowed`` the hardware of the
    account's plan; ``answer_state`` what comes of the question that a running app asks itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self.spaces: dict[str, Space] = {}
        self.buckets: dict[str, str] = {}
        self.outcome, self.log = "RUNNING", ["===== Build Queued =====\n"]
        self.allowed = {"cpu-basic", "t4-small"}
        self.answer_state = "answered"

    def _create(self, request: Request) -> Answer:
        asked = json.loads(request.body)
        if asked.get("type") == "space" and asked.get("hardware", "cpu-basic") not in self.allowed:
            words = PRO if asked.get("hardware", "cpu-basic") == "cpu-basic" else PAY
            return 402, {"error": words}, {"X-Error-Message": words}
        answer = super()._create(request)
        if answer[0] == 200 and asked.get("type") == "space":
            name = f"{asked.get('organization') or 'me'}/{asked['name']}"
            self.spaces[name] = Space(asked["sdk"], asked.get("hardware", "cpu-basic"))
            answer = (200, answer[1] | {"url": f"{self.url}/spaces/{name}"}, {})
        return answer

    def _info(self, request: Request, kind: str, name: str) -> Answer:
        status, found, headers = super()._info(request, kind, name)
        if kind == "spaces" and status == 200:
            found |= {"sdk": self.spaces[name].sdk, "host": f"{self.url}/app/{name}"}
        return status, found, headers

    def _commit(self, request: Request, kind: str, name: str) -> Answer:
        answer = super()._commit(request, kind, name)
        if kind == "spaces" and answer[0] == 200:
            space = self.spaces[name]
            commit = answer[1]["commitOid"]
            to_come = [(stage, commit) for stage in ("BUILDING", "APP_STARTING", self.outcome)]
            space.stages = deque([space.stages[-1], *to_come])
        return answer

    def _runtime(self, request: Request, name: str) -> Answer:
        space = self.spaces[name]
        stage, commit = space.stages.popleft() if len(space.stages) > 1 else space.stages[0]
        found = {"stage": stage, "hardware": {"current": space.hardware, "requested": space.hardware}}
        found |= {"volumes": space.volumes, "gcTimeout": None} | ({"sha": commit} if commit else {})
        if stage.endswith("ERROR"):
            found["errorMessage"] = f"Exit code: 1. {hub_server.TOKEN}"
        return 200, found, {}

    def _variables(self, request: Request, name: str) -> Answer:
        return self._keys(request, self.spaces[name].variables, shown=True)

    def _secrets(self, request: Request, name: str) -> Answer:
        return self._keys(request, self.spaces[name].secrets, shown=False)

    def _keys(self, request: Request, kept: dict[str, str], *, shown: bool) -> Answer:
        if request.method == "POST":
            given = json.loads(request.body)
            kept[given["key"]] = given["value"]
        day = {"updatedAt": "2026-11-01T00:00:00.000Z"}
        return 200, {key: day | ({"value": value} if shown else {}) for key, value in kept.items()}, {}

    def _hardware(self, request: Request, name: str) -> Answer:
        flavor = json.loads(request.body)["flavor"]
        if flavor not in self.allowed:
            return 403, {"error": PAY}, {"X-Error-Message": PAY}
        self.spaces[name].hardware = flavor
        return self._runtime(request, name)

    def _volumes(self, request: Request, name: str) -> Answer:
        self.spaces[name].volumes = json.loads(request.body)["volumes"]
        return 200, None, {}

    def _bucket(self, request: Request, name: str) -> Answer:
        if name in self.buckets:
            return 409, {"error": "You already created this bucket", "url": f"{self.url}/buckets/{name}"}, {}
        self.buckets[name] = json.loads(request.body).get("visibility", "public")
        return 200, {"url": f"{self.url}/buckets/{name}"}, {}

    def _logs(self, request: Request, name: str, which: str) -> Answer:
        events = [{"data": line, "timestamp": "2026-11-01T00:00:00.000Z"} for line in self.log]
        body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
        return 200, body.encode(), {"Content-Type": "text/event-stream"}

    def _files(self, kind: str, name: str, revision: str) -> dict[str, bytes]:
        repo = self.repos[hub_server.KINDS[kind], name]
        if revision == "main":
            return repo.files
        return next(files for oid, _, files in repo.history if oid == revision)

    def _tree(self, request: Request, kind: str, name: str, revision: str) -> Answer:
        return 200, [_entry(*item) for item in sorted(self._files(kind, name, revision).items())], {}

    def _paths(self, request: Request, kind: str, name: str, revision: str) -> Answer:
        files = self._files(kind, name, revision)
        asked = parse_qs(request.body.decode())["paths"]
        return 200, [_entry(path, files[path]) for path in asked if path in files], {}

    def _resolve(self, request: Request, name: str, revision: str, path: str) -> Answer:
        found = self._files("spaces", name, revision)[unquote(path)]
        return 200, found, {"Content-Type": "application/octet-stream"}

    def _commits(self, request: Request, kind: str, name: str) -> Answer:
        rows = [
            {"id": oid, "title": title, "message": "", "date": "2026-11-01T00:00:00.000Z", "authors": []}
            for oid, title, _ in reversed(self.repos[hub_server.KINDS[kind], name].history)
        ]
        return 200, rows, {}

    def answer(self, request: Request) -> Answer:
        """As before; the app of a Space is asked without the Hub's rules."""
        if request.path.startswith("/app/"):
            return self._app(request)
        return super().answer(request)

    def _app(self, request: Request) -> Answer:
        name = "/".join(request.path.split("/")[2:4])
        space = self.spaces[name]
        headers = {key.lower(): value for key, value in request.headers.items()}
        opened = headers.get("x-hf-authorization") == f"Bearer {hub_server.TOKEN}"
        if self.repos["space", name].private and not opened:
            return 404, {"error": "Sorry, we can't find the page you are looking for."}, {}
        space.looks += 1
        if space.looks == 1:
            return 503, b"<html>starting</html>", {"Content-Type": "text/html"}
        found: dict[str, Any] = {"status": "ok", "version": "0.1.0", "engine": "ready"}
        if "ask=true" in request.path:
            state = "running" if space.looks == 3 else self.answer_state
            found["question"] = {"state": state, "seconds": 1.5, "citations": 1, "reason": "out of memory"}
        return 200, found, {}

    _ANY = rf"/api/(models|datasets|spaces)/{StandIn._REPO}"
    _SPACE = rf"/api/spaces/{StandIn._REPO}"
    _ROUTES = (
        ("POST", r"/api/repos/create", _create),
        ("GET", rf"{_ANY}(?:/revision/main)?", _info),
        ("POST", rf"{_ANY}/commit/main", _commit),
        ("GET", rf"{_ANY}/commits/main", _commits),
        ("GET", rf"{_ANY}/tree/(\w+)", _tree),
        ("POST", rf"{_ANY}/paths-info/(\w+)", _paths),
        ("GET", rf"/spaces/{StandIn._REPO}/resolve/(\w+)/(.+)", _resolve),
        ("GET", rf"{_SPACE}/runtime", _runtime),
        ("GET", rf"{_SPACE}/variables", _variables),
        ("POST", rf"{_SPACE}/variables", _variables),
        ("POST", rf"{_SPACE}/secrets", _secrets),
        ("POST", rf"{_SPACE}/hardware", _hardware),
        ("PUT", rf"{_SPACE}/volumes", _volumes),
        ("GET", rf"{_SPACE}/logs/(build|run)", _logs),
        ("POST", rf"/api/buckets/{StandIn._REPO}", _bucket),
        *StandIn._ROUTES,
    )


def _entry(path: str, data: bytes) -> dict[str, Any]:
    """A file as the tree tells it; its oid is that of the blob, for a large one of its pointer."""
    found: dict[str, Any] = {"type": "file", "path": path, "size": len(data)}
    found["oid"] = hub_server._oid(data, large=False)
    if path.endswith(LARGE):
        digest = hashlib.sha256(data).hexdigest()
        found["lfs"] = {"oid": digest, "size": len(data), "pointerSize": 134}
    return found
