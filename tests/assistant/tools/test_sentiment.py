"""Sentiment from likelihoods."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from fakes import FakeGenerator

from assistant.errors import BadRequestError, EmptyInputError
from assistant.schema import Message, Sentiment, SentimentRow
from assistant.tools import sentiment, table, wording

GOOD = {"great", "wonderful", "love", "best", "delicious", "perfectly", "好", "棒", "满意", "精彩"}
BAD = {"bad", "awful", "hate", "worst", "boring", "rude", "差", "失望", "无聊"}


def likelihood(messages: Sequence[Message], reply: str) -> float:
    """A model that knows some words, and says "positive" whatever it reads: that is its prior."""
    text = messages[-1].text.lower()
    lean = sum(word in text for word in GOOD) - sum(word in text for word in BAD)
    return {"negative": -lean, "neutral": -1.0, "positive": lean + 6.0}[reply.split()[-1]]


def model() -> FakeGenerator:
    return FakeGenerator(scores=likelihood)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("A great, wonderful film, the best.", "positive"),
        ("An awful, boring film, the worst.", "negative"),
        ("很精彩，很满意，棒。", "positive"),
        ("太差了，很失望，很无聊。", "negative"),
    ],
)
def test_the_prior_is_taken_out(text: str, label: str) -> None:
    found = sentiment.judge(text, model())
    assert found.label == label
    assert found.negative + found.neutral + found.positive == pytest.approx(1.0)


def test_without_leaning_it_is_unsure_or_neutral() -> None:
    found = sentiment.judge("The train leaves at nine.", model())
    assert found.unsure or found.label == "neutral"


def test_reasons_name_the_words_that_count() -> None:
    text = "A great film, but awful seats."
    found = sentiment.judge(text, model(), explain=True)
    assert "".join(word for word, _ in found.words) == text
    weights = {word: weight for word, weight in found.words if weight}
    assert weights.keys() == {"great", "awful"}
    assert weights["great"] > 0 > weights["awful"]


def test_a_long_text_is_judged_in_pieces_by_their_tokens() -> None:
    fake = model()
    sentiment.judge("x", fake)
    fake.prompts.clear()
    text = "A great wonderful day, the best, I love it. " * 90 + "Awful. "
    found = sentiment.judge(text, fake)
    assert len(fake.prompts) > 1
    assert found.label == "positive"


@pytest.mark.parametrize("text", ["", "   ", "?!…", "。"])
def test_nothing_to_judge(text: str) -> None:
    with pytest.raises(EmptyInputError):
        sentiment.judge(text, model())


def test_a_bad_row_does_not_stop_the_table() -> None:
    rows = list(sentiment.judge_rows(["great", "", "awful"], model()))
    assert [row.row for row in rows] == [1, 2, 3]
    assert [row.sentiment is None for row in rows] == [False, True, False]
    assert "empty" in rows[1].error


def test_the_scale_is_read_once_for_a_model() -> None:
    fake = model()
    sentiment.judge("great", fake)
    first = len(fake.prompts)
    sentiment.judge("awful", fake)
    assert len(fake.prompts) == first + len(fake.prompts[-1:]) * 3 or len(fake.prompts) - first <= 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables_are_read(encoding: str, separator: str) -> None:
    data = f'id{separator}评论\n1{separator}"很好{separator} 真的"\n2{separator}差\n'.encode(encoding)
    assert table.column(table.read(data), "评论") == [f"很好{separator} 真的", "差"]


@pytest.mark.parametrize("data", [b"", b"\n", b"text\n"])
def test_a_table_without_rows(data: bytes) -> None:
    with pytest.raises(EmptyInputError):
        table.read(data)


def test_an_unknown_column_names_those_there_are() -> None:
    with pytest.raises(BadRequestError, match="id, text"):
        table.column(table.read(b"id,text\n1,a\n"), "review")


def test_the_download_cannot_run_formulas() -> None:
    rows = table.read(b"text\n=1+1\n")
    judged = [SentimentRow(1, "=1+1", Sentiment(0.1, 0.2, 0.7, False))]
    lines = table.write(judged, rows).decode("utf-8-sig").splitlines()
    assert lines == [
        "text,label,negative,neutral,positive,unsure,error",
        "'=1+1,positive,0.1000,0.2000,0.7000,no,",
    ]


def test_long_texts_are_weighed_in_runs() -> None:
    text = " ".join(f"w{i}" for i in range(200))
    spans = list(wording.parts(text))
    assert "".join(text[start:end] for start, end, _ in spans) == text
    assert sum(is_word for _, _, is_word in spans) <= 60
