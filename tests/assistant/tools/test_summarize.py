"""Summaries of any length."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from fakes import FakeGenerator
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.errors import (
    BadRequestError,
    ContextOverflowError,
    DeadlineError,
    EmptyInputError,
    EngineError,
    SummaryRoundsError,
)
from assistant.schema import Delta, Finish, Message, Summary, SummaryProgress, Verdict
from assistant.tools.cutting import pieces
from assistant.tools.reader import Reader
from assistant.tools.summarize import as_long_as, summarize

NAMES = [
    "Alder",
    "Birch",
    "Cedar",
    "Dogwood",
    "Elm",
    "Fir",
    "Gum",
    "Hazel",
    "Ivy",
    "Juniper",
    "Larch",
    "Maple",
    "Oak",
    "Pine",
]
FACTS = [
    f"The {name} station opened in {1900 + 3 * i} and serves {10 + i} thousand passengers a day."
    for i, name in enumerate(NAMES)
]
TEXT = "\n\n".join(FACTS)
ZH = "公司成立于1998年，总部位于杭州。公司去年的收入为三百万元，比前年增长了百分之二十。公司的主要产品是工业机器人，销往三十个国家。"


def last(events: Sequence[object]) -> Summary:
    assert isinstance(events[-1], Summary)
    return events[-1]


def first_sentence(messages: Sequence[Message]) -> str:
    """Summarize as an honest but dull model does: repeat the first sentence."""
    return re.split(r"(?<=\.)\s", messages[-1].text.strip())[0]


def test_a_short_text_takes_one_call_and_links_each_sentence() -> None:
    reply = "The Alder station opened in 1900. The Birch station opened in 1903. The Cedar station opened in 1906."
    model = FakeGenerator(reply, window=4096)
    summary = last(list(summarize(TEXT, Reader(model))))
    assert len(model.prompts) == 1
    assert (summary.pieces, summary.rounds, summary.text) == (1, 1, reply)
    for sentence, fact in zip(summary.sentences, FACTS, strict=False):
        best = sentence.sources[0]
        assert TEXT[best.start : best.end] == fact
        assert sentence.verdict is Verdict.SUPPORTED


@pytest.mark.parametrize(("finish", "error"), [(Finish.ERROR, EngineError), (Finish.TIMEOUT, DeadlineError)])
@pytest.mark.parametrize("window", [400, 4096])
def test_half_written_notes_are_an_error(
    finish: Finish, error: type[Exception], window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = FakeGenerator(first_sentence, window=window)
    stream = model.stream

    def broken(*args: Any, **options: Any) -> Iterator[Delta]:
        yield from (replace(delta, finish=delta.finish and finish) for delta in stream(*args, **options))

    monkeypatch.setattr(model, "stream", broken)
    with pytest.raises(error, match=r"middle|whole answer"):
        list(summarize(TEXT, Reader(model)))


def test_a_summary_is_asked_for_as_long_as_those_it_is_held_against() -> None:
    assert as_long_as(["One sentence."]) == "sentence"
    assert as_long_as(["标题没有句号"]) == "sentence"
    assert as_long_as(["One. Two.", "One."]) == "paragraph"
    assert as_long_as(["One. " * 7]) == "page"
    assert as_long_as(["One. " * 70]) == "page"


def test_a_long_text_is_read_piece_by_piece_each_once() -> None:
    model = FakeGenerator(first_sentence, window=400)
    events = list(summarize(TEXT * 4, Reader(model), length="sentence"))
    summary = last(events)
    assert summary.pieces > 1
    assert summary.rounds > 1
    read = "".join(messages[-1].text for messages in model.prompts[: summary.pieces])
    assert all(read.count(fact) == 4 for fact in FACTS)
    progress = [event for event in events if isinstance(event, SummaryProgress) and event.round == 1]
    assert [event.done for event in progress] == list(range(summary.pieces + 1))
    assert {event.total for event in progress} == {summary.pieces}


def test_an_invented_number_never_reaches_the_reader() -> None:
    model = FakeGenerator("The Alder station opened in 1777. The Birch station opened in 1903.", window=4096)
    summary = last(list(summarize(TEXT, Reader(model))))
    assert "1777" not in summary.text
    assert len(summary.sentences) >= 3
    for sentence in summary.sentences:
        assert sentence.verdict in {Verdict.SUPPORTED, Verdict.PARTLY}
        if sentence.quoted:
            assert sentence.text in FACTS


def test_a_language_the_model_does_not_write_is_extracted() -> None:
    model = FakeGenerator("never")
    summary = last(list(summarize(ZH, Reader(model, languages=("en",)), length="sentence")))
    assert model.prompts == []
    assert summary.text in ZH
    assert all(sentence.quoted for sentence in summary.sentences)
    (source,) = summary.sentences[0].sources
    assert ZH[source.start : source.end] == summary.text


def test_bullets() -> None:
    model = FakeGenerator(
        "- The Alder station opened in 1900.\n- The Birch station opened in 1903.", window=4096
    )
    summary = last(list(summarize(TEXT, Reader(model), form="bullets")))
    assert all(line.startswith("- ") for line in summary.text.splitlines())
    assert len(summary.text.splitlines()) == len(summary.sentences)


@pytest.mark.parametrize("text", ["", "  \n "])
def test_nothing_to_summarize(text: str) -> None:
    with pytest.raises(EmptyInputError):
        list(summarize(text, Reader(FakeGenerator("x"))))


@pytest.mark.parametrize("options", [{"length": "novel"}, {"form": "poem"}])
def test_unknown_options_are_named(options: dict[str, str]) -> None:
    with pytest.raises(BadRequestError, match="use one of"):
        list(summarize("Some text.", Reader(FakeGenerator("x")), **options))  # type: ignore[arg-type]


def test_it_counts_what_was_read_and_written_in_all_rounds() -> None:
    model = FakeGenerator(first_sentence, window=400)
    summary = last(list(summarize(TEXT * 2, Reader(model))))
    assert summary.rounds > 1
    assert summary.prompt_tokens == sum(map(model.count, model.prompts))
    assert summary.tokens == sum(len(first_sentence(messages).split()) for messages in model.prompts)


def test_a_window_too_small_for_any_piece() -> None:
    with pytest.raises(ContextOverflowError):
        list(summarize(TEXT, Reader(FakeGenerator("x", window=80))))


def test_a_model_that_repeats_its_text_is_stopped() -> None:
    model = FakeGenerator(lambda messages: messages[-1].text, window=400)
    with pytest.raises(SummaryRoundsError, match="rounds"):
        list(summarize(TEXT * 6, Reader(model)))


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab 。.\n!甲乙", max_size=200), st.integers(2, 30))
def test_cutting_loses_nothing_and_fits(text: str, limit: int) -> None:
    spans = pieces(text, len, limit)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(end - start <= limit for start, end in spans)
