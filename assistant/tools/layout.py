"""What of a text is language, and where it stands; code, lines of tables and list marks are left alone.

Reads Markdown, and plain text as Markdown without marks. Putting the units back in their places gives the
text as it was.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from assistant.evidence.words import is_chinese

_WRAPPED = 40
"""Columns from which on a line without a full stop goes on in the next; a Chinese character is two."""
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_HARD_BREAK = re.compile(r"(?: {2,}|\\)$")
_TASK = re.compile(r"\[[ xX]\]\s+")
_ENDS = re.compile(r"[.!?。！？；:：]['\"”’」』）)】》*_]*$")
_MARKUP = re.compile(
    r"`+[^`\n]+`+"  # code
    r"|\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+\"[^\"]*\")?\)"  # where a link or an image leads
    r"|https?://[^\s<>()（）\[\]，。；“”]*[^\s<>()（）\[\]，。；“”.,;:!?]"
    r"|[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+"
    r"|</?[A-Za-z][^<>\n]*>"
    r"|\[\^[^\]\n]+\]:?"  # a footnote
    r"|\{\{?[\w.]+\}?\}"  # a placeholder
    r"|!?\[(?=[^\]\n]{0,300}\]\()"  # where a link's words begin
    r"|\*{1,3}|~~|\\?\||(?<!\w)_{1,3}(?=\w)|(?<=\w)_{1,3}(?!\w)"
)
"""What must come out of a translation as it went in."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A paragraph, a heading, a list item or a cell: ``text[start:end]``, on one line."""

    start: int
    end: int
    text: str
    """What stands there, without the marks and ends of its lines."""


def units(text: str) -> list[Unit]:
    """The units of a text, in order and never overlapping. Its lines end with a line feed alone."""
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    found: list[Unit] = []
    for token in _parser().parse(_without_front_matter(text)):
        if token.map and (token.type == "inline" or _is_prose(token)):
            found += _of_block(token, lines, starts, found[-1].end if found else 0)
    return found


def put(text: str, found: Sequence[Unit], instead: Sequence[str]) -> str:
    """The text with other words in the places of its units."""
    parts: list[str] = []
    at = 0
    for unit, words in zip(found, instead, strict=True):
        parts += [text[at : unit.start], words]
        at = unit.end
    return "".join([*parts, text[at:]])


def markup(words: str) -> Counter[str]:
    """The pieces of a unit that are not language, with their number."""
    return Counter(_MARKUP.findall(words))


def cut_at_markup(words: str) -> list[tuple[str, bool]]:
    """A unit's pieces in order, each with whether it is language."""
    borders = [0, *(at for mark in _MARKUP.finditer(words) for at in mark.span()), len(words)]
    pieces = [(words[start:end], place % 2 == 0) for place, (start, end) in enumerate(pairwise(borders))]
    return [(piece, said and any(map(str.isalpha, piece))) for piece, said in pieces if piece]


def has_words(words: str) -> bool:
    """Whether anything in it can be translated."""
    return any(said for _, said in cut_at_markup(words))


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"])


def _without_front_matter(text: str) -> str:
    """The same lines, those of a front matter empty."""
    return _FRONT_MATTER.sub(lambda front: "\n" * front.group().count("\n"), text)


def _is_prose(token: Token) -> bool:
    """An indented paragraph of plain text, which Markdown takes for code."""
    if token.type != "code_block":
        return False
    letters = sum(character.isalpha() or character.isspace() for character in token.content)
    return bool(_ENDS.search(token.content.strip())) and letters > 0.9 * len(token.content)


def _of_block(token: Token, lines: Sequence[str], starts: Sequence[int], after: int) -> Iterator[Unit]:
    """The units of one block: its lines, those joined that one sentence runs across."""
    first, last = token.map or [0, 0]
    spans: list[tuple[int, int]] = []
    for number, content in zip(range(first, last), token.content.split("\n"), strict=False):
        at = max(after - starts[number], 0) if number == first else 0
        if span := _place(content.strip(), lines[number], at):
            spans.append((starts[number] + span[0], starts[number] + span[1]))
    text = "".join(lines)
    for run in _runs(spans, text):
        yield Unit(run[0][0], run[-1][1], _joined([text[slice(*span)] for span in run]))


def _place(content: str, line: str, at: int) -> tuple[int, int] | None:
    """Where a block's words stand in their line; a bar within a cell is written with a backslash."""
    for written in (content, content.replace("|", r"\|")):
        start = line.find(written, at)
        if written and start >= 0:
            task = _TASK.match(written)
            start, end = start + (task.end() if task else 0), start + len(written)
            return start, end - len(hard.group() if (hard := _HARD_BREAK.search(line[start:end])) else "")
    return None


def _runs(spans: Sequence[tuple[int, int]], text: str) -> Iterator[list[tuple[int, int]]]:
    run: list[tuple[int, int]] = []
    for span in spans:
        if run and not _goes_on(text, run[-1], span):
            yield run
            run = []
        run.append(span)
    if run:
        yield run


def _goes_on(text: str, span: tuple[int, int], following: tuple[int, int]) -> bool:
    """Whether the line that ends with this span was broken for its width alone."""
    words, rest = text[slice(*span)], text[span[1] :].partition("\n")[0]
    if _ENDS.search(words) or _HARD_BREAK.match(rest):
        return False
    if text[following[0]].islower():
        return True
    return sum(1 if character.isascii() else 2 for character in words) >= _WRAPPED


def _joined(lines: Sequence[str]) -> str:
    return ("" if is_chinese(lines[0]) else " ").join(lines)
