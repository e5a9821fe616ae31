"""Our extension of the API: documents of one request, and other tasks than answering."""

from __future__ import annotations

from typing import Any

import openai
import pytest

DOCUMENT = {"id": "d1", "title": "Terms", "text": "Goods can be returned within seven days."}


@pytest.fixture
def client(site: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{site.url}/v1", api_key=site.key("ada"), max_retries=0)


def ask(client: openai.OpenAI, text: str = "How long?", **youju: Any) -> Any:
    return client.chat.completions.create(
        model="youju", messages=[{"role": "user", "content": text}], extra_body={"youju": youju}
    )


def test_documents_of_one_request_are_what_is_searched(site: Any, client: openai.OpenAI) -> None:
    assert ask(client, documents=[DOCUMENT]).model_extra["youju"]["citations"][0]["document_id"] == "d1"
    assert site.runtime.calls[-1]["scope"].given == (("d1", "Terms", DOCUMENT["text"]),)
    ask(client)
    assert site.runtime.calls[-1]["scope"].given == ()


def test_a_summary_comes_with_its_sources(site: Any, client: openai.OpenAI) -> None:
    answer = ask(client, "Leave is 24 days.", task="summarize")
    assert answer.choices[0].message.content == "Leave"
    (sentence,) = answer.model_extra["youju"]["summary"]["sentences"]
    assert sentence["sources"] == [{"start": 0, "end": 5, "score": 1.0}]
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (4, 2)
    assert site.runtime.calls[-1]["adapter"] is None
    assert site.runtime.calls[-1]["length"] == "paragraph"
    ask(client, "Leave is 24 days.", task="summarize", length="sentence")
    assert site.runtime.calls[-1]["length"] == "sentence"


def test_a_translation_comes_with_its_sentences(site: Any, client: openai.OpenAI) -> None:
    answer = ask(client, "Leave is 24 days.", task="translate", target="zh", glossary={"leave": "年假"})
    assert answer.choices[0].message.content == "译文"
    (sentence,) = answer.model_extra["youju"]["translation"]["sentences"]
    assert sentence == {
        "source": "Leave is 24 days.",
        "text": "译文",
        "doubts": [{"kind": "number", "value": "24"}],
    }
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (4, 2)
    assert (site.runtime.calls[-1]["target"], site.runtime.calls[-1]["terms"]) == ("zh", {"leave": "年假"})
    ask(client, "Leave is 24 days.", task="translate")
    assert (site.runtime.calls[-1]["target"], site.runtime.calls[-1]["terms"]) == (None, None)


@pytest.mark.parametrize(("text", "label"), [("a good day", "positive"), ("a day", "negative")])
def test_a_sentiment_comes_with_its_probabilities(client: openai.OpenAI, text: str, label: str) -> None:
    answer = ask(client, text, task="sentiment")
    found = answer.model_extra["youju"]["sentiment"]
    assert answer.choices[0].message.content == found["label"] == label
    assert found["negative"] + found["neutral"] + found["positive"] == pytest.approx(1.0)


def test_a_task_is_done_with_the_named_adapter(site: Any, client: openai.OpenAI) -> None:
    body = {"youju": {"task": "sentiment"}}
    messages: Any = [{"role": "user", "content": "a day"}]
    client.chat.completions.create(model="tuned", messages=messages, extra_body=body)
    assert site.runtime.calls[-1]["adapter"] == "tuned"


@pytest.mark.parametrize(
    ("youju", "said"),
    [
        ({"task": "sing"}, "task"),
        ({"target": "zh"}, "for the task translate"),
        ({"task": "summarize", "glossary": {"a": "b"}}, "for the task translate"),
        ({"task": "translate", "target": "fr"}, "'en' or 'zh'"),
        ({"task": "translate", "glossary": {"a": ""}}, "glossary"),
        ({"task": "translate", "glossary": {"a": 7}}, "glossary"),
        ({"task": "translate", "glossary": {str(n): "b" for n in range(501)}}, "500"),
        ({"documents": [DOCUMENT, DOCUMENT]}, "one id"),
        ({"documents": [{**DOCUMENT, "text": "  "}]}, "empty text"),
        ({"documents": [{"id": "x", "text": "a" * 100_001}]}, "100000"),
        ({"documents": [{"id": str(n), "text": "a" * 2500} for n in range(41)]}, "100000"),
        ({"documents": [{"id": str(n), "text": "a"} for n in range(51)]}, "50"),
        ({"documents": [DOCUMENT], "collections": ["x"]}, "not both"),
        ({"documents": [DOCUMENT], "task": "summarize"}, "grounded"),
        ({"task": "summarize", "length": "novel"}, "sentence"),
        ({"length": "sentence"}, "for the task summarize"),
        ({"documents": [{**DOCUMENT, "path": "/etc/passwd"}]}, "path"),
    ],
)
def test_what_cannot_be_used_is_named(client: openai.OpenAI, youju: Any, said: str) -> None:
    with pytest.raises(openai.BadRequestError, match=said):
        ask(client, **youju)


def test_a_task_that_comes_whole_is_not_streamed(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="stream"):
        client.chat.completions.create(
            model="youju",
            messages=[{"role": "user", "content": "a"}],
            stream=True,
            extra_body={"youju": {"task": "sentiment"}},
        )
