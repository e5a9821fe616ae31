"""The one function that turns model text into HTML, for streaming and for replay alike.

Three walls: raw HTML in the text is escaped, images are dropped by their tokens, and what is left goes
through an allowlist. So no text, however written, makes the browser fetch anything or run anything.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from assistant.schema import Language, Sentence, Verdict
from assistant.web.i18n import text as word
from assistant.web.words_en import WORDS

SIGNS = {Verdict.SUPPORTED: "✓", Verdict.PARTLY: "~", Verdict.CONTRADICTED: "✕", Verdict.NO_SOURCE: "?"}
TEXT_LIMIT = 200_000
"""Characters of one answer that are shown; the stored text stays whole."""

# Sentence borders ride through the Markdown parser as characters that no text may hold.
_OPEN, _CLOSE, _COUNT = 0xF0000, 0xF8000, 0x7000
_PRIVATE = re.compile("[\U000f0000-\U0010ffff]")
_BORDER = re.compile("([\U000f0000-\U0010ffff])")
_BLOCK_START = re.compile(r"[ \t]*(?:(?:[-*+]|\d{1,9}[.)]|#{1,6}|>)[ \t]+)*")
_CITATION = re.compile(r"\[(\d{1,3})\]")
# A citation stays on the line of its word, and the full stop on the line of the citation.
_CITED = re.compile(
    r"((?:[A-Za-z0-9%€$’'-]{1,16}|[\u4e00-\u9fff])?[.!?。！？]?)"
    r"((?:[ \u2009]?\[\d{1,3}\])+)([.,;:!?。，；：！？])?"
)

_TAGS = {
    "p", "br", "strong", "em", "s", "code", "pre", "ul", "ol", "li", "blockquote", "hr", "a", "span",
    "button", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "div",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "target"},
    "span": {"class", "title"},
    "button": {"class", "type", "data-n", "aria-label"},
    "code": {"class"},
    "ol": {"start"},
    "div": {"class"},
}
_SCHEMES = {"http", "https", "mailto"}


def markdown(
    text: str,
    language: Language,
    *,
    sentences: Sequence[Sentence] = (),
    citations: Collection[int] = (),
) -> Markup:
    """Safe HTML of an answer.

    Args:
        text: What the model wrote, finished or not.
        language: Of the reader, for the words behind the signs.
        sentences: The checked sentences; each is underlined in the colour of its verdict and signed.
        citations: The numbers that can be opened; other ``[n]`` stay plain text.
    """
    clean = _PRIVATE.sub("\ufffd", text[:TEXT_LIMIT])
    tokens = _parser().parse(_with_borders(clean, sentences))
    state = _Sentences(sentences, frozenset(citations), language)
    for token in tokens:
        if token.type in ("fence", "code_block"):
            token.content = state.skip(token.content)
        elif token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
        elif token.children:
            token.children = list(_inline(token.children, state))
    html = _parser().renderer.render(tokens, _parser().options, {})
    return Markup(
        nh3.clean(
            html,
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            url_schemes=_SCHEMES,
            link_rel="noopener noreferrer nofollow",
            url_relative="deny",
        )
    )


def plain(text: str, limit: int = TEXT_LIMIT) -> Markup:
    """Escaped text, as people and documents wrote it."""
    return escape(text[:limit])


def unmarked(text: str) -> str:
    """A sentence without its Markdown and citation marks, for lists of sentences."""
    return re.sub(r"\s?\[\d{1,3}\]|\*\*|`", "", text)


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    # Reference links are off: a "[1]: https://…" in the text would turn our citations into its links.
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    return parser.disable(["reference", "html_block", "html_inline"])


def _with_borders(text: str, sentences: Sequence[Sentence]) -> str:
    """The text with a private character at each end of each sentence, inside of list and heading marks."""
    marks: list[tuple[int, int, str]] = []
    for number, sentence in enumerate(sentences[:_COUNT]):
        start = _inside_block(text, sentence.start, sentence.end)
        marks.append((start, 1, chr(_OPEN + number)))
        marks.append((len(text[: sentence.end].rstrip()) or sentence.end, 0, chr(_CLOSE + number)))
    pieces, at = [], 0
    for place, _, mark in sorted(marks):
        pieces += [text[at:place], mark]
        at = max(at, place)
    return "".join([*pieces, text[at:]])


def _inside_block(text: str, start: int, end: int) -> int:
    line_start = text.rfind("\n", 0, start) + 1
    if text[line_start:start].strip():
        return start
    found = _BLOCK_START.match(text, line_start, end)
    return max(start, found.end()) if found else start


class _Sentences:
    """Walks the private characters and gives each run of text the sentence that it belongs to."""

    def __init__(self, sentences: Sequence[Sentence], citations: frozenset[int], language: Language) -> None:
        self._sentences, self._citations, self._language = sentences, citations, language
        self._current: int | None = None

    def skip(self, content: str) -> str:
        """Follow the borders in code, where nothing is marked."""
        for mark in _BORDER.findall(content):
            self._step(ord(mark))
        return _BORDER.sub("", content)

    def html(self, content: str) -> str:
        """The run of text, underlined and with its citations as buttons."""
        return "".join(self._piece(piece) for piece in _BORDER.split(content) if piece)

    def _piece(self, piece: str) -> str:
        if _BORDER.fullmatch(piece):
            return self._step(ord(piece))
        html = _CITED.sub(self._cited, str(escape(piece)))
        if self._current is None:
            return html
        return f'<span class="sentence {self._sentences[self._current].verdict}">{html}</span>'

    def _step(self, code: int) -> str:
        if code < _CLOSE:
            self._current = code - _OPEN
            return ""
        self._current = None
        return self._sign(self._sentences[code - _CLOSE])

    def _sign(self, sentence: Sentence) -> str:
        title = verdict_words(sentence.verdict, sentence.reason, self._language)
        return (
            f'<span class="sign {sentence.verdict}" title="{escape(title)}">{SIGNS[sentence.verdict]}</span>'
        )

    def _cited(self, found: re.Match[str]) -> str:
        word_before, marks, stop = found[1] or "", found[2], found[3] or ""
        if not any(int(mark[1]) in self._citations for mark in _CITATION.finditer(marks)):
            return found[0]
        buttons = _CITATION.sub(self._button, re.sub("[ \u2009]", "", marks))
        return f'<span class="keep">{word_before}{buttons}{stop}</span>'

    def _button(self, found: re.Match[str]) -> str:
        n = int(found[1])
        if n not in self._citations:
            return found[0]
        label = f"{word('source', self._language)} {n}"
        return f'<button type="button" class="cite" data-n="{n}" aria-label="{escape(label)}">{n}</button>'


def verdict_words(verdict: Verdict, reason: str, language: Language) -> str:
    """The verdict in words, with its reason where one is known."""
    name = word(f"verdict_{verdict}", language)
    kind, _, value = reason.partition(":")
    key = f"reason_{kind}"
    if key not in _REASONS:
        return name
    joint = "：" if language == "zh" else ": "
    return name + joint + word(key, language, value=value)


_REASONS = {key for key in WORDS if key.startswith("reason_")}


def _inline(children: Sequence[Token], state: _Sentences) -> Iterator[Token]:
    hosts: list[str | None] = []
    for child in children:
        if child.type == "image":
            yield _html(state.html(child.content[:80]))
        elif child.type == "text":
            yield _html(state.html(child.content))
        elif child.type == "code_inline":
            child.content = state.skip(child.content)
            yield child
        elif child.type == "link_open":
            host = _host(_BORDER.sub("", str(child.attrGet("href") or "")))
            hosts.append(host)
            if host is not None:
                child.attrs = {"href": _BORDER.sub("", str(child.attrGet("href"))), "target": "_blank"}
                yield child
        elif child.type == "link_close":
            host = hosts.pop() if hosts else None
            if host is not None:
                yield child
                yield _html(f' <span class="host">({escape(host)})</span>')
        else:
            yield child


def _host(href: str) -> str | None:
    """The full host that a link leads to, or ``None`` for one that is not followed."""
    try:
        parts = urlsplit(href)
    except ValueError:
        return None
    if parts.scheme not in _SCHEMES:
        return None
    return parts.netloc or parts.path


def _html(content: str) -> Token:
    token = Token("html_inline", "", 0)
    token.content = content
    return token
