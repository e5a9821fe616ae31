"""The command line from an empty folder to an answer, on the embedded models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assistant import config, samples
from assistant.assistant import Assistant
from assistant.commands.app import run

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the sample collection."""
    home = tmp_path_factory.mktemp("terminal")
    assert run(["ingest", *map(str, samples.files()), "-c", "Lanhu", "--home", str(home)]) == 0
    return home


@pytest.fixture
def say(home: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def command(*arguments: str) -> Any:
        assert run([*arguments, "--home", str(home), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return command


def test_each_question_finds_its_file(home: Path) -> None:
    runtime = Assistant.open(config.load(home=home))
    user = runtime.workspace.store.users.local()
    missed = []
    for question in samples.questions():
        if question.file:
            hits = runtime.workspace.library.search(user, question.question, k=3).hits
            if not any(question.answer in (hit.context or hit.chunk.text) for hit in hits):
                missed.append(question.question)
    runtime.close()
    assert missed == []


@pytest.mark.parametrize(
    ("question", "answer", "document"),
    [
        ("How many days of paid annual leave does an employee have?", "24", "Employee Handbook"),
        ("在上海出差，住宿每晚最多报销多少钱？", "650", "差旅与报销制度"),
    ],
)
def test_ask_answers_in_both_languages_and_cites(say: Any, question: str, answer: str, document: str) -> None:
    said = say("ask", question)
    assert said["declined"] is False
    assert answer in said["text"]
    assert any(document in c["document"] and answer in c["text"] for c in said["citations"]), said[
        "citations"
    ]


@pytest.mark.parametrize("question", ["Which football team won the league in 1998?", "珠穆朗玛峰有多高？"])
def test_ask_declines_what_the_documents_do_not_say(say: Any, question: str) -> None:
    assert say("ask", question)["declined"] is True


def test_search_shows_both_stages(say: Any) -> None:
    hits = say("search", "退款几个工作日内到账？")["hits"]
    assert any("3 个工作日内原路返回" in hit["context"] for hit in hits[:3])
    assert any(hit["dense"] for hit in hits)
    assert any(hit["lexical"] for hit in hits)


def test_summarize_and_sentiment(say: Any) -> None:
    handbook = next(path for path in samples.files() if path.stem == "employee-handbook")
    said = say("summarize", str(handbook), "--length", "sentence")
    assert said["text"]
    assert said["sentences"][0]["sources"]
    judged = say("sentiment", "What a wonderful, moving film. I loved every minute.")
    assert judged["label"] == "positive"
    assert sum(judged[label] for label in ("negative", "neutral", "positive")) == pytest.approx(1)
