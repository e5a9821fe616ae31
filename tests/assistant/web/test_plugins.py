"""Pages of other packages: a good one joins, a broken one is left out."""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from assistant.web import i18n, words_zh
from assistant.web.pages import plugins
from assistant.web.pages.plugins import Page

WORDS: dict[Any, Any] = {"en": {"garden": "Garden"}, "zh": {"garden": "花园"}}


def page(name: str = "garden", words: Any = WORDS, build: Any = lambda runtime, blocks: None) -> Page:
    return Page(name, "M1 1h1", words, build)


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    points: list[Any] = []
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points)
    monkeypatch.setattr(i18n, "WORDS", {name: dict(words) for name, words in i18n.WORDS.items()})
    monkeypatch.setattr(words_zh, "ERRORS", dict(words_zh.ERRORS))
    plugins.found.cache_clear()
    yield points
    plugins.found.cache_clear()


def point(load: Any, name: str = "garden") -> Any:
    return SimpleNamespace(name=name, load=load)


def broken() -> Page:
    raise ImportError("no such module")


def test_a_page_joins_with_its_words_and_its_rule(given: list[Any]) -> None:
    given.append(point(page))
    assert [each.name for each in plugins.found()] == ["garden"]
    assert i18n.text("garden", "zh") == "花园"
    assert 'body[data-page="garden"] #app #page-garden' in plugins.style(["chat", "garden"])
    # The chat's own rule keeps the composer at the bottom.
    assert "page-chat" not in plugins.style(["chat", "garden"])


@pytest.mark.parametrize(
    "load",
    [
        broken,
        lambda: page(words={"en": {"garden": "Garden"}, "zh": {}}),
        lambda: page(words={"en": {"garden": "x", "send": "y"}, "zh": {"garden": "x", "send": "y"}}),
        lambda: object(),
    ],
    ids=["import", "one language", "foreign word", "no page"],
)
def test_a_broken_page_is_logged_and_left_out(
    given: list[Any], load: Any, caplog: pytest.LogCaptureFixture
) -> None:
    given += [point(load, "bad"), point(page)]
    with caplog.at_level(logging.ERROR):
        assert [each.name for each in plugins.found()] == ["garden"]
    assert "the page bad could not be loaded" in caplog.text


def test_a_page_that_cannot_be_built_leaves_the_others(given: list[Any]) -> None:
    def fail(runtime: Any, blocks: Any) -> None:
        raise RuntimeError("no")

    pages = [page(build=fail), page(name="orchard")]
    built = plugins.build(None, None, pages)  # type: ignore[arg-type]
    assert [each.name for each in built] == ["orchard"]
