"""Plain text and Markdown, in whatever encoding it comes."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Callable, Iterator

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
_ATX = re.compile(r" {0,3}(#{1,6})[ \t]+(?=\S)")
_IMAGE = re.compile(r"!\[[^\[\]\n]{0,300}\](?:\([^()\n]{0,2000}\)|\[[^\[\]\n]{0,300}\])")
_LINK = re.compile(r"\[([^\[\]\n]{1,300})\](?:\([^()\n]{0,2000}\)|\[[^\[\]\n]{0,300}\])")
_COMMENT = re.compile(r"<!--.{0,1000}?-->")
_UNDERLINE = re.compile(r" {0,3}(={3,}|-{3,})[ \t]*$")
_FRONT_MATTER = re.compile(r"---\n(.*?\n)---[ \t]*(?:\n|$)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:(.+)", re.MULTILINE)


def parse_text(name: str, data: bytes, limits: Limits) -> Iterator[Piece]:
    """The text as it is; nothing in it is a heading."""
    yield decode(name, data)


def parse_markdown(name: str, data: bytes, limits: Limits) -> Iterator[Piece]:
    """Headings of both kinds, code fences respected; a front matter gives only the title."""
    text = decode(name, data).replace("\r\n", "\n").removeprefix("\ufeff")
    if front := _FRONT_MATTER.match(text):
        if title := _FRONT_TITLE.search(front.group(1)):
            yield Title(title.group(1).strip().strip("'\""))
        text = text[front.end() :]
    yield from sections(text, line=_without_targets)


def _without_targets(line: str) -> str:
    """A link's words without its address; a picture is nothing."""
    return _LINK.sub(r"\1", _IMAGE.sub("", _COMMENT.sub("", line)))


def sections(
    text: str, *, top_level: int = 1, line: Callable[[str], str] = lambda text: text
) -> Iterator[Piece]:
    """Cut Markdown at its headings.

    Args:
        text: Markdown.
        top_level: ``2`` where ``# `` more often begins a shell comment than a heading.
        line: What to make of each line outside of code.
    """
    held: list[str] = []
    fence = ""
    for each in text.split("\n"):
        if (mark := _FENCE.match(each)) and (not fence or mark.group(1) == fence):
            fence = "" if fence else mark.group(1)
        each = each if fence else line(each)
        heading, swallowed = (None, 0) if fence else _heading(each, held, top_level)
        if heading is None:
            held.append(each)
            continue
        yield "\n".join(held[: len(held) - swallowed])
        held = []
        yield heading
    yield "\n".join(held)


def _heading(line: str, held: list[str], top_level: int) -> tuple[Heading | None, int]:
    """The heading that this line completes, and how many of the held lines belong to it."""
    if (match := _ATX.match(line)) and len(match.group(1)) >= top_level:
        words = line[match.end() :].rstrip()
        closed = words.rstrip("#")
        return Heading(closed if closed[-1:].isspace() else words, len(match.group(1))), 0
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
    if odd - sample.count("\0") > max(len(sample) // 50, 1):
        remedy = "give it the suffix of its real type"
        raise UnreadableFileError(name=name, reason="the content is not text", remedy=remedy)
    return text


def _decode(data: bytes) -> str:
    sample = data[:_SAMPLE]
    encoding = next((code for mark, code in _MARKS if data.startswith(mark)), "") or _latin_utf16(sample)
    if encoding:
        return data.decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # A text with some broken bytes is still UTF-8: in other encodings nearly every word breaks it.
        text = sample.decode("utf-8", "replace")
        broken = text.count("\ufffd")
        if broken * 5 <= sum(char > "\x7f" for char in text):
            return data.decode("utf-8", "replace")
    return data.decode(_chinese_utf16(sample) or _legacy(sample), "replace")


def _latin_utf16(sample: bytes) -> str:
    """Every other byte of Latin text is zero."""
    pairs = len(sample) // 2
    even, odd = sample[0 : pairs * 2 : 2].count(0), sample[1 : pairs * 2 : 2].count(0)
    if odd > 0.4 * pairs and even < 0.05 * pairs:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 * pairs and odd < 0.05 * pairs else ""


def _chinese_utf16(sample: bytes) -> str:
    """Read rightly, Chinese has ideographs, its own punctuation and ASCII, and nothing else."""
    for encoding in ("utf-16-le", "utf-16-be"):
        text = sample[: len(sample) // 2 * 2].decode(encoding, "replace")
        # Japanese in two bytes, taken for UTF-16, has one byte in common in most characters.
        halves = Counter(ord(char) >> 8 for char in text), Counter(ord(char) & 0xFF for char in text)
        if any(half.most_common(1)[0][1] > 0.4 * len(text) for half in halves if half):
            continue
        ideographs = sum("\u4e00" <= char <= "\u9fff" for char in text)
        others = sum(
            char < "\x7f" or "\u2010" <= char <= "\u2026" or "\u3000" <= char <= "\u303f" or char >= "\uff01"
            for char in text
        )
        if ideographs > 0.5 * len(text) and ideographs + others > 0.95 * len(text):
            return encoding
    return ""


def _legacy(sample: bytes) -> str:
    # A character cut in half at the end of the sample would rule its own encoding out.
    whole = sample if len(sample) < _SAMPLE else sample[: sample.rfind(b"\n") + 1] or sample[:-3]
    if _is_gb(whole):
        return "gb18030"
    from charset_normalizer import from_bytes

    best = from_bytes(whole, cp_isolation=_LEGACY).best()
    return best.encoding if best else "gb18030"


def _is_gb(sample: bytes) -> bool:
    """Simplified Chinese in two bytes: all in the rows of GB 2312, some in rows that Korean leaves empty.

    The general detector takes a few words of it for Korean; KOI8 is like it, but for its second bytes.
    """
    pairs = re.findall(rb"[\x81-\xfe][\x40-\xfe]", sample)
    plain = sum((0xB0 <= lead <= 0xF7 or 0xA1 <= lead <= 0xA3) and trail >= 0xA1 for lead, trail in pairs)
    beyond_korean = sum(0xC9 <= lead <= 0xD7 for lead, _ in pairs)
    russian = sum(0xC0 <= trail <= 0xDF for _, trail in pairs)
    most = 0.9 * len(pairs)
    return bool(pairs) and plain > most and beyond_korean > 0.1 * len(pairs) and russian < 0.7 * len(pairs)
