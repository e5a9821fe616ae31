"""The translate page's own work: what it takes, what it draws, what it keeps."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from demo_runtime import DemoRuntime

from assistant.errors import BadRequestError, EmptyInputError
from assistant.schema import Doubt, TranslatedSentence, Translation, TranslationProgress
from assistant.web.pages import translate
from assistant.web.pages.bridge import Reader

HOSTILE = '"><img src=x onerror=alert(1)>'


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Any]:
    runtime = DemoRuntime(tmp_path / "home")
    yield runtime
    runtime.close()


@pytest.fixture(params=["en", "zh"])
def reader(request: Any, runtime: DemoRuntime) -> Reader:
    return Reader(runtime.workspace.store.users.local(), request.param)


def drawn(runtime: Any, reader: Reader, text: str, into: str = "auto", lines: str = "") -> list[str]:
    return [str(one) for one in translate._run(runtime, reader, text, into, lines)]


def test_rows_come_while_it_runs_and_doubts_are_said(
    runtime: Any, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translate, "DRAW_EVERY_S", -1.0)
    pages = drawn(runtime, reader, "Every employee has 25 days of paid leave a year.\nAbove 20 EUR.")
    assert any("<progress" in page and "每位员工" in page for page in pages)
    last = pages[-1]
    assert last.count('data-kind="checked"') == last.count('data-kind="doubtful"') == 1
    assert reader.say("doubt_number", value="20") in html.unescape(last)
    assert reader.say("translation_doubts", total=2, doubts=1) in last


def test_what_was_translated_can_be_taken_along(runtime: Any, reader: Reader) -> None:
    last = drawn(runtime, reader, "Above 20 EUR.")[-1]
    folder = runtime.settings.home / "staging" / "downloads" / reader.user.id
    found = {name: token for token, name in re.findall(r"/downloads/(\w+)/translation\.(\w+)", last)}
    assert (folder / found["md"] / "data").read_text("utf-8") == "译：Above 20 EUR."
    assert "Above 20 EUR.,译：Above 20 EUR." in (folder / found["csv"] / "data").read_text("utf-8")


@pytest.mark.parametrize("kind", ["number", "added", "term", "mixed", "short", "kept"])
def test_every_doubt_has_words_and_no_text_is_markup(runtime: Any, reader: Reader, kind: Any) -> None:
    row = TranslatedSentence(HOSTILE, HOSTILE, (Doubt(kind, HOSTILE if kind != "short" else ""),))
    page = str(translate.translation(runtime, reader, Translation(HOSTILE, "zh", (row,))))
    assert "<img" not in page
    assert reader.say(f"doubt_{kind}", value=HOSTILE) in html.unescape(page)


def test_paragraphs_done_out_of_turn_stand_in_order(
    runtime: Any, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(translate, "DRAW_EVERY_S", -1.0)

    def events(*_: Any, **__: Any) -> Iterator[Any]:
        yield TranslationProgress(1, 2, 1, TranslatedSentence("second", "乙"))
        yield TranslationProgress(2, 2, 0, TranslatedSentence("first", "甲"))
        yield Translation("甲乙", "zh", ())

    monkeypatch.setattr(runtime, "translate", events)
    both = drawn(runtime, reader, "first second")[-2]
    assert both.index("甲") < both.index("乙")


def test_the_glossary_is_kept_for_the_next_visit(runtime: Any, reader: Reader) -> None:
    drawn(runtime, reader, "Hello there.", lines="reader = 阅读模型")
    assert runtime.workspace.store.settings.get(reader.user, translate.GLOSSARY) == "reader = 阅读模型"


@pytest.mark.parametrize(
    ("text", "into", "lines", "error"),
    [
        (" ", "auto", "", EmptyInputError),
        ("Hello.", "fr", "", BadRequestError),
        ("Hello.", "auto", "no pair", BadRequestError),
    ],
)
def test_what_the_browser_sends_is_checked(
    runtime: Any, reader: Reader, text: str, into: str, lines: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        drawn(runtime, reader, text, into, lines)


def test_a_file_is_read_with_its_markdown_and_then_gone(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# Leave\n\n[See](https://a.b)\n")
    assert translate._taken(str(path)) == "# Leave\n\n[See](https://a.b)\n"
    assert not path.exists()
