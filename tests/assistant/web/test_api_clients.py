"""What ordinary clients send besides the question: taken where it asks for nothing, refused by name elsewhere."""

from __future__ import annotations

from typing import Any

import httpx
import openai
import pytest
from fakes import TimedGenerator

from assistant.schema import Message

QUESTION: Any = [{"role": "user", "content": "How long?"}]
NULLED = [
    "audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs", "max_completion_tokens",
    "max_tokens", "metadata", "modalities", "n", "parallel_tool_calls", "prediction", "presence_penalty",
    "prompt_cache_key", "prompt_cache_retention", "reasoning_effort", "response_format", "safety_identifier", "seed",
    "service_tier", "stop", "store", "stream", "stream_options", "temperature", "tool_choice", "tools",
    "top_logprobs", "top_p", "user", "verbosity", "web_search_options", "youju",
]  # fmt: skip


@pytest.fixture(scope="module")
def client(shared: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{shared.url}/v1", api_key=shared.key("ada"), max_retries=0)


@pytest.fixture(scope="module")
def caller(shared: Any) -> httpx.Client:
    return httpx.Client(base_url=shared.url, headers={"Authorization": f"Bearer {shared.key('ada')}"})


def ask(client: openai.OpenAI, messages: Any = QUESTION, **fields: Any) -> Any:
    return client.chat.completions.create(model="fake", messages=messages, extra_body=fields)


@pytest.mark.parametrize(
    "harmless",
    [
        {"n": 1, "frequency_penalty": 0, "presence_penalty": 0.0, "logit_bias": {}},
        {"stream": False, "stream_options": {"include_usage": True, "include_obfuscation": False}},
        {"response_format": {"type": "text"}, "modalities": ["text"], "verbosity": "medium"},
        {"logprobs": False, "top_logprobs": 0},
        {"tools": [], "tool_choice": "none", "parallel_tool_calls": True},
        {"tool_choice": "auto", "functions": [], "function_call": "auto"},
        {"user": "u1", "safety_identifier": "s1", "metadata": {"chat_id": "c1"}, "store": True},
        {"service_tier": "default", "reasoning_effort": "low", "prompt_cache_key": "k", "prompt_cache_retention": "24h"},
        {"prediction": {"type": "content", "content": "Seven days."}},
        dict.fromkeys(NULLED),
    ],
)  # fmt: skip
def test_what_asks_for_nothing_changes_nothing(
    shared: Any, caller: httpx.Client, harmless: dict[str, Any]
) -> None:
    answer = caller.post(
        "/v1/chat/completions", json={"model": "fake", "messages": QUESTION, "temperature": 0.5, **harmless}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "Seven days."
    sampling = shared.runtime.fake.samplings[-1]
    assert sampling == shared.runtime.models.sampling(temperature=sampling.temperature)
    assert sampling.temperature == (0.0 if "temperature" in harmless else 0.5)


@pytest.mark.parametrize(
    ("change", "field", "way_out"),
    [
        ({"n": 2}, "n", "ask again"),
        ({"frequency_penalty": 0.5}, "frequency_penalty", "send 0"),
        ({"presence_penalty": -1}, "presence_penalty", "send 0"),
        ({"logit_bias": {"1": 1}}, "logit_bias", "leave it out"),
        ({"logprobs": True}, "logprobs", "youju.confidence"),
        ({"top_logprobs": 3}, "top_logprobs", "youju.confidence"),
        ({"response_format": {"type": "json_object"}}, "response_format", "ask for JSON in the message"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}}, "response_format", "in the message"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools", "documents are searched"),
        ({"functions": [{"name": "f"}]}, "functions", "documents are searched"),
        ({"tool_choice": "required"}, "tool_choice", "none"),
        ({"function_call": {"name": "f"}}, "function_call", "none"),
        ({"modalities": ["text", "audio"]}, "modalities", "only text"),
        ({"audio": {"voice": "alloy", "format": "wav"}}, "audio", "only text"),
        ({"web_search_options": {}}, "web_search_options", "youju.documents"),
        ({"verbosity": "low"}, "verbosity", "max_tokens"),
        ({"chat_template_kwargs": {}}, "chat_template_kwargs", "leave it out"),
    ],
)  # fmt: skip
def test_what_asks_for_another_result_is_refused_with_the_way_out(
    client: openai.OpenAI, change: dict[str, Any], field: str, way_out: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=way_out) as refused:
        ask(client, **change)
    assert refused.value.param == field
    assert "Value error" not in refused.value.message


HEARD = Message("assistant", "Seven days.")


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ({"role": "assistant", "content": "Seven days.", "refusal": None}, HEARD),
        ({"role": "assistant", "content": "Seven days.", "annotations": [], "audio": None}, HEARD),
        ({"role": "assistant", "content": "Seven days.", "function_call": None, "tool_calls": None}, HEARD),
        ({"role": "assistant", "content": "Seven days.", "tool_calls": [], "youju": {"declined": False}}, HEARD),
        ({"role": "assistant", "content": None, "refusal": "No."}, Message("assistant", "No.")),
        ({"role": "assistant", "content": None}, Message("assistant", "")),
        ({"role": "user", "name": "ada", "content": "Hi"}, Message("user", "Hi")),
        ({"role": "user", "id": 7, "metadata": {"seen": True}, "content": "Hi"}, Message("user", "Hi")),
        ({"role": "assistant", "content": "Seven days.", "reasoning_content": "Hm."}, HEARD),
        (
            {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]},
            Message("user", "a"),
        ),
        (
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            Message("user", "a\nb"),
        ),
    ],
)  # fmt: skip
def test_messages_are_read_as_clients_keep_them(
    shared: Any, client: openai.OpenAI, said: Any, heard: Message
) -> None:
    ask(client, [said, *QUESTION])
    assert shared.runtime.fake.prompts[-1] == [heard, Message("user", "How long?")]


def test_instructions_come_under_either_name(shared: Any, client: openai.OpenAI) -> None:
    ask(client, [{"role": "developer", "content": "Be brief."}, *QUESTION])
    assert shared.runtime.calls[-1]["request"].system == "Be brief."


def test_our_own_message_goes_back_whole(shared: Any, client: openai.OpenAI) -> None:
    ours = ask(client, youju={}).choices[0].message
    ask(client, [*QUESTION, ours, {"role": "user", "content": "Really?"}])
    ask(client, [*QUESTION, ours.model_dump(), {"role": "user", "content": "Really?"}])
    assert shared.runtime.fake.prompts[-1] == shared.runtime.fake.prompts[-2]
    assert shared.runtime.fake.prompts[-1][1] == HEARD


@pytest.mark.parametrize(
    ("said", "field", "way_out"),
    [
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]},
            "messages.0.content.0.type",
            "pictures",
        ),
        ({"role": "user", "content": "What is it?", "images": ["data:,"]}, "messages.0.images", "pictures"),
        ({"role": "tool", "content": "7", "tool_call_id": "1"}, "messages.0.role", "as the user's words"),
        (
            {"role": "assistant", "tool_calls": [{"id": "1", "type": "function"}]},
            "messages.0.tool_calls",
            "functions are not called",
        ),
        ({"role": "user", "content": None}, "messages.0.content", "send a text"),
    ],
)
def test_messages_that_cannot_be_read_say_why(
    client: openai.OpenAI, said: Any, field: str, way_out: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=way_out) as refused:
        ask(client, [said, *QUESTION])
    assert refused.value.param == field


# --- how much was read, and how much may be written -------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "asked", "used"),
    [
        ("fake", {"max_tokens": 100_000}, 510),
        ("fake", {"max_completion_tokens": 511}, 510),
        ("fake", {"max_tokens": 510}, None),
        ("youju", {"max_tokens": 100_000}, 256),
        ("youju", {"max_tokens": 200}, None),
        ("youju", {}, None),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_a_longer_answer_than_fits_is_cut_and_said(
    shared: Any, client: openai.OpenAI, model: str, asked: Any, used: int | None, stream: bool
) -> None:
    """The fake's window is 512 tokens, the question two; half the window is for passages."""
    reply: Any = client.chat.completions.create(model=model, messages=QUESTION, stream=stream, **asked)
    extension = (list(reply)[-1] if stream else reply).model_extra["youju"]
    wanted = next(iter(asked.values()), shared.runtime.settings.max_new_tokens)
    assert shared.runtime.fake.samplings[-1].max_new_tokens == (used or wanted)
    assert extension.get("max_tokens") == ({"asked": wanted, "used": used} if used else None)


def test_an_answer_keeps_its_usual_length_beside_a_long_conversation(
    shared: Any, client: openai.OpenAI
) -> None:
    long: Any = [{"role": "user", "content": "word " * 500}, {"role": "assistant", "content": "Yes."}]
    ask(client, [*long, *QUESTION], max_tokens=5_000)
    assert shared.runtime.fake.samplings[-1].max_new_tokens == shared.runtime.settings.max_new_tokens


def test_usage_counts_what_the_model_read(serve: Any) -> None:
    site = serve(TimedGenerator())
    client = openai.OpenAI(base_url=f"{site.url}/v1", api_key=site.key("ada"), max_retries=0)
    site.runtime.fake.count = lambda messages: 700
    whole = client.chat.completions.create(model="youju", messages=QUESTION)
    assert whole.usage is not None
    assert (whole.usage.prompt_tokens, whole.usage.total_tokens) == (700, 702)
    *_, last = client.chat.completions.create(
        model="youju", messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    assert last.usage is not None
    assert last.usage.prompt_tokens == 700
