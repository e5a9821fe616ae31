"""A stand-in of Hugging Face's OpenID provider on this machine."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

SECRET = "oauth-secret-81724"
TOKEN = "hf_oauth_token_92111"
ADA = {
    "sub": "64a1",
    "preferred_username": "ada",
    "orgs": [{"sub": "77", "preferred_username": "lovelace-lab"}],
}


class StandIn(ThreadingHTTPServer):
    """Gives out a code, takes it once, and says who it was for."""

    claims: dict[str, Any]
    faults: dict[str, int]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.claims, self.faults, self.codes, self.asked = dict(ADA), {}, {"good"}, []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        self.send_response(self.server.faults.get(self.path, status))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _agree(self, asked: dict[str, list[str]]) -> None:
        """Send the browser back as if its person had agreed, with a code of their own."""
        code = f"code{len(self.server.asked)}"
        self.server.codes.add(code)
        self.send_response(303)
        query = urlencode({"code": code, "state": asked["state"][0]})
        self.send_header("Location", f"{asked['redirect_uri'][0]}?{query}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        if self.path == "/.well-known/openid-configuration":
            ends = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
            base = self.server.url
            self._answer(200, {f"{key}_endpoint": f"{base}/oauth/{path}" for key, path in ends.items()})
        elif self.path.startswith("/oauth/authorize"):
            self._agree(parse_qs(urlsplit(self.path).query))
        else:
            known = self.headers["Authorization"] == f"Bearer {TOKEN}"
            self._answer(200 if known else 401, self.server.claims if known else {})

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.asked.append(form)
        right = base64.b64encode(f"client:{SECRET}".encode()).decode()
        good = self.headers["Authorization"] == f"Basic {right}" and form["code"][0] in self.server.codes
        self.server.codes.discard(form["code"][0])
        self._answer(200 if good else 400, {"access_token": TOKEN} if good else {"error": "invalid_grant"})
