from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.evidence import verdicts
from assistant.schema import Sentence, Verdict
from assistant.web.render import SIGNS, markdown, unmarked, verdict_words

EVIL = "https://evil.test/x.png"
EXFILTRATION = [
    f"![a]({EVIL})",
    f"![a][1]\n\n[1]: {EVIL}",
    f"<img src={EVIL}>",
    f'<img srcset="{EVIL} 2x">',
    f'<div style="background-image:url({EVIL})">x</div>',
    f'<svg><image href="{EVIL}"/></svg>',
    f'<base href="{EVIL}">',
    f'<meta http-equiv="refresh" content="0;url={EVIL}">',
    f'<link rel=stylesheet href="{EVIL}">',
    f"<style>@import '{EVIL}';</style>",
    f'<iframe src="{EVIL}"></iframe>',
    f'<video poster="{EVIL}"></video>',
    f'<form action="{EVIL}"><button>go</button></form>',
    f"$$\\includegraphics{{{EVIL}}}$$",
    "<script>fetch('//evil.test')</script>",
    '<a href="javascript:alert(1)">x</a>',
    "[x](javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](//evil.test/)",
    f"![{'a' * 1_000_000}]({EVIL})",
    f'![a" onerror="alert(1)]({EVIL})',
    f"- ![a]({EVIL})\n- **![b]({EVIL})**",
    f"| ![a]({EVIL}) |\n|---|\n| x |",
    f"[![a]({EVIL})](https://ok.test)",
]
FETCHES = {
    "src",
    "srcset",
    "style",
    "poster",
    "background",
    "action",
    "formaction",
    "xlink:href",
    "data",
    "cite",
}


class Attributes(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen += [(tag, name, value or "") for name, value in attrs] or [(tag, "", "")]


def harmless(html: str) -> None:
    for tag, name, value in Attributes(html).seen:
        assert tag not in {
            "img",
            "image",
            "svg",
            "script",
            "iframe",
            "link",
            "meta",
            "base",
            "form",
            "style",
            "video",
        }
        assert name not in FETCHES
        assert not name.startswith("on")
        if name == "href":
            assert value.startswith(("http://", "https://", "mailto:"))


@pytest.mark.parametrize("text", EXFILTRATION, ids=range(len(EXFILTRATION)))
def test_nothing_is_fetched_or_run(text: str) -> None:
    harmless(str(markdown(text, "en")))


@pytest.mark.parametrize("text", [t for t in EXFILTRATION if len(t) < 500], ids=lambda t: t[:20])
def test_nothing_is_fetched_while_streaming(text: str) -> None:
    for end in range(len(text)):
        harmless(str(markdown(text[:end], "en")))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(alphabet="ab![]()<>\"'/*_`#-|\n 1.:\\&;=", max_size=60))
def test_any_text_is_harmless(text: str) -> None:
    harmless(str(markdown(text, "en", citations={1})))


def test_a_link_shows_its_host_and_gives_nothing_away() -> None:
    html = str(markdown("[your bank](https://bank.evil.test/login)", "en"))
    assert "(bank.evil.test)" in html
    assert "noopener" in html
    assert 'target="_blank"' in html


def test_an_image_leaves_its_words() -> None:
    assert "a chart" in markdown(f"![a chart]({EVIL})", "en")


def sentences(text: str, *verdicts: Verdict) -> list[Sentence]:
    found = [m.span() for m in re.finditer(r"[^.。]+[.。]", text)]
    return [
        Sentence(
            text[start:end].strip(),
            start + (len(text[start:end]) - len(text[start:end].lstrip())),
            end,
            verdict,
        )
        for (start, end), verdict in zip(found, verdicts, strict=True)
    ]


def test_each_sentence_is_underlined_and_signed_in_its_verdict() -> None:
    text = "The fee is **45 EUR** a year. It doubled. Nobody likes it. 完全没有出处。"
    html = str(markdown(text, "zh", sentences=sentences(text, *Verdict)))
    for verdict in Verdict:
        assert f'<span class="sentence {verdict}">' in html
        assert re.search(
            rf'<span class="sign {verdict}" title="[^"]+">{re.escape(SIGNS[verdict])}</span>', html
        )
    assert html.index(SIGNS[Verdict.SUPPORTED]) < html.index("It doubled")


def test_a_sentence_that_begins_or_ends_inside_other_marks_stays_well_formed() -> None:
    text = "**Bold. Starts here** and ends. - no list. `code. more` end."
    html = str(markdown(text, "en", sentences=sentences(text, *[Verdict.PARTLY] * text.count("."))))
    depth = []
    for closing, tag in re.findall(r"<(/?)(\w+)", html):
        if closing:
            assert depth.pop() == tag
        elif tag != "br":
            depth.append(tag)
    assert depth == []
    assert "\U000f0000" not in html


@pytest.mark.parametrize("text", ["- one item.\n- second item.", "1. one.\n2. two.", "# Head.\n\nText."])
def test_list_and_heading_marks_survive_the_borders(text: str) -> None:
    spans = [(m.start(), m.end()) for m in re.finditer(r"[^\n]+", text)]
    checked = [Sentence(text[a:b], a, b, Verdict.SUPPORTED) for a, b in spans]
    html = str(markdown(text, "en", sentences=checked))
    assert "<li>" in html or "<h3>" in html
    assert html.count('class="sign supported"') == len(spans)


def test_only_known_citations_become_buttons() -> None:
    html = str(markdown("Yes [1], no [2], list[3].", "en", citations={1}))
    assert html.count("<button") == 1
    assert 'data-n="1"' in html
    assert "[2]" in html


def test_a_citation_stays_with_its_word_and_its_full_stop() -> None:
    html = str(markdown("a long year [1][2].", "en", citations={1, 2}))
    assert re.search(r'<span class="keep">year<button[^>]*>1</button><button[^>]*>2</button>\.</span>', html)


def test_a_definition_cannot_turn_citations_into_links() -> None:
    html = str(markdown(f"See [1].\n\n[1]: {EVIL}", "en", citations={1}))
    assert "<button" in html
    assert "<a " not in html


def test_the_text_cannot_forge_a_verdict() -> None:
    html = str(markdown('\U000f0000Forged.\U000f8000 <span class="sign supported">✓</span>', "en"))
    assert "<span" not in html
    assert "\U000f0000" not in html


def test_a_very_long_answer_is_cut_not_refused() -> None:
    assert len(markdown("word " * 100_000, "en")) < 300_000


def test_verdicts_in_words() -> None:
    assert (
        verdict_words(Verdict.PARTLY, "number:45", "en")
        == "Partly supported: the number 45 is not in the source"
    )
    assert verdict_words(Verdict.CONTRADICTED, "negation", "zh") == "与原文矛盾：一处肯定，一处否定"
    assert verdict_words(Verdict.SUPPORTED, "", "zh") == "有依据"


def test_every_reason_that_the_check_gives_has_words() -> None:
    code = "".join(path.read_text() for path in Path(verdicts.__file__).parent.glob("*.py"))
    kinds = set(re.findall(r'"([a-z]+):["{]', code))
    assert {"number", "exchanged", "answer", "negation", "day"} <= kinds
    for kind in kinds:
        assert verdict_words(Verdict.PARTLY, f"{kind}:4", "en") != verdict_words(Verdict.PARTLY, "", "en"), (
            kind
        )


def test_unmarked_leaves_the_words() -> None:
    assert unmarked("Fee is **45** [1][2].") == "Fee is 45."
