"""Against a real server: our own engine behind the address, spoken to by the official client."""

import json
import math
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from readers import Reader, before_each_step, wait_for

from assistant.engine.protocol import Generator
from assistant.engine.remote import RemoteGenerator
from assistant.errors import ContextOverflowError, DeadlineError, EngineError
from assistant.schema import Finish, Message, Sampling

HELLO = [Message("user", "hello")]


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.bodies.append(body)
        if self.headers["authorization"] != "Bearer right":
            return self._plain(401, {"error": {"message": "no"}})
        if body["model"] == "missing":
            return self._plain(404, {"error": {"message": "no such model"}})
        if body.get("logprobs") and self.server.refuses:
            return self._plain(400, {"error": {"message": "logprobs are not given"}})
        if not body.get("stream"):
            entries = [{"token": token, "logprob": value, "bytes": None} for token, value in self.server.top]
            content = [{"token": "x", "logprob": -1.0, "bytes": None, "top_logprobs": entries}]
            choice = {
                "index": 0,
                "finish_reason": "length",
                "message": {"role": "assistant", "content": self.server.says},
            }
            choice["logprobs"] = {"content": content} if entries else None
            return self._plain(
                200, {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
            )
        return self._stream(body)

    def _plain(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, body):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        messages = [Message(entry["role"], entry["content"]) for entry in body["messages"]]
        sampling = Sampling(max_new_tokens=body["max_tokens"], temperature=body["temperature"])
        deltas = self.server.engine.stream(
            messages, sampling, adapter=None if body["model"] == "tiny" else body["model"]
        )
        try:
            for delta in deltas:
                if delta.finish and self.server.cut:
                    return  # the connection ends without saying why
                choice = {"index": 0, "delta": {"content": delta.text}, "finish_reason": delta.finish}
                chunk = {
                    "id": "1",
                    "object": "chat.completion.chunk",
                    "created": 0,
                    "model": "m",
                    "choices": [choice],
                }
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                self.wfile.flush()
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            self.server.dropped.set()
        finally:
            deltas.close()


@pytest.fixture(scope="module")
def server(engine):
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.engine, server.bodies, server.dropped = engine, [], threading.Event()
        server.cut, server.top, server.daemon_threads = False, [], True
        server.says, server.refuses = "x", False
        server.url = f"http://127.0.0.1:{server.server_port}/v1"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def remote(server):
    made = RemoteGenerator(server.url, "right", "tiny", 1024)
    yield made
    made.close()


def test_it_streams_what_the_server_says(remote, engine, server):
    typed: Generator = remote
    reader = Reader(typed, max_new_tokens=12)
    assert reader.result() == Reader(engine, max_new_tokens=12).result()
    assert server.bodies[-1]["stream"] is True
    assert reader.deltas[-1].finish is Finish.LENGTH


def test_an_adapter_is_a_model_name_there(remote):
    assert Reader(remote, adapter="beta", max_new_tokens=3).result() == (" beta beta beta", Finish.LENGTH)


def test_stop_strings_are_watched_here_too(remote):
    shown = Reader(remote, adapter="beta", stop=("a be",), max_new_tokens=9).result()
    assert shown == (" bet", Finish.STOP)


def test_closing_drops_the_connection_and_frees_that_server(remote, engine, server):
    server.dropped.clear()
    with before_each_step(engine, lambda _: time.sleep(0.03)):
        stream = remote.stream(HELLO, Sampling(max_new_tokens=900))
        while next(stream).tokens < 3:
            pass
        stream.close()
        assert server.dropped.wait(10)
        wait_for(lambda: engine.state().running == 0)
    assert remote.state().running == 0


def test_heartbeats_and_deadlines_while_that_server_is_stuck(remote, engine):
    gate = threading.Event()
    with before_each_step(engine, lambda _: gate.wait(20)):
        stream = remote.stream(HELLO, Sampling(max_new_tokens=3, first_token_s=0.7))
        assert next(stream).text == ""
        with pytest.raises(DeadlineError, match="first token"):
            list(stream)
        gate.set()


@pytest.mark.parametrize(
    ("key", "model", "reason"),
    [("wrong", "tiny", "refuses the key.*YOUJU_API_KEY"), ("right", "missing", "answers 404.*no such model")],
)
def test_refusals_are_told(server, key, model, reason):
    remote = RemoteGenerator(server.url, key, model, 1024)
    with pytest.raises(EngineError, match=reason):
        list(remote.stream(HELLO, Sampling()))
    remote.close()


def test_a_server_that_is_not_there():
    remote = RemoteGenerator("http://127.0.0.1:9/v1", "", "tiny", 1024)
    with pytest.raises(EngineError, match="cannot be reached"):
        list(remote.stream(HELLO, Sampling()))
    with pytest.raises(EngineError, match="cannot be reached"):
        remote.score(HELLO, ["yes", "no"])
    remote.close()
    with pytest.raises(EngineError, match="stopped"):
        next(remote.stream(HELLO, Sampling()))


def test_an_answer_cut_off_is_kept_and_marked(remote, server, monkeypatch):
    monkeypatch.setattr(server, "cut", True)
    text, finish = Reader(remote, max_new_tokens=12).result()
    assert text
    assert finish is Finish.ERROR


def test_the_window_holds_by_a_high_estimate(remote, engine):
    assert all(remote.count_text(text) >= 4 for text in ("hello world", "你好"))
    with pytest.raises(ContextOverflowError, match="leaves 24"):
        next(remote.stream([Message("user", "x" * 100)], Sampling(max_new_tokens=1000)))
    exact = RemoteGenerator("http://127.0.0.1:9/v1", "", "tiny", 1024, engine.renderer)
    assert exact.count(HELLO) == engine.count(HELLO)
    assert exact.count_text("hello") == engine.count_text("hello")
    exact.close()


def test_scores_are_first_token_likelihoods(remote, server, monkeypatch):
    monkeypatch.setattr(server, "top", [("pos", -0.5), ("negative", -1.5), ("x", -9.0)])
    assert remote.score(HELLO, ["positive", "negative", "unsure"]) == [-0.5, -1.5, -9.0]
    assert remote.score_many([(HELLO, ["positive", "negative"])]) == [[-0.5, -1.5]]


SURE, OTHER = math.log(0.9), math.log(0.1)


@pytest.mark.parametrize(
    ("says", "replies", "scores"),
    [
        (" Yes.", ["yes", "no"], [SURE, OTHER]),
        ('\n**"No"** it', ["yes", "no"], [OTHER, SURE]),
        ("是的", ["是", "否"], [SURE, OTHER]),
        ("Note that", ["yes", "no"], [math.log(0.5)] * 2),
        ("", ["yes", "no"], [math.log(0.5)] * 2),
        ("b", ["a", "b", "c"], [math.log(0.05), SURE, math.log(0.05)]),
        ("It is good.", ["It is good", "It is bad"], [SURE, OTHER]),
        ("Bad", ["It is good", "It is bad"], [OTHER, SURE]),
    ],
)
def test_without_likelihoods_the_reply_written_counts(remote, server, monkeypatch, says, replies, scores):
    monkeypatch.setattr(server, "says", says)
    assert remote.score(HELLO, replies) == pytest.approx(scores)
    assert server.bodies[-1]["temperature"] == 0
    assert server.bodies[-1]["max_tokens"] >= 3


def test_so_it_does_where_two_replies_begin_with_one_token(remote, server, monkeypatch):
    monkeypatch.setattr(server, "top", [("pos", -0.5), ("x", -9.0)])
    monkeypatch.setattr(server, "says", "possible")
    assert remote.score(HELLO, ["positive", "possible"]) == pytest.approx([OTHER, SURE])


def test_a_server_that_refuses_to_tell_is_asked_without_from_then_on(remote, server, monkeypatch):
    monkeypatch.setattr(server, "refuses", True)
    monkeypatch.setattr(server, "says", "no")
    before = len(server.bodies)
    for _ in range(2):
        assert remote.score(HELLO, ["yes", "no"]) == pytest.approx([OTHER, SURE])
    assert ["logprobs" in body for body in server.bodies[before:]] == [True, False, False]


def test_a_single_reply_asks_nothing(remote, server):
    before = len(server.bodies)
    assert remote.score(HELLO, ["yes"]) == [0.0]
    assert len(server.bodies) == before
