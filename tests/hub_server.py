"""A stand-in of the Hub's HTTP API on this machine: what ``huggingface_hub`` 2.4 really sends, answered.

Made by recording its requests; an unknown one is a 501 and fails the test. Each answer can be replaced by an
error (``refuse``). Files go by git-lfs, for the other way (xet) is a protocol of its own that the client runs
in compiled code.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_" + "PlantedTokenThatNobodyMaySee42"
OWNERS = ("me", "our-team")
"""Whom the token may write for."""
KINDS = {"models": "model", "datasets": "dataset", "spaces": "space"}


LARGE = (".safetensors", ".whl", ".pdf", ".docx")
"""What goes by git-lfs, beside all that is large: the real Hub looks at the bytes."""


@dataclass
class Repo:
    """One repository's newest state, the messages of its commits, and the files of each."""

    private: bool = False
    files: dict[str, bytes] = field(default_factory=lambda: {".gitattributes": b"*.safetensors filter=lfs"})
    commits: list[str] = field(default_factory=list)
    history: list[tuple[str, str, dict[str, bytes]]] = field(default_factory=list)
    """Id, title and files, oldest first; the first is the Hub's own."""

    def __post_init__(self) -> None:
        self.history.append(("0" * 40, "initial commit", dict(self.files)))

    @property
    def sha(self) -> str:
        return self.history[-1][0]


@dataclass
class Request:
    """One request, as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class StandIn:
    """The server; ``repos`` by ``(kind, "owner/name")``, ``requests`` in order.

    Use as a context manager; ``url`` is its address.
    """

    def __init__(self) -> None:
        self.repos: dict[tuple[str, str], Repo] = {}
        self.requests: list[Request] = []
        self.blobs: dict[str, bytes] = {}
        self._refused: list[tuple[str, int, str]] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = Request(self.command, self.path, dict(self.headers), body)
                hub.requests.append(request)
                status, found, headers = hub.answer(request)
                data = found if isinstance(found, bytes) else _json(found)
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> StandIn:
        self._thread.start()
        return self

    def __exit__(self, *fault: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def refuse(self, path: str, status: int, message: str) -> None:
        """Answer requests whose path matches the expression with an error."""
        self._refused.append((path, status, message))

    def sent(self, method: str, path: str) -> list[Request]:
        """The requests of a method whose path matches the expression."""
        return [each for each in self.requests if each.method == method and re.search(path, each.path)]

    def answer(self, request: Request) -> tuple[int, Any, dict[str, str]]:
        """Status, JSON and headers."""
        for path, status, message in self._refused:
            if re.search(path, request.path):
                return status, {"error": message}, {"X-Error-Message": message}
        if request.path.startswith("/lfs/"):  # the real one signs these addresses, and takes no token there
            return self._store(request)
        if request.headers.get("authorization", request.headers.get("Authorization")) != f"Bearer {TOKEN}":
            return 401, {"error": "Invalid credentials in Authorization header"}, {}
        for method, path, act in self._ROUTES:
            found = re.fullmatch(path, request.path.partition("?")[0])
            if request.method == method and found:
                return act(self, request, *found.groups())
        return 501, {"error": f"the stand-in knows no {request.method} {request.path}"}, {}

    def _store(self, request: Request) -> tuple[int, Any, dict[str, str]]:
        oid = request.path.rpartition("/")[2]
        if hashlib.sha256(request.body).hexdigest() != oid:
            return 400, {"error": "not the bytes of that name"}, {}
        self.blobs[oid] = request.body
        return 200, None, {}

    def _info(self, request: Request, kind: str, name: str) -> tuple[int, Any, dict[str, str]]:
        repo = self.repos.get((KINDS[kind], name))
        if repo is None or (repo.private and name.partition("/")[0] not in OWNERS):
            return 404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"}
        files = [{"rfilename": file} for file in sorted(repo.files)]
        found = {"_id": "1", "id": name, "sha": repo.sha, "private": repo.private, "siblings": files}
        return 200, found | {"tags": [], "downloads": 0, "likes": 0}, {}

    def _create(self, request: Request) -> tuple[int, Any, dict[str, str]]:
        asked = json.loads(request.body)
        owner, kind = asked.get("organization") or "me", asked.get("type", "model")
        name = f"{owner}/{asked['name']}"
        if owner not in OWNERS:
            message = f'You don\'t have the rights to create a {kind} under the namespace "{owner}"'
            return 403, {"error": message}, {"X-Error-Message": message}
        if (kind, name) in self.repos:
            return 409, {"error": f"You already created this {kind} repo", "url": f"{self.url}/{name}"}, {}
        self.repos[kind, name] = Repo(private=asked.get("visibility") == "private")
        return 200, {"url": f"{self.url}/{name}", "name": name, "id": "1"}, {}

    def _yaml(self, request: Request) -> tuple[int, Any, dict[str, str]]:
        import yaml

        head = re.match(r"---\n(.*?)\n---\n", json.loads(request.body)["content"], re.DOTALL)
        try:
            found = yaml.safe_load(head.group(1)) if head else {}
        except yaml.YAMLError as fault:
            return 400, {"errors": [{"message": str(fault)}], "warnings": []}, {}
        if "base_model" in found and not re.fullmatch(r"[\w.-]+/[\w.-]+", str(found["base_model"])):
            return 400, {"errors": [{"message": '"base_model" must be an id of the Hub'}], "warnings": []}, {}
        return 200, {"errors": [], "warnings": []}, {}

    def _preupload(self, request: Request, kind: str, name: str) -> tuple[int, Any, dict[str, str]]:
        files = []
        for file in json.loads(request.body)["files"]:
            large = file["path"].endswith(LARGE) or file["size"] > 10_000_000
            row = {"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}
            there = self.repos[KINDS[kind], name].files.get(file["path"])
            files.append(row if there is None else row | {"oid": _oid(there, large=large)})
        return 200, {"files": files}, {}

    def _batch(self, request: Request, name: str) -> tuple[int, Any, dict[str, str]]:
        objects = []
        for each in json.loads(request.body)["objects"]:
            if each["oid"] not in self.blobs:
                each["actions"] = {"upload": {"href": f"{self.url}/lfs/{each['oid']}"}}
            objects.append(each)
        return 200, {"transfer": "basic", "objects": objects}, {}

    def _commit(self, request: Request, kind: str, name: str) -> tuple[int, Any, dict[str, str]]:
        repo = self.repos[KINDS[kind], name]
        after = dict(repo.files)
        for line in map(json.loads, request.body.splitlines()):
            key, value = line["key"], line["value"]
            if key == "header":
                title = value["summary"]
                if value.get("parentCommit", repo.sha) != repo.sha:
                    return 412, {"error": "A commit has happened since. Please refresh and try again."}, {}
            elif key == "file":
                assert value["encoding"] == "base64"
                after[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                after[value["path"]] = self.blobs[value["oid"]]
            elif key == "deletedFile":
                del after[value["path"]]
            else:
                return 501, {"error": f"the stand-in knows no {key}"}, {}
        repo.files = after
        repo.commits.append(title)
        oid = hashlib.sha1(request.body + repo.sha.encode()).hexdigest()
        repo.history.append((oid, title, dict(after)))
        return 200, {"commitUrl": f"{self.url}/{name}/commit/{oid}", "commitOid": oid, "success": True}, {}

    _REPO = r"([\w.-]+/[\w.-]+)"
    _ROUTES = (
        ("GET", rf"/api/(models|datasets|spaces)/{_REPO}(?:/revision/main)?", _info),
        ("POST", r"/api/repos/create", _create),
        ("POST", r"/api/validate-yaml", _yaml),
        ("POST", rf"/api/(models|datasets|spaces)/{_REPO}/preupload/main", _preupload),
        ("POST", rf"/(?:datasets/|spaces/)?{_REPO}\.git/info/lfs/objects/batch", _batch),
        ("POST", rf"/api/(models|datasets|spaces)/{_REPO}/commit/main", _commit),
    )


def _json(found: Any) -> bytes:
    return b"" if found is None else json.dumps(found).encode()


def _oid(data: bytes, *, large: bool) -> str:
    """As git and git-lfs name a file."""
    if large:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
