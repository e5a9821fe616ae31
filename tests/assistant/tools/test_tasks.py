"""Work on a named document or on the last answer."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from fakes import FakeGenerator

from assistant import prompts
from assistant.request import Request
from assistant.schema import Answer, Chunk, Hit, Message, Sampling, Status, TurnEvent, Verdict
from assistant.tools import tasks
from assistant.tools.reader import Reader
from assistant.tools.sources import Sources, Title

RULES = Title("d1", "House rules", "rules-2024.pdf")
HANDBOOK = Title("d2", "员工手册", "handbook.docx")
TERMS = Title("d3", "Terms of delivery", "terms.txt")
TITLES = [RULES, HANDBOOK, TERMS]
PAST = (Message("user", "How long do refunds take?"), Message("assistant", "Refunds take 14 days."))


def flat(questions: Sequence[str], texts: Sequence[str]) -> list[list[float]]:
    return [[0.8] * len(texts) for _ in questions]


def across(questions: Sequence[str], texts: Sequence[str]) -> list[list[float]]:
    """As an embedder that knows that the two languages' names mean the same."""
    return [[0.9 if text == "员工手册" else 0.8 for text in texts] for _ in questions]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Summarize the house rules", RULES),
        ("Give me the gist of the HOUSE RULES, please", RULES),
        ("Turn rules-2024.pdf into a checklist", RULES),
        ("What are the main points of the terms of delivery?", TERMS),
        ("总结一下员工手册", HANDBOOK),
        ("把 handbook 的要点列出来", HANDBOOK),
        ("Make it shorter", None),
        ("再短一点", None),
        ("Summarize the annual report", None),
    ],
)
def test_a_document_is_named_by_its_title_or_file(message: str, expected: Title | None) -> None:
    assert tasks.named(message, TITLES, flat) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Summarize the travel policy in three sentences", "Travel policy"),
        ("Write it shorter", None),
        ("Summarize 3. Holidays", "3. Holidays"),
        ("Summarize this in 3 sentences", None),
        ("Summarize the v1.2 rollout plan", "v1.2 Rollout plan"),
        ("总结HR", "HR"),
    ],
)
def test_a_short_title_is_not_found_inside_other_words(message: str, expected: str | None) -> None:
    names = ["HR", "IT", "3. Holidays", "A. Smith CV", "Travel policy", "v1.2 Rollout plan"]
    titles = [Title(f"d{n}", name, f"file{n}.pdf") for n, name in enumerate(names)]
    found = tasks.named(message, titles, flat)
    assert (found.title if found else None) == expected


def test_across_languages_the_nearest_title_is_meant_where_it_is_clearly_nearer() -> None:
    assert tasks.named("Summarize the staff manual", TITLES, across) == HANDBOOK
    assert tasks.named("Summarize the staff manual", TITLES, flat) is None
    assert tasks.named("Summarize the staff manual", [HANDBOOK], across) is None, "nearer than what?"
    assert tasks.named("Summarize it", [], flat) is None


PARTS = ["Refunds are paid within 14 days.", "Gift cards are not refunded.", "Dogs are not allowed."]


def perform(
    message: str,
    model: FakeGenerator,
    history: tuple[Message, ...] = (),
    parts: Sequence[str] = PARTS,
    **reader: bool,
) -> list[TurnEvent] | None:
    def passages(document_id: str) -> list[Hit]:
        assert document_id == "d1"
        return [
            Hit(Chunk("d1", 100 * n, 100 * n + len(p), p), "House rules", 0.0) for n, p in enumerate(parts)
        ]

    def search(query: str) -> Hit:
        raise AssertionError("a task is not searched for")

    sources = Sources(search, flat, lambda: TITLES, passages)  # type: ignore[arg-type]
    events = tasks.perform(Reader(model, **reader), Request(message, Sampling(), history), sources)
    return None if events is None else list(events)


def test_the_named_document_is_read_and_every_sentence_checked_against_it() -> None:
    model = FakeGenerator("Refunds are paid within 14 days. The moon is made of cheese.")
    events = perform("Summarize the house rules", model)
    assert events is not None
    assert [event.step for event in events if isinstance(event, Status) and event.step != "queued"] == [
        "writing", "writing", "checking",
    ]  # fmt: skip
    answer = events[-1]
    assert isinstance(answer, Answer)
    assert answer.text == "Refunds are paid within 14 days. [1] The moon is made of cheese."
    assert [sentence.verdict for sentence in answer.sentences] == [Verdict.SUPPORTED, Verdict.NO_SOURCE]
    (citation,) = answer.citations
    assert (citation.document_id, citation.start, citation.text) == ("d1", 0, PARTS[0])
    assert [each.chunk.text for each in answer.hits] == PARTS
    asked = model.prompts[0]
    assert asked[-1].text == "\n\n".join(PARTS) + "\n\nSummarize the house rules"
    assert asked[0].text == prompts.work("", "", "en")[0].text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_of_a_long_document_the_beginning_is_read_and_it_says_so(language: str) -> None:
    parts = [f"Part {n} is here. " + "word " * 400 for n in range(9)]
    model = FakeGenerator("Part 0 is here.")
    events = perform(
        {"en": "Summarize the house rules", "zh": "请总结一下 House rules"}[language], model, parts=parts
    )
    assert events is not None
    answer = events[-1]
    assert isinstance(answer, Answer)
    assert answer.text.endswith(prompts.CUT[language].format(read=3, count=9))
    assert "Part 2" in model.prompts[0][-1].text
    assert "Part 3" not in model.prompts[0][-1].text
    for sentence in answer.sentences:
        assert answer.text[sentence.start : sentence.end] == sentence.text


def test_without_a_name_the_last_answer_is_worked_on() -> None:
    model = FakeGenerator("14 days.")
    events = perform("Make it shorter", model, PAST)
    assert events is not None
    assert isinstance(events[-1], Answer)
    assert events[-1].text == "14 days."
    assert model.prompts[0] == [*PAST, Message("user", "Make it shorter")]


@pytest.mark.parametrize(
    ("message", "history", "writes"),
    [
        ("Make it shorter", (), True),
        ("Make it shorter", PAST[:1], True),
        ("Summarize the house rules", PAST, False),
    ],
)
def test_with_nothing_to_work_on_it_is_a_question_like_any_other(
    message: str, history: tuple[Message, ...], writes: bool
) -> None:
    assert perform(message, FakeGenerator("never"), history, writes=writes) is None
