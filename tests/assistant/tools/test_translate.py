"""Translation: its checks, its second tries, and what it says where they fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from fakes import FakeGenerator

from assistant.errors import (
    BadRequestError,
    ContextOverflowError,
    EmptyInputError,
    QueueFullError,
    TooLargeError,
)
from assistant.schema import Delta, Doubt, Message, Translation, TranslationProgress
from assistant.tools import glossary, lanes
from assistant.tools import translate as translate_module
from assistant.tools.glossary import Glossary
from assistant.tools.translate import CHARACTERS, LANES, translate

EN = "Leave is 24 days. It ends in March."


def by_sentence(**known: str) -> Any:
    """A model that translates the sentences it knows, by their first word."""
    return lambda messages: known[messages[-1].text.rpartition("\n\n")[2].split()[0].strip(".*`[")]


def done(text: str, model: FakeGenerator, **options: Any) -> Translation:
    *_, last = translate(text, model, **options)
    assert isinstance(last, Translation)
    return last


def test_sentences_stand_side_by_side() -> None:
    model = FakeGenerator("年假为 24 天。", "它在三月结束。")
    found = done(EN, model)
    assert found.text == "年假为 24 天。它在三月结束。"
    assert [(one.source, one.text) for one in found.sentences] == [
        ("Leave is 24 days.", "年假为 24 天。"),
        ("It ends in March.", "它在三月结束。"),
    ]
    assert (found.target, found.doubtful) == ("zh", ())
    assert model.prompts[1][-2] == Message("assistant", "年假为 24 天。")


def test_chinese_becomes_english_with_blanks_between_sentences() -> None:
    model = FakeGenerator("Leave is 24 days.", "It ends in March.")
    assert done("年假为 24 天。它在三月结束。", model).text == EN


def test_progress_tells_each_sentence_and_the_line_shows_life() -> None:
    events = list(translate(EN, FakeGenerator("年假为 24 天。", "它在三月结束。")))
    progress = [event for event in events if isinstance(event, TranslationProgress)]
    assert [(event.done, event.total) for event in progress] == [(0, 2), (1, 2), (2, 2)]
    assert progress[1].last is not None
    assert progress[1].last.source == "Leave is 24 days."
    beats = [event for event in events if isinstance(event, Delta)]
    assert {beat.text for beat in beats} == {""}
    assert any(beat.queue_position for beat in beats)


@pytest.mark.parametrize(
    ("first", "second", "text", "doubts"),
    [
        ("年假为 42 天。", "年假为 24 天。", "年假为 24 天。", ()),
        ("年假为 42 天。", "年假很长。", "年假很长。", (Doubt("number", "24"),)),
        (
            "年假为 24 天，共 3 次。",
            "年假为 24 天，共 3 次。",
            "年假为 24 天，共 3 次。",
            (Doubt("added", "3"),),
        ),
        ("", "年假为 24 天。", "年假为 24 天。", ()),
        ("", "", "Leave is 24 days.", (Doubt("kept"),)),
        ("Leave is 24 days.", "El permiso es de 24 días.", "Leave is 24 days.", (Doubt("kept"),)),
        ("“年假为 24 天。”", "never", "年假为 24 天。", ()),
        ("年假为 24 天。\n\nNote: I kept the number.", "never", "年假为 24 天。", ()),
    ],
)
def test_a_sentence_is_tried_twice_and_what_fails_is_told(
    first: str, second: str, text: str, doubts: Sequence[Doubt]
) -> None:
    model = FakeGenerator(first, second)
    found = done("Leave is 24 days.", model)
    assert (found.text, found.sentences[0].doubts) == (text, doubts)
    assert len(model.prompts) == (1 if second == "never" else 2)


def test_the_second_try_names_the_number() -> None:
    model = FakeGenerator("年假为 42 天。", "年假为 24 天。")
    done("Leave is 24 days.", model)
    assert "24" in model.prompts[1][-1].text.partition("\n\n")[0]


def test_much_that_is_left_out_is_told() -> None:
    long = "The office is open on every working day of the week from early in the morning until late in the evening."
    assert done(long, FakeGenerator("办公室开着。")).sentences[0].doubts == (Doubt("short"),)


@pytest.mark.parametrize(
    ("terms", "doubts"),
    [
        ({}, (Doubt("mixed"),)),
        ({"房补": "房补"}, ()),
        ({"房补": "housing aid"}, (Doubt("term", "housing aid"), Doubt("mixed"))),
    ],
)
def test_chinese_left_in_the_english_is_told_unless_the_glossary_wants_it(terms: Any, doubts: Any) -> None:
    found = done("员工可以领取房补。", FakeGenerator("Employees may receive 房补."), terms=terms)
    assert found.sentences[0].doubts == doubts


def test_a_reply_that_runs_on_is_not_taken() -> None:
    class Endless(FakeGenerator):
        def stream(self, *given: Any, **options: Any) -> Any:
            for delta in super().stream(*given, **options):
                yield delta if delta.finish is None else Delta("", finish="length", tokens=9)  # type: ignore[arg-type]

    found = done("Leave is long.", Endless("年假很长年假很长"))
    assert (found.text, found.sentences[0].doubts) == ("Leave is long.", (Doubt("kept"),))


TERMS = {"reader": "阅读模型", "index": "索引"}


@pytest.mark.parametrize(
    ("first", "second", "doubts"),
    [
        ("阅读模型很快。", "never", ()),
        ("读者很快。", "阅读模型很快。", ()),
        ("读者很快。", "读者快。", (Doubt("term", "阅读模型"),)),
    ],
)
def test_terms_of_the_glossary_are_kept_or_told(first: str, second: str, doubts: Sequence[Doubt]) -> None:
    model = FakeGenerator(first, second)
    found = done("The readers are fast.", model, terms=TERMS)
    assert found.sentences[0].doubts == doubts
    assert "阅读模型" in model.prompts[0][-1].text
    assert "索引" not in model.prompts[0][-1].text
    if second != "never":
        assert model.prompts[1][-1].text.endswith("The 阅读模型 are fast.")


def test_one_glossary_serves_both_directions() -> None:
    model = FakeGenerator("The reader is fast.")
    assert done("阅读模型很快。", model, terms=TERMS).doubtful == ()
    assert "“阅读模型” as “reader”" in model.prompts[0][-1].text


def test_a_term_within_a_longer_one_is_not_asked_for() -> None:
    known = Glossary.towards("zh", {"board": "董事会", "main board": "主板"})
    assert known.within("The main board is new.") == {"main board": "主板"}
    assert known.within("The Boards met.") == {"board": "董事会"}
    assert known.within("The boarding pass") == {}


MARKDOWN = "# Leave\n\n- Run `leave` in [the app](https://a.b/c)\n\n```\ncode stays\n```\n\n| Days |\n|---|\n| 24 |\n"


def test_markdown_comes_out_as_it_went_in() -> None:
    model = FakeGenerator(by_sentence(Leave="假期", Run="在[应用](https://a.b/c)中运行 `leave`", Days="天数"))
    assert done(MARKDOWN, model).text == (
        "# 假期\n\n- 在[应用](https://a.b/c)中运行 `leave`\n\n```\ncode stays\n```\n\n| 天数 |\n|---|\n| 24 |\n"
    )


def test_marks_that_were_changed_are_put_back() -> None:
    lost = by_sentence(Leave="假期", Run="运行", Days="天数", **{"in": "在", "the": "应用"})
    found = done(MARKDOWN, FakeGenerator(lost))
    assert "- 运行 `leave` 在 [应用](https://a.b/c)\n" in found.text
    assert found.doubtful == ()


def test_what_repeats_is_translated_once() -> None:
    model = FakeGenerator("是")
    assert (
        done("| Yes | Yes |\n|---|---|\n| Yes | Yes |\n", model).text
        == "| 是 | 是 |\n|---|---|\n| 是 | 是 |\n"
    )
    assert len(model.prompts) == 1


def test_what_is_in_the_target_language_already_is_left_alone() -> None:
    model = FakeGenerator("你好。")
    assert done("Hello.\n\n再见。", model, target="zh").text == "你好。\n\n再见。"
    assert len(model.prompts) == 1


def test_paragraphs_are_worked_on_side_by_side_and_stand_in_order() -> None:
    letters = "ABCDE"
    model = FakeGenerator(by_sentence(**{letter: f"{letter} 是字母。" for letter in letters}))
    events = list(translate("\n\n".join(f"{letter} is a letter." for letter in letters), model))
    assert isinstance(events[-1], Translation)
    assert events[-1].text == "\n\n".join(f"{letter} 是字母。" for letter in letters)
    places = [event.place for event in events if isinstance(event, TranslationProgress) and event.last]
    assert sorted(places) == list(range(5))
    first = next(n for n, event in enumerate(events) if isinstance(event, TranslationProgress) and event.last)
    begun = sum(isinstance(event, Delta) and event.queue_position == 1 for event in events[:first])
    assert begun == LANES


def test_a_reader_who_leaves_frees_the_model() -> None:
    model = FakeGenerator("是字母。")
    events = translate("A is.\n\nB is.\n\nC is.", model)
    for _ in range(5):
        next(events)
    events.close()  # type: ignore[attr-defined]
    assert model.closed == LANES


class Full(FakeGenerator):
    """Replies, with a line that is full at some calls: those from ``first`` on, ``times`` of them."""

    def __init__(self, first: int, times: int, *replies: str) -> None:
        super().__init__(*replies)
        self.full, self.calls = range(first, first + times), 0

    def stream(self, *args: Any, **options: Any) -> Iterator[Delta]:
        self.calls += 1
        if self.calls in self.full:
            raise QueueFullError(value=33, limit=32, retry_s=5)
        yield from super().stream(*args, **options)


def test_a_full_line_in_the_middle_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "HEARTBEAT_S", 0)
    model = Full(2, 3, "年假为 24 天。", "它在三月结束。")
    assert done(EN, model).text == "年假为 24 天。它在三月结束。"
    assert model.calls == 5
    monkeypatch.setattr(translate_module, "_WAIT_S", 0.1)
    with pytest.raises(QueueFullError):
        done(EN, Full(2, 10**9, "年假为 24 天。"))


def test_a_line_that_is_full_at_the_start_is_told_at_once() -> None:
    model = Full(1, 1, "never")
    with pytest.raises(QueueFullError):
        done(EN, model)
    assert model.calls == 1


def test_a_sentence_longer_than_a_call_is_cut() -> None:
    model = FakeGenerator("一二三四五六七八九十甲乙丙丁。", window=320)
    found = done("word " * 100 + ".", model, target="zh")
    assert len(found.sentences) > 1
    assert " ".join(one.source for one in found.sentences).replace(" .", ".") == ("word " * 100).strip() + "."
    assert all(model.count(asked) < 320 for asked in model.prompts)


@pytest.mark.parametrize(
    ("text", "options", "error", "said"),
    [
        (" \n", {}, EmptyInputError, "text"),
        ("12 + 3", {}, EmptyInputError, "text"),
        ("a" * (CHARACTERS + 1), {}, TooLargeError, "100,000"),
        ("Bonjour, je ne suis pas là et le chat est parti.", {}, BadRequestError, "English and Chinese"),
        ("年假为 24 天。", {"target": "zh"}, BadRequestError, "this language already"),
        (EN, {"target": "fr"}, BadRequestError, "en, zh"),
        (EN, {"terms": {"a": " "}}, BadRequestError, "both sides"),
        (EN, {"terms": {"a" * 101: "b"}}, TooLargeError, "100"),
        (EN, {"terms": {str(n): "b" for n in range(501)}}, TooLargeError, "500"),
    ],
)
def test_what_cannot_be_translated_is_refused_with_the_way_out(
    text: str, options: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        done(text, FakeGenerator("x"), **options)


def test_a_window_too_small_is_refused() -> None:
    with pytest.raises(ContextOverflowError):
        done(EN, FakeGenerator("x", window=60))


def test_a_glossary_as_people_write_it() -> None:
    lines = "# ours\nreader = 阅读模型\n\nindex\t索引\ncase → 案例\n"
    assert glossary.parse(lines) == {"reader": "阅读模型", "index": "索引", "case": "案例"}


@pytest.mark.parametrize(
    ("lines", "said"), [("reader", "line 1"), ("a = b\n= c", "line 2"), ("a = b\na = c", "two")]
)
def test_a_glossary_that_cannot_be_read(lines: str, said: str) -> None:
    with pytest.raises(BadRequestError, match=said):
        glossary.parse(lines)
