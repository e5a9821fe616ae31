"""The OpenAI-compatible API, with OpenAI's own client and with everything that is no request."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from fakes import HashEmbedder, TimedGenerator

from assistant.errors import QueueFullError
from assistant.request import Request
from assistant.schema import Answer, Delta, Finish, Message
from assistant.scope import Scope

QUESTION: Any = [{"role": "user", "content": "How long?"}]
ASKED: dict[str, Any] = {"model": "fake", "messages": QUESTION}


def scripted(*events: Any) -> Callable[..., Iterator[Any]]:
    """A turn that is always the same."""

    def turn(*_: Any, **__: Any) -> Iterator[Any]:
        yield from events

    return turn


def hear(stream: Any, heard: list[str]) -> None:
    for chunk in stream:
        heard.append(chunk.choices[0].delta.content or "")


@pytest.fixture
def client(site: Any) -> openai.OpenAI:
    return official(site)


def official(site: Any, key: str | None = None, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{site.url}/v1", api_key=key or site.key("ada"), max_retries=0, **options)


@pytest.fixture(scope="module")
def caller(shared: Any) -> httpx.Client:
    return httpx.Client(
        base_url=shared.url, headers={"Authorization": f"Bearer {shared.key('ada')}"}, timeout=30
    )


# --- the official client ----------------------------------------------------------------------------------


def test_a_grounded_answer_brings_its_evidence(site: Any, client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="youju", messages=QUESTION)
    assert answer.choices[0].message.content == "Seven days."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (
        2,
        2,
        4,
    )
    evidence = answer.model_extra["youju"]  # type: ignore[index]
    assert evidence["citations"][0]["text"] == "Seven days."
    assert evidence["sentences"][0]["verdict"] == "supported"
    assert evidence["hits"][0]["document_id"] == "d1"
    assert evidence["best"]["page"] == 2
    assert (evidence["declined"], evidence["confidence"]) == (False, 0.9)
    (call,) = site.runtime.calls
    assert (call["user"].name, call["scope"]) == ("ada", Scope())


def test_a_stream_ends_with_the_evidence_and_the_usage(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="youju", messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Seven days."
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-2].model_extra["youju"]["citations"][0]["n"] == 1  # type: ignore[index]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 2
    assert len({c.id for c in chunks}) == 1


def test_the_models_name_is_the_model_alone(site: Any, client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="fake",
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "How long?"},
        ],
        temperature=0.5,
        top_p=0.9,
        max_tokens=7,
        seed=3,
        stop=["END"],
    )
    assert answer.model_extra["youju"]["citations"] == []  # type: ignore[index]
    call = site.runtime.calls[-1]
    assert (call["scope"], call["request"].system, call["adapter"]) == (None, "Be brief.", "none")
    assert site.runtime.fake.prompts[-1][1:] == [
        Message("user", "Hi"),
        Message("assistant", "Hello"),
        Message("user", "How long?"),
    ]
    sampling = site.runtime.fake.samplings[-1]
    assert (sampling.temperature, sampling.top_p, sampling.max_new_tokens) == (0.5, 0.9, 7)
    assert (sampling.seed, sampling.stop) == (3, ("END",))


def test_an_adapter_is_a_model_and_the_extension_grounds_any(site: Any, client: openai.OpenAI) -> None:
    mine = site.runtime.workspace.store.collections.create(site.account("ada"), "mine")
    client.chat.completions.create(
        model="tuned", messages=QUESTION, extra_body={"youju": {"collections": [mine.id]}}
    )
    call = site.runtime.calls[-1]
    assert (call["adapter"], call["scope"]) == ("tuned", Scope([mine.id]))


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["youju", "fake", "tuned", "hash"]
    assert client.models.retrieve("tuned").id == "tuned"
    with pytest.raises(openai.NotFoundError, match=r"use youju or fake or tuned or hash"):
        client.models.retrieve("gpt-5")


@pytest.mark.parametrize(
    "extension", [{}, {"task": "summarize"}, {"documents": [{"id": "a", "text": "Seven."}]}]
)
def test_the_embedder_does_not_chat(client: openai.OpenAI, extension: dict[str, Any]) -> None:
    assert client.models.retrieve("hash").id == "hash"
    with pytest.raises(openai.NotFoundError, match=r"use youju or fake or tuned(?! or)"):
        client.chat.completions.create(
            model="hash", messages=QUESTION, extra_body={"youju": extension} if extension else {}
        )


@pytest.mark.parametrize("form", ["float", "base64", openai.NOT_GIVEN])
def test_embeddings_are_the_documents_embeddings(client: openai.OpenAI, form: Any) -> None:
    made = client.embeddings.create(model="hash", input=["one two", "退款"], encoding_format=form)
    expected = HashEmbedder().embed_documents(["one two", "退款"])
    vectors = [d.embedding for d in made.data]
    if form == "base64":
        vectors = [np.frombuffer(__import__("base64").b64decode(v), dtype="<f4") for v in vectors]  # type: ignore[arg-type]
    np.testing.assert_allclose(vectors, expected, rtol=1e-6)
    assert made.usage.total_tokens == 3


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"input": ""}, "input"),
        ({"input": ["ok", " "]}, "empty text"),
        ({"input": []}, "input"),
        ({"input": ["x"] * 257}, "256"),
        ({"input": [1, 2]}, "token ids"),
        ({"input": [[1, 2]]}, "token ids"),
        ({"input": "word " * 65}, "limit is 64"),
        ({"input": "x", "dimensions": 3}, "dimensions"),
        ({"input": "x", "model": "fake"}, "use hash"),
    ],
)
def test_unusable_embedding_requests_say_why(caller: httpx.Client, given: dict[str, Any], says: str) -> None:
    answer = caller.post("/v1/embeddings", json={"model": "hash", **given})
    assert answer.status_code in (400, 404, 413)
    assert says in answer.json()["error"]["message"]


def test_errors_are_openais(site: Any, serve: Callable[..., Any]) -> None:
    with pytest.raises(openai.AuthenticationError, match="API key"):
        official(site, "yj-wrong").models.list()
    with pytest.raises(openai.NotFoundError, match="gpt-5"):
        official(site).chat.completions.create(model="gpt-5", messages=QUESTION)
    with pytest.raises(openai.BadRequestError, match="temperature") as refused:
        official(site).chat.completions.create(model="fake", messages=QUESTION, temperature=3)
    assert (refused.value.param, refused.value.type) == ("temperature", "invalid_request_error")


# --- what is no request -----------------------------------------------------------------------------------


def deep(levels: int) -> str:
    return '{"model": "fake", "messages": ' + "[" * levels + "]" * levels + "}"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"temperature": float("nan")}, "NaN"),
        ({"temperature": float("inf")}, "Infinity"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"temperature": "0.5"}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": 10**30}, "max_tokens"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"n": True}, "n"),
        ({"best_of": 2}, "best_of"),
        ({"stop": ["x"] * 1000}, "stop"),
        ({"stop": [""]}, "stop"),
        ({"stop": 5}, "stop"),
        ({"stream": 1}, "stream"),
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": QUESTION * 1001}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "root", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages"),
        ({"messages": [{"role": "user", "content": " \n"}]}, "messages"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": None}]}, "messages.0.content"),
        ({"messages": [None]}, "messages.0"),
        ({"messages": [*QUESTION, {"role": "assistant", "content": "x"}]}, "messages"),
        ({"chat_template": "{{ 7*7 }}"}, "chat_template"),
        ({"chat_template_kwargs": {"tokenize": True}}, "chat_template_kwargs"),
        ({"add_generation_prompt": False}, "add_generation_prompt"),
        ({"youju": {"collections": []}}, "youju.collections"),
        ({"youju": {"collections": "some"}}, "youju.collections"),
        ({"youju": {"scope": "x"}}, "youju.scope"),
        ({"youju": "all"}, "youju"),
        ({"user": "x" * 201}, "user"),
    ],
)  # fmt: skip
def test_a_field_that_cannot_be_used_is_named(
    shared: Any, caller: httpx.Client, change: dict[str, Any], field: str
) -> None:
    body = json.dumps({**ASKED, **change})
    answer = caller.post("/v1/chat/completions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert field in error["message"]
    assert len(error["message"]) < 500


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"nonsense", b"{", b"[]", b"null", b"5", b'"x"',
        b"\xff\xfe{}", b'{"model": "\xed\xa0\x80"}',
        json.dumps({**ASKED, "user": "\ud800"}).encode(),
        b'{"model": "fake", "model": "youju", "messages": []}',
        b'{"model": "fake", "messages": [{"role": "user", "role": "system", "content": "x"}]}',
        b'{"model": "fake", "max_tokens": ' + b"9" * 5000 + b', "messages": []}',
        b'{"model": "fake", "temperature": 1e999, "messages": [{"role": "user", "content": "x"}]}',
        deep(100_000).encode(), deep(500).encode(),
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_refused(caller: httpx.Client, body: bytes) -> None:
    answer = caller.post("/v1/chat/completions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_only_json_is_read(caller: httpx.Client, content_type: str) -> None:
    body = json.dumps(ASKED).encode()
    answer = caller.post("/v1/chat/completions", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "Content-Type"


def test_a_million_messages_are_refused_while_health_answers(shared: Any, caller: httpx.Client) -> None:
    body = json.dumps({**ASKED, "messages": [{"role": "user", "content": "x"}] * 90_000}).encode()
    assert len(body) < 4_000_000
    statuses: list[int] = []
    sender = threading.Thread(
        target=lambda: statuses.append(
            caller.post(
                "/v1/chat/completions", content=body, headers={"Content-Type": "application/json"}
            ).status_code
        )
    )
    sender.start()
    while sender.is_alive():
        assert httpx.get(f"{shared.url}/health", timeout=10).status_code == 200
    assert statuses == [400]
    assert caller.post("/v1/chat/completions", content=body * 30).status_code == 413


def test_jinja_is_text(site: Any, client: openai.OpenAI) -> None:
    client.chat.completions.create(
        model="fake", messages=[{"role": "user", "content": "{{ 7*7 }} {% raw %}"}]
    )
    assert site.runtime.fake.prompts[-1] == [Message("user", "{{ 7*7 }} {% raw %}")]


# --- when the model fails, waits, or nobody listens -------------------------------------------------------


def test_a_failure_before_the_first_word_is_a_503(serve: Callable[..., Any]) -> None:
    for stream in (False, True):
        site = serve(TimedGenerator(fail_at=0))
        with pytest.raises(openai.InternalServerError, match="told to fail") as failed:
            list(official(site).chat.completions.create(model="fake", messages=QUESTION, stream=stream))
        assert failed.value.status_code == 503


def test_a_failure_in_the_middle_ends_the_stream_with_an_error(serve: Callable[..., Any]) -> None:
    site = serve(TimedGenerator(("a", "b", "c"), fail_at=2))
    heard: list[str] = []
    stream = official(site).chat.completions.create(model="fake", messages=QUESTION, stream=True)
    with pytest.raises(openai.APIError, match="told to fail"):
        hear(stream, heard)
    assert "".join(heard) == "ab"


def test_a_bug_in_the_engine_says_an_id_and_no_internals(serve: Callable[..., Any]) -> None:
    site = serve(TimedGenerator(("a", "b"), die_at=1))
    key = site.key("ada")
    for stream in (True, False):
        answer = site.client(Authorization=f"Bearer {key}").post(
            "/v1/chat/completions", json={**ASKED, "stream": stream}
        )
        assert answer.status_code == (200 if stream else 500)
        assert "secret" not in answer.text
        assert "internal error" in answer.text
    assert answer.json()["error"]["type"] == "server_error"
    site.runtime.fake.die_at = None
    assert (
        official(site, key)
        .chat.completions.create(model="fake", messages=QUESTION)
        .choices[0]
        .message.content
        == "ab"
    )


def test_one_poisoned_request_harms_no_other(serve: Callable[..., Any]) -> None:
    site = serve(TimedGenerator(("w ",) * 10, delay=0.05))
    client = official(site)
    turn = site.runtime.chat_turn

    def poisoned(user: Any, request: Request, *more: Any) -> Iterator[Any]:
        if request.question == "poison":
            raise RuntimeError("poison")
        yield from turn(user, request, *more)

    site.runtime.chat_turn = poisoned
    answers: dict[int, Any] = {}

    def ask(number: int) -> None:
        words = "poison" if number == 3 else "fine"
        try:
            done = client.chat.completions.create(model="fake", messages=[{"role": "user", "content": words}])
            answers[number] = done.choices[0].message.content
        except openai.InternalServerError as error:
            answers[number] = error.status_code

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: 500 if number == 3 else "w " * 10 for number in range(8)}


def test_a_full_queue_is_429_with_a_time(serve: Callable[..., Any]) -> None:
    site = serve()

    def full(*_: Any, **__: Any) -> Iterator[Any]:
        raise QueueFullError(value=32, limit=32, retry_s=7)
        yield

    site.runtime.chat_turn = full
    client = site.client(Authorization=f"Bearer {site.key('ada')}")
    for stream in (False, True):
        answer = client.post("/v1/chat/completions", json={**ASKED, "stream": stream})
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
        assert answer.json()["error"]["type"] == "rate_limit_error"


def test_more_requests_than_threads_are_429(serve: Callable[..., Any]) -> None:
    site = serve(TimedGenerator(("w",), delay=1.5), max_queue=2)
    client = official(site)
    outcomes: list[str] = []

    def ask() -> None:
        try:
            client.chat.completions.create(model="fake", messages=QUESTION)
            outcomes.append("answered")
        except openai.RateLimitError:
            outcomes.append("refused")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["answered"] * 4 + ["refused"] * 4
    ask()
    assert outcomes[-1] == "answered"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("words_heard", [0, 1, 3])
def test_a_dropped_connection_frees_the_model(
    serve: Callable[..., Any], stream: bool, words_heard: int
) -> None:
    generator = TimedGenerator(("w ",) * 100, delay=30.0 if words_heard == 0 else 0.2)
    site = serve(generator)
    body = json.dumps({**ASKED, "stream": stream})
    headers = {"Authorization": f"Bearer {site.key('ada')}", "Content-Type": "application/json"}

    def leave() -> None:
        with (
            httpx.Client(timeout=httpx.Timeout(30, read=0.3 + 0.2 * words_heard)) as client,
            client.stream("POST", f"{site.url}/v1/chat/completions", content=body, headers=headers) as answer,
        ):
            heard = 0
            for line in answer.iter_lines():
                heard += '"content": "w' in line
                if stream and heard >= words_heard:
                    return

    with contextlib.suppress(httpx.ReadTimeout):
        leave()
    assert generator.closed.wait(5), "the model was never freed"
    assert generator.running == 0
    made = generator.made
    time.sleep(0.5)
    assert generator.made == made < 20
    assert not [thread for thread in threading.enumerate() if thread.name == "turn"]
    generator.delay = 0
    assert httpx.post(f"{site.url}/v1/chat/completions", content=body, headers=headers).status_code == 200


def test_a_decline_is_an_answer(serve: Callable[..., Any]) -> None:
    site = serve()
    declined = Answer("Not in the documents.", Finish.DECLINED, confidence=0.1)
    site.runtime.chat_turn = scripted(declined)
    client = official(site)
    whole = client.chat.completions.create(model="youju", messages=QUESTION)
    assert whole.choices[0].message.content == "Not in the documents."
    assert whole.model_extra["youju"]["declined"]  # type: ignore[index]
    assert whole.usage is not None
    assert whole.usage.total_tokens == 0
    chunks = list(client.chat.completions.create(model="youju", messages=QUESTION, stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "Not in the documents."


@pytest.mark.parametrize(
    ("pieces", "answer", "heard"),
    [
        (["Yes"], Answer("Yes\n\n(A line.)", Finish.STOP), "Yes\n\n(A line.)"),
        (["Yes [2]."], Answer("Yes [1].", Finish.STOP), "Yes [2]."),
        (["Yes, it is."], Answer("Not there.", Finish.DECLINED), "Yes, it is.\n\nNot there."),
        ([], Answer("Yes", Finish.STOP), "Yes"),
    ],
)
def test_the_pieces_of_a_stream_end_as_the_answer_does(
    serve: Callable[..., Any], pieces: list[str], answer: Answer, heard: str
) -> None:
    """A mark that moved is told beside it; words that are taken back are followed by what stands."""
    site = serve()
    site.runtime.chat_turn = scripted(*map(Delta, pieces), answer)
    chunks = official(site).chat.completions.create(model="fake", messages=QUESTION, stream=True)
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == heard


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        (Finish.LENGTH, "length"),
        (Finish.TIMEOUT, "length"),
        (Finish.STOP, "stop"),
        (Finish.CANCELLED, "stop"),
    ],
)
def test_finish_reasons_are_openais(serve: Callable[..., Any], finish: Finish, reason: str) -> None:
    site = serve()
    site.runtime.chat_turn = scripted(Answer("x", finish))
    answer = official(site).chat.completions.create(model="fake", messages=QUESTION)
    assert answer.choices[0].finish_reason == reason
    assert answer.model_extra["youju"]["finish"] == finish  # type: ignore[index]


def test_an_answer_that_broke_off_is_an_error(serve: Callable[..., Any]) -> None:
    site = serve()
    site.runtime.chat_turn = scripted(Answer("half", Finish.ERROR))
    client = official(site)
    with pytest.raises(openai.InternalServerError, match="in the middle"):
        client.chat.completions.create(model="fake", messages=QUESTION)
    heard: list[str] = []
    stream = client.chat.completions.create(model="fake", messages=QUESTION, stream=True)
    with pytest.raises(openai.APIError, match="in the middle"):
        hear(stream, heard)
    assert "half" in heard
