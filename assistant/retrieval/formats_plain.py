"""Plain text and Markdown, in whatever encoding it comes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from assistant.errors import UnreadableFileError
from assistant.retrieval.formats import Heading, Piece, Title
from assistant.retrieval.limits import Limits

_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LEGACY = ["gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "cp1252", "cp1251", "koi8_r", "iso8859_2"]
_SAMPLE = 64_000
_FENCE = re.compile(r" {0,3}(```|~~~)")
_ATX = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(={3,}|-{3,})[ \t]*$")
_FRONT_MATTER = re.compile(r"---\n(.*?\n)---[ \t]*(?:\n|$)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*['\"]?(.+?)['\"]?[ \t]*$", re.MULTILINE)


def parse_text(name: str, data: bytes, limits: Limits) -> Iterator[Piece]:
    """The text as it is; nothing in it is a heading."""
    yield decode(name, data)


def parse_markdown(name: str, data: bytes, limits: Limits) -> Iterator[Piece]:
    """Headings of both kinds, code fences respected; a front matter gives only the title."""
    text = decode(name, data).replace("\r\n", "\n").removeprefix("\ufeff")
    if front := _FRONT_MATTER.match(text):
        if title := _FRONT_TITLE.search(front.group(1)):
            yield Title(title.group(1))
        text = text[front.end() :]
    yield from sections(text)


def sections(text: str, top_level: int = 1) -> Iterator[Piece]:
    """Cut Markdown at its headings.

    Args:
        text: Markdown.
        top_level: ``2`` where ``# `` more often begins a shell comment than a heading.
    """
    held: list[str] = []
    fence = ""
    for line in text.split("\n"):
        if (mark := _FENCE.match(line)) and (not fence or mark.group(1) == fence):
            fence = "" if fence else mark.group(1)
        heading, swallowed = (None, 0) if fence else _heading(line, held, top_level)
        if heading is None:
            held.append(line)
            continue
        yield "\n".join(held[: len(held) - swallowed])
        held = []
        yield heading
    yield "\n".join(held)


def _heading(line: str, held: list[str], top_level: int) -> tuple[Heading | None, int]:
    """The heading that this line completes, and how many of the held lines belong to it."""
    if (match := _ATX.match(line)) and len(match.group(1)) >= top_level and match.group(2):
        return Heading(match.group(2), len(match.group(1))), 0
    if top_level == 1 and _UNDERLINE.match(line) and _can_be_underlined(held):
        return Heading(held[-1].strip(), 1 if "=" in line else 2), 1
    return None, 0


def _can_be_underlined(held: list[str]) -> bool:
    above = held[-1].strip() if held else ""
    return 0 < len(above) <= 120 and above[0] not in "|>-*+#`" and (len(held) == 1 or not held[-2].strip())


def decode(name: str, data: bytes) -> str:
    """Text from bytes: byte order mark, UTF-8, UTF-16 without a mark, then the likeliest older encoding.

    Raises:
        UnreadableFileError: The bytes are not text.
    """
    text = _decode(data)
    sample = text[:_SAMPLE]
    odd = sum(char < "\t" or "\x0e" <= char < "\x1b" or char == "\ufffd" for char in sample)
    if odd > max(len(sample) // 20, 1) and odd - sample.count("\0") > len(sample) // 50:
        raise UnreadableFileError(
            name=name, reason="the content is not text", remedy="give it the suffix of its real type"
        )
    return text


def _decode(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    if encoding := _utf16(data[:_SAMPLE]):
        return data.decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as fault:
        # A long text with a few broken bytes is still UTF-8; the same bytes in GB18030 fail at the first characters.
        text = data.decode("utf-8", "replace")
        if fault.start >= len(data) - 4 or text.count("\ufffd") * 1_000 <= len(data) - data.count(b"\0"):
            return text
    return data.decode(_legacy(data[:_SAMPLE]), "replace")


def _utf16(sample: bytes) -> str:
    """UTF-16 without a mark: every other byte is zero (Latin), or a decoding made of common Chinese."""
    pairs = len(sample) // 2
    if pairs < 2 or len(sample) % 2 and len(sample) < _SAMPLE:
        return ""
    even, odd = sample[0 : pairs * 2 : 2], sample[1 : pairs * 2 : 2]
    if odd.count(0) > 0.4 * pairs and even.count(0) < 0.05 * pairs:
        return "utf-16-le"
    if even.count(0) > 0.4 * pairs and odd.count(0) < 0.05 * pairs:
        return "utf-16-be"
    return next((code for code in ("utf-16-le", "utf-16-be") if _is_chinese(sample[: pairs * 2], code)), "")


def _is_chinese(sample: bytes, encoding: str) -> bool:
    """UTF-16 Chinese read rightly has ideographs and, between them, the marks 。，  and line ends."""
    text = sample.decode(encoding, "replace")
    ideographs = sum("\u4e00" <= char <= "\u9fff" for char in text)
    marks = sum(char in "。，、的是\n" for char in text)
    return ideographs > 0.5 * len(text) and marks > 0.02 * len(text)


def _legacy(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    # A character cut in half at the end of the sample would rule its own encoding out.
    whole = sample[: sample.rfind(b"\n") + 1] or sample
    best = from_bytes(whole, cp_isolation=_LEGACY).best()
    return best.encoding if best else "gb18030"
