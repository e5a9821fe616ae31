"""Documents to chunks: sections, paragraphs and sentences, up to a number of the embedder's tokens. Pure.

A row of a table is a chunk of its own: a question about one row does not find it in the middle of thirty.

Each sentence is counted once. Splitters that ask for the size of growing pieces count the text ten to fifteen
times over (measured on manuals in English and Chinese), which is more than embedding leaves time for.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from assistant.retrieval import tables
from assistant.retrieval.tables import Row
from assistant.schema import Chunk, Document, Mark

_SENTENCE, _LINE, _PARAGRAPH, _SECTION, _ROW = range(5)
_END = re.compile(
    r"[。！？；…]+[”’」』）】》\"')\]]*\s*"
    r"|(?<![.!?])[.!?]+[\"')\]”’」』]*\s+(?![a-z\s])"
    r"|\n\s*"
)
_SPACE = re.compile(r"\s*")
_CUT = re.compile(r"[\s,;:，、；：]")
_CHARACTERS_A_TOKEN = 10
"""Longer than any prose: a tokenizer that calls 10 MB without a space one unknown token must not decide."""
_TINY = 8
"""A section below size/8 is joined with its neighbours."""
_HEADER = 300
"""Characters of a row's header that go with it."""


@dataclass(frozen=True, slots=True)
class _Atom:
    """What is never cut: a sentence, or a part of one that is longer than a chunk."""

    start: int
    end: int
    tokens: int
    break_before: int
    """How strong the boundary at ``start`` is."""


def split(document: Document, count: Callable[[str], int], size: int, overlap: int = 0) -> list[Chunk]:
    """Cut a document into chunks; ``document.text[chunk.start:chunk.end] == chunk.text``.

    Rows of tables stand alone. Sections (by heading marks) are kept apart unless tiny; within one, breaks
    fall between paragraphs, then lines, then sentences, where these leave the chunk at least half full.

    Args:
        document: Anything; a blank one has no chunks.
        count: Tokens of a text. Taken as additive: a chunk exceeds ``size`` only if its sentences together
            count more than apart.
        size: Tokens that a chunk may have, >= 1.
        overlap: Tokens at the end of a chunk that the next one repeats: whole sentences of the same section.

    Returns:
        Chunks in order, none blank; together they cover every visible character.
    """
    frame = count("")
    room = max(size - frame, 1)
    sections = _sections(document)
    rows = list(tables.rows(document.text))
    cuts = {start: _SECTION for start, _ in sections} | dict.fromkeys(_around(document, rows), _ROW)
    atoms = list(_atoms(document.text, cuts, lambda text: count(text) - frame, room))
    pages = _Labels((mark.start, mark.label) for mark in document.marks if mark.kind == "page")
    headings = _Labels(sections)
    headers = _Headers(document.text, rows)
    chunks: list[Chunk] = []
    for first, last in _spans(atoms, room, min(overlap, room // 2)):
        start, end = _trim(document.text, atoms[first].start, atoms[last - 1].end)
        if chunks and end <= chunks[-1].end:
            continue
        page = pages.at(start)
        chunks.append(
            Chunk(
                document.id,
                start,
                end,
                document.text[start:end],
                int(page) if page else None,
                headings.at(start),
                headers.at(start),
            )
        )
    return chunks


class _Labels:
    """The label in force at a position."""

    def __init__(self, labels: Iterable[tuple[int, str]]) -> None:
        chosen = sorted(labels, key=lambda label: label[0])
        self._starts = [start for start, _ in chosen]
        self._labels = [label for _, label in chosen]

    def at(self, position: int) -> str:
        index = bisect_right(self._starts, position)
        return self._labels[index - 1] if index else ""


class _Headers:
    """What a chunk inside of a row lacks to be read alone."""

    def __init__(self, text: str, rows: Sequence[Row]) -> None:
        self._text, self._rows = text, rows
        self._starts = [row.start for row in rows]

    def at(self, position: int) -> str:
        index = bisect_right(self._starts, position)
        if not index or position >= self._rows[index - 1].end:
            return ""
        row = self._rows[index - 1]
        line = self._text[row.start : row.end].strip().split("\n", 1)[0]
        inside = position > row.start + len(line)
        return row.header[:_HEADER] or (line[:_HEADER] if inside else "")


def _around(document: Document, rows: Sequence[Row]) -> Iterator[int]:
    """Where rows begin and tables end. Headings with nothing else before a table go with its first row."""
    text = document.text
    headings = [mark for mark in document.marks if mark.kind == "heading"]
    above = _Labels((mark.start, str(at)) for at, mark in enumerate(headings))
    end = 0
    for row in rows:
        start = row.start
        while (at := above.at(start - 1)) and headings[int(at)].start >= end:
            mark = headings[int(at)]
            if text[mark.start : start].strip() != mark.label:
                break
            start = mark.start
        yield start
        end = _SPACE.match(text, row.end).end()  # type: ignore[union-attr]  # it matches nothing, too
        yield end


def _sections(document: Document) -> list[tuple[int, str]]:
    """Where sections begin, and their headings; one with nothing under it belongs to the next."""
    found: list[tuple[int, str]] = []
    above: Mark | None = None
    for mark in sorted(document.marks, key=lambda mark: mark.start):
        if mark.kind != "heading":
            continue
        start = mark.start
        if above and start - above.start < len(above.label) + 8:
            between = document.text[above.start : start].strip()
            start = found.pop()[0] if between in ("", above.label) else start
        found.append((start, mark.label))
        above = mark
    return found


def _atoms(text: str, cuts: Mapping[int, int], count: Callable[[str], int], size: int) -> Iterator[_Atom]:
    for start, end, strength in _sentences(text, cuts):
        if text[start:end].isspace():
            continue
        first = strength
        for at, to, tokens in _fitting(text, start, end, count, size):
            if not text[at:to].isspace():
                yield _Atom(at, to, tokens, first)
                first = _SENTENCE


def _sentences(text: str, cuts: Mapping[int, int]) -> Iterator[tuple[int, int, int]]:
    """(start, end, strength of the boundary at start), end to end over the whole text."""
    inner = sorted(at for at in cuts if 0 < at < len(text))
    for begin, until in zip([0, *inner], [*inner, len(text)], strict=True):
        start, strength = begin, cuts.get(begin, _SECTION)
        for match in _END.finditer(text, begin, until):
            if match.end() > start:
                yield start, match.end(), strength
            start = match.end()
            newlines = match.group().count("\n")
            strength = _PARAGRAPH if newlines > 1 else _LINE if newlines else _SENTENCE
        if until > start:
            yield start, until, strength


def _fitting(
    text: str, start: int, end: int, count: Callable[[str], int], size: int
) -> Iterator[tuple[int, int, int]]:
    """A sentence, in parts where it is over the size; cut at spaces and commas where there are any."""
    longest = size * _CHARACTERS_A_TOKEN
    while start < end:
        to = min(end, start + longest)
        if to < end:
            to = _cut(text, start, to)
        while (tokens := count(text[start:to])) > size and to - start > 1:
            shorter = max((to - start) * size * 9 // (tokens * 10), 1)
            to = _cut(text, start, start + min(shorter, to - start - 1))
        yield start, to, max(tokens, 1)
        # The next part is about as long as this one: asking for it at once saves counting what will not fit.
        longest = min((to - start) * 21 // 20 + 1, size * _CHARACTERS_A_TOKEN)
        start = to


def _cut(text: str, start: int, to: int) -> int:
    """The last space or comma in the final third before ``to``, else ``to``."""
    for at in range(to - 1, to - (to - start) // 3, -1):
        if _CUT.match(text[at]):
            return at + 1
    return to


def _spans(atoms: Sequence[_Atom], size: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Atoms [first, last) of each chunk."""
    sections = _section_sizes(atoms)
    first = 0
    while first < len(atoms):
        last = _full(atoms, first, size, sections)
        if last < len(atoms) and atoms[last].break_before < _SECTION:
            last = _best_break(atoms, first, last, size)
        yield first, last
        first = last if last >= len(atoms) else _overlapped(atoms, first, last, size, overlap)


def _section_sizes(atoms: Sequence[_Atom]) -> dict[int, int]:
    """Tokens of each section, by its first atom."""
    sizes: dict[int, int] = {}
    first = 0
    for index, atom in enumerate(atoms):
        if atom.break_before >= _SECTION:
            first = index
        sizes[first] = sizes.get(first, 0) + atom.tokens
    return sizes


def _full(atoms: Sequence[_Atom], first: int, size: int, sections: dict[int, int]) -> int:
    """Where a chunk from ``first`` must end: it is full, a row ends, or a section, neither side tiny."""
    tokens = 0
    for index in range(first, len(atoms)):
        atom = atoms[index]
        if atom.break_before == _ROW and tokens:
            return index
        if atom.break_before == _SECTION and tokens:
            following = sections[index]
            if tokens + following > size or min(tokens, following) > size // _TINY:
                return index
        tokens += atom.tokens
        if index > first and (tokens > size or atom.end - atoms[first].start > size * _CHARACTERS_A_TOKEN):
            return index
    return len(atoms)


def _best_break(atoms: Sequence[_Atom], first: int, last: int, size: int) -> int:
    """The strongest boundary in the second half of a full chunk, the latest of equals."""
    tokens = sum(atom.tokens for atom in atoms[first:last])
    best, strength = last, atoms[last].break_before
    for index in range(last - 1, first, -1):
        tokens -= atoms[index].tokens
        if tokens < size // 2:
            break
        if atoms[index].break_before > strength:
            best, strength = index, atoms[index].break_before
    return best


def _overlapped(atoms: Sequence[_Atom], first: int, last: int, size: int, overlap: int) -> int:
    """Go back over whole sentences, but leave room for a new one and never into another section."""
    if atoms[last].break_before >= _SECTION:
        return last
    room = min(overlap, size - atoms[last].tokens)
    index = last
    while index - 1 > first and atoms[index - 1].tokens <= room:
        index -= 1
        room -= atoms[index].tokens
        if atoms[index].break_before >= _SECTION:
            break
    return index


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[start:end]
    return end - len(part.lstrip()), start + len(part.rstrip())
