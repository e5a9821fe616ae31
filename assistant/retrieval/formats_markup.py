"""HTML and EPUB: the words of the page, without its navigation, scripts, pictures and link targets."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from lxml import etree, html  # type: ignore[import-untyped]

from assistant.errors import UnreadableFileError
from assistant.retrieval import archives
from assistant.retrieval.formats import Heading, Piece, Title
from assistant.retrieval.formats_plain import decode
from assistant.retrieval.limits import Limits

_SKIPPED = re.compile(
    "script|style|noscript|template|svg|math|iframe|object|embed|canvas|audio|video|img|head|nav|aside|form|button"
    "|select|textarea|input|dialog|menu"
)
_FURNITURE = re.compile("navigation|banner|contentinfo|search|complementary|menu")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_PARAGRAPH = re.compile("p|ul|ol|dl|table|blockquote|pre|figure")
_BLOCK = re.compile(
    f"{_PARAGRAPH.pattern}|address|article|body|center|dd|details|div|dt|fieldset|figcaption|footer|header|hr|html"
    "|legend|li|main|section|summary|tbody|tfoot|thead|tr"
)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w-]{2,30})""", re.IGNORECASE)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_MAIN_SHARE = 0.3
_PLAIN_XML = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


def parse_html(name: str, data: bytes, limits: Limits) -> Iterator[Piece]:
    """The main part of a page."""
    root = _tree(name, _markup(name, data))
    if (title := root.find(".//title")) is not None and title.text:
        yield Title(title.text)
    yield from render(_main(root))


def parse_epub(name: str, data: bytes, limits: Limits) -> Iterator[Piece]:
    """The chapters, in the order in which the book is read; chapters are not pages."""
    package = _xml(name, archives.member(name, data, "META-INF/container.xml"))
    path = next((node.get("full-path", "") for node in package.iter("{*}rootfile")), "")
    book = _xml(name, archives.member(name, data, path))
    if (title := book.find(".//{http://purl.org/dc/elements/1.1/}title")) is not None and title.text:
        yield Title(title.text)
    items = {node.get("id"): node for node in book.iter("{*}item")}
    for reference in book.iter("{*}itemref"):
        item = items.get(reference.get("idref"))
        if (
            item is None
            or "html" not in item.get("media-type", "")
            or "nav" in item.get("properties", "").split()
        ):
            continue
        chapter = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(item.get("href", ""))))
        yield from render(_tree(name, _markup(name, archives.member(name, data, chapter))))


def render_markup(name: str, markup: str) -> Iterator[Piece]:
    """The words of a fragment of HTML."""
    yield from render(_tree(name, markup))


def render(root: Any) -> Iterator[Piece]:
    """Headings and text of a tree, without recursion: depth costs nothing."""
    writer = _Writer()
    skipping = 0
    verbatim = 0
    for event, node in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        tag = node.tag if isinstance(node.tag, str) else ""
        tag = tag.rpartition("}")[2].lower()
        is_skipped = bool(tag) and _is_skipped(tag, node)
        if event == "start":
            skipping += is_skipped
            verbatim += tag == "pre"
            if not skipping:
                yield from writer.open(tag)
                writer.write(node.text or "", verbatim > 0)
            continue
        if event == "end":
            if not skipping:
                yield from writer.close(tag)
            skipping -= is_skipped
            verbatim -= tag == "pre"
        if not skipping and node is not root:
            writer.write(node.tail or "", verbatim > 0)
    yield from writer.flush()


class _Writer:
    """Collects text, and breaks it where the page would."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._newlines = 0
        """Owed before the next words."""
        self._glue = ""
        """What stands between the line's start and the next words: a bullet."""
        self._is_in_row = False
        self._lists = 0
        self._heading: list[str] | None = None

    def write(self, text: str, verbatim: bool) -> None:
        text = text if verbatim else _SPACE.sub(" ", text)
        if self._heading is not None:
            self._heading.append(text)
            return
        if not text.strip():
            if text and self._parts and not self._newlines and not self._glue:
                self._parts.append("" if self._parts[-1].endswith(" ") else " ")
            return
        is_spaced = self._newlines or not self._parts or self._parts[-1].endswith(" ")
        if is_spaced and not verbatim:
            text = text.lstrip(" ")
        self._parts += ["\n" * self._newlines if self._parts else "", self._glue, text]
        self._newlines, self._glue = 0, ""

    def open(self, tag: str) -> Iterator[Piece]:
        if self._heading is not None:
            self._heading.append(" " if _BLOCK.fullmatch(tag) or tag == "br" else "")
        elif tag in _HEADINGS:
            yield from self.flush()
            self._heading = []
        elif tag in ("td", "th"):
            if self._is_in_row:
                self._parts.append(" | ")
            self._is_in_row = True
        elif _BLOCK.fullmatch(tag) or tag == "br":
            self._break(tag)
            self._lists += tag in ("ul", "ol")
            if tag == "li":
                self._glue = "- "

    def close(self, tag: str) -> Iterator[Piece]:
        if tag in _HEADINGS and self._heading is not None:
            words = "".join(self._heading).strip()
            self._heading = None
            if words:
                yield Heading(words, _HEADINGS[tag])
        elif _BLOCK.fullmatch(tag) and self._heading is None:
            self._lists -= tag in ("ul", "ol")
            self._break(tag)

    def flush(self) -> Iterator[Piece]:
        text = "".join(self._parts)
        self._parts, self._newlines, self._glue, self._is_in_row = [], 0, "", False
        if text.strip():
            yield text

    def _break(self, tag: str) -> None:
        """Blocks end a line and some a paragraph; inside a row of a table or after a bullet, nothing."""
        if tag in ("tr", "table"):
            self._is_in_row = False
        if not self._is_in_row and not self._glue:
            is_paragraph = self._lists <= 0 and _PARAGRAPH.fullmatch(tag)
            self._newlines = max(self._newlines, 2 if is_paragraph else 1)


def _is_skipped(tag: str, node: Any) -> bool:
    return bool(
        _SKIPPED.fullmatch(tag)
        or node.get("hidden") is not None
        or node.get("aria-hidden") == "true"
        or _FURNITURE.fullmatch(node.get("role", ""))
        or _HIDDEN_STYLE.search(node.get("style", ""))
    )


def _main(root: Any) -> Any:
    """``<main>`` or the only ``<article>``, where it holds a fair part of the page's words."""
    found = [*root.iter("main")] or [*root.iter("article")]
    if len(found) == 1 and len(found[0].text_content()) > _MAIN_SHARE * len(root.text_content()):
        return found[0]
    return root


def _markup(name: str, data: bytes) -> str:
    """Text of a page, by the encoding that it declares, where that is true."""
    if match := _CHARSET.search(data[:4_096]):
        try:
            return data.decode(match.group(1).decode("ascii"))
        except (LookupError, UnicodeDecodeError):
            pass
    return decode(name, data)


def _tree(name: str, markup: str) -> Any:
    parser = html.HTMLParser(no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        root = html.document_fromstring(
            _DECLARATION.sub("", markup.replace("\0", ""), count=1), parser=parser
        )
    except (etree.LxmlError, ValueError, AssertionError) as fault:
        if not markup.strip() or "empty" in str(fault).lower():
            return html.document_fromstring("<p></p>")
        raise UnreadableFileError(
            name=name, reason=f"not HTML ({fault})", remedy="save the page again"
        ) from None
    return root


def _xml(name: str, data: bytes) -> Any:
    try:
        return etree.fromstring(data, etree.XMLParser(**_PLAIN_XML))
    except etree.LxmlError as fault:
        raise UnreadableFileError(
            name=name, reason=f"not XML ({fault})", remedy="make the book again"
        ) from None
