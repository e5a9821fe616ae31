"""Numbers across languages, and which language a text is in."""

from __future__ import annotations

import pytest

from assistant.evidence.languages import language_of
from assistant.evidence.parallel import lost


@pytest.mark.parametrize(
    ("text", "other", "missing"),
    [
        ("It sold 1.2 million units.", "售出 120 万台。", []),
        ("It sold 1.2 million units.", "售出 12 万台。", ["1,200,000"]),
        ("In 2005 it opened.", "它于 2005 年开业。", []),
        ("它于 2005 年开业。", "In 2005 it opened.", []),
        ("It closes on 31 August 2009.", "2009 年 8 月 31 日关门。", []),
        ("It closes on 31 August 2009.", "2009 年 8 月 30 日关门。", ["2009-08-31"]),
        ("From the mid-1930s on", "从 20 世纪 30 年代中期开始", []),
        ("从二十世纪三十年代开始", "From the 1940s on", ["1930"]),
        ("162 584 people", "162584 人", []),
        ("相比之下，2005年为734,000平方英里", "compared to 734,000 square miles in 2005", []),
        ("The two of them, one by one", "他们俩一个接一个", []),
        ("Take 2 of them", "拿几个", ["2"]),
        ("数百万人", "Millions of people", []),
        ("It grew by 20%.", "增长了百分之二十。", []),
        ("The fee is 45 dollars and 45 dollars.", "费用是 54 美元。", ["45"]),
    ],
)
def test_numbers_that_a_translation_has_lost(text: str, other: str, missing: list[str]) -> None:
    assert lost(text, other) == missing


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Leave is 24 days.", "en"),
        ("GitHub API", "en"),
        ("年假共 24 天。", "zh"),
        ("请打开 Settings 页面", "zh"),
        ("Bonjour, je voudrais savoir si la salle est libre.", None),
        ("Das ist nicht der Weg und die Wahrheit.", None),
        ("これは日本語の文章です。", None),
        ("안녕하세요 여러분", None),
        ("Привет, как дела", None),
    ],
)
def test_the_language_of_a_text(text: str, language: str | None) -> None:
    assert language_of(text) == language
