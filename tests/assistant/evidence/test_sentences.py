"""Sentence borders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.evidence.sentences import split


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Dr. Smith paid 3.5 million. He left.", ["Dr. Smith paid 3.5 million.", "He left."]),
        ("See e.g. Fig. 3 for U.S. data. Then stop.", ["See e.g. Fig. 3 for U.S. data.", "Then stop."]),
        ("J. R. Tolkien wrote it. It sold well.", ["J. R. Tolkien wrote it.", "It sold well."]),
        ("He came at 5 p.m. Then he left.", ["He came at 5 p.m.", "Then he left."]),
        ("Version 2.1.3 is out. Use it.", ["Version 2.1.3 is out.", "Use it."]),
        (
            "Refunds take 14 days. [1] Support is free. [2]",
            ["Refunds take 14 days. [1]", "Support is free. [2]"],
        ),
        ("Refunds take 14 days [1]. Support is free.", ["Refunds take 14 days [1].", "Support is free."]),
        ("退款需要14天。［1］客服免费。【2】", ["退款需要14天。［1］", "客服免费。【2】"]),
        ("“你好。”他说。走吧！", ["“你好。”", "他说。", "走吧！"]),
        ("版本2.1可用。请升级", ["版本2.1可用。", "请升级"]),
        ("等等…… 然后走了。", ["等等……", "然后走了。"]),
        ("1. First item\n2. Second item", ["1. First item", "2. Second item"]),
        ("- 甲\n- 乙", ["- 甲", "- 乙"]),
        ("A line that\nwraps here. Next.", ["A line that\nwraps here.", "Next."]),
        ("Visit example.com. Or call.", ["Visit example.com.", "Or call."]),
        ("   \n\n  ", []),
        ("", []),
    ],
)
def test_borders(text: str, sentences: list[str]) -> None:
    assert [text[start:end] for start, end in split(text)] == sentences


@given(st.text(alphabet="ab A.。!？\n[1]【2】-#3,“”", max_size=60))
def test_every_character_lies_in_one_sentence(text: str) -> None:
    spans = split(text)
    covered = [place for start, end in spans for place in range(start, end)]
    assert covered == sorted(set(covered))
    assert {place for place, character in enumerate(text) if not character.isspace()} <= set(covered)
