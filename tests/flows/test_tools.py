"""Each tool once on the embedded models: what it says, and that what it says is in the text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant import config, samples
from assistant.assistant import Assistant
from assistant.evidence import quantities
from assistant.request import Request
from assistant.schema import Answer, Delta, Found, Message, Summary, SummaryProgress, Verdict

pytestmark = pytest.mark.weights
HANDBOOK, TRAVEL = "employee-handbook", "差旅与报销制度"


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in samples.files() if path.suffix == ".md"}


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory, texts: dict[str, str]) -> Iterator[Assistant]:
    """Both handbooks in one collection, English and Chinese."""
    home: Path = tmp_path_factory.mktemp("tools")
    runtime = Assistant.open(config.load(home=home), exclusive=True)
    user = runtime.workspace.store.users.local()
    place = runtime.workspace.store.collections.default(user)
    for name, text in texts.items():
        runtime.workspace.library.ingest(user, place.id, f"{name}.md", text.encode())
    yield runtime
    runtime.close()


def ask(runtime: Assistant, question: str, history: tuple[Message, ...] = ()) -> Answer:
    """The answer; its citations are held against the documents that they name."""
    user = runtime.workspace.store.users.local()
    request = Request(question, runtime.models.sampling(), history)
    events = list(runtime.chat_turn(user, request))
    answer = events[-1]
    assert isinstance(answer, Answer)
    for citation in answer.citations:
        text = runtime.workspace.library.document(user, citation.document_id).text
        assert text[citation.start : citation.end] == citation.text
    if not answer.declined:
        kinds = [type(event) for event in events]
        assert kinds.index(Found) < kinds.index(Delta)
    return answer


@pytest.mark.parametrize(
    ("question", "fact", "document"),
    [
        ("How many days of paid annual leave does an employee have?", "24", "Employee Handbook"),
        ("在上海出差，住宿每晚最多报销多少钱？", "650 元", TRAVEL),
    ],
)
def test_an_answer_holds_the_fact_and_its_source_holds_it_too(
    runtime: Assistant, question: str, fact: str, document: str
) -> None:
    answer = ask(runtime, question)
    assert not answer.declined
    assert fact in answer.text
    assert any(fact in citation.text and document in citation.title for citation in answer.citations)
    assert {sentence.verdict for sentence in answer.sentences} <= {Verdict.SUPPORTED, Verdict.PARTLY}


def test_a_chinese_question_is_answered_in_the_documents_words(
    runtime: Assistant, texts: dict[str, str]
) -> None:
    answer = ask(runtime, "报销单要在多少天内提交？")
    assert answer.quoted
    assert "30 天" in answer.text
    assert answer.citations[0].text in texts[TRAVEL]


@pytest.mark.parametrize(
    "question", ["Which football team won the league in 1998?", "珠穆朗玛峰有多高？", "怎么做红烧肉？"]
)
def test_what_the_documents_do_not_say_is_declined(runtime: Assistant, question: str) -> None:
    answer = ask(runtime, question)
    assert answer.declined
    assert answer.tokens == 0
    assert answer.hits


def test_a_follow_up_is_understood(runtime: Assistant) -> None:
    history = (
        Message("user", "How long is the probation period?"),
        Message("assistant", "The probation period is three months."),
    )
    answer = ask(runtime, "And the notice period after it?", history)
    assert "two months" in answer.text


def test_a_summary_makes_no_number_up_and_names_its_sources(
    runtime: Assistant, texts: dict[str, str]
) -> None:
    text = texts[HANDBOOK]
    events = list(runtime.summarize(runtime.workspace.store.users.local(), text))
    summary = events[-1]
    assert isinstance(summary, Summary)
    assert isinstance(events[0], SummaryProgress)
    assert 3 <= len(summary.sentences) <= 5
    known, _ = quantities.read(text)
    for sentence in summary.sentences:
        assert sentence.sources
        assert sentence.verdict in {Verdict.SUPPORTED, Verdict.PARTLY}
        for number in quantities.read(sentence.text)[0]:
            assert any(number.agrees(other) for other in known), sentence.text


def test_sentiment_tells_good_from_bad_and_says_so_when_it_cannot(runtime: Assistant) -> None:
    reviews = (
        "A wonderful, moving film with brilliant performances.",
        "A dull, badly acted film that wastes two hours of your life.",
        "快递今天到了，是放在门口的。",
    )
    good, bad, unclear = runtime.sentiment(runtime.workspace.store.users.local(), reviews)
    assert (good.label, good.unsure) == ("positive", False)
    assert (bad.label, bad.unsure) == ("negative", False)
    assert unclear.unsure or unclear.label == "neutral"
