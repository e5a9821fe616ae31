"""What of a text is translated, and what is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.tools import layout

PAGE = """---
title: untouched
---
# Head *one*

A line with `code` that
goes on in the next
> quote one

- [ ] item **one**
  - item two

Setext
======

| Name | Either \\| or |
|------|:---:|
| cell | 12 |

```py
x = "left alone"
```

    y = also(left)

<div>html</div>

Hard break\\
after it.

[ref]: http://x.y "t"
"""


def texts(page: str) -> list[str]:
    return [unit.text for unit in layout.units(page)]


def test_only_language_is_found() -> None:
    assert texts(PAGE) == [
        "Head *one*",
        "A line with `code` that goes on in the next",
        "quote one",
        "item **one**",
        "item two",
        "Setext",
        "Name",
        "Either \\| or",
        "cell",
        "12",
        "Hard break",
        "after it.",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Name: Ada\nPhone: 12", ["Name: Ada", "Phone: 12"]),
        ("one that is broken\nfor its width", ["one that is broken for its width"]),
        ("这一行之所以在这里断开，只是因为它的宽度已经到了尽头，\n后面还没有说完。", None),
        ("    A paragraph that begins with blanks, as books do it.", None),
        ("A hard break  \nends a line", ["A hard break", "ends a line"]),
        ("    for x in range(3): print(x)", []),
    ],
)
def test_lines_of_plain_text(text: str, expected: list[str] | None) -> None:
    whole = text.strip().replace("\n", "")
    assert texts(text) == ([whole] if expected is None else expected)


def test_other_words_stand_in_the_same_places() -> None:
    found = layout.units(PAGE)
    assert layout.put(PAGE, found, [PAGE[unit.start : unit.end] for unit in found]) == PAGE
    shouted = layout.put(PAGE, found, [unit.text.upper() for unit in found])
    assert "| NAME | EITHER \\| OR |\n|------|:---:|\n| CELL | 12 |" in shouted
    assert "  - ITEM TWO\n\nSETEXT\n======" in shouted
    assert "title: untouched" in shouted
    assert 'x = "left alone"' in shouted


@given(st.text("ab 。.\n#-|>`*1[]()", max_size=60))
@settings(deadline=None)
def test_any_text_comes_back_as_it_was(text: str) -> None:
    found = layout.units(text)
    assert layout.put(text, found, [text[unit.start : unit.end] for unit in found]) == text


@pytest.mark.parametrize(
    ("words", "marks"),
    [
        ("See [the docs](https://a.b/c_d(e)) now", ["[", "](https://a.b/c_d(e))"]),
        ('![a picture](p.png "t")', ["![", '](p.png "t")']),
        ("Run `x_y` or write to a@b.co.", ["`x_y`", "a@b.co"]),
        ("Go to https://x.org/a.", ["https://x.org/a"]),
        ("**bold** and {name}, a<br>b[^1]", ["**", "**", "{name}", "<br>", "[^1]"]),
        ("snake_case 3 < 4", []),
    ],
)
def test_markup(words: str, marks: list[str]) -> None:
    assert sorted(layout.markup(words).elements()) == sorted(marks)
    assert "".join(piece for piece, _ in layout.cut_at_markup(words)) == words
    assert [piece for piece, said in layout.cut_at_markup(words) if piece in marks and said] == []
