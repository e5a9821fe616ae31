"""What the reader reads: the few paragraphs of what was found that are nearest to the question.

A small model is right more often with the right paragraph than with three pages around it, and every token
read costs time. So each hit is cut into paragraphs, with their heading; the best go in, up to a budget.

Chosen on 111 plain questions about documents of both languages (finetune/plain). Of Chinese ones three
paragraphs by meaning and words alike hold the evidence of .72, up to five within the same budget, words
counting twice, of .87; the bare 1.5B wrote 33 and 37 right answers to 57. Of English ones, whose paragraphs
are longer, both hold it for .93. The 70 questions about the samples were asked both ways: Chinese .84 and .95
right, English .67 and .48: among five it loses itself.

A question that was asked in both languages reads the best of each by turns. In a mixed library of 81
documents the evidence was read of .41 (before: .29) of 42 English questions about Chinese passages, of .82
(.84) of 44 the other way, and of .84 (.81) of 120 in the passages' own language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from assistant.evidence import relevance
from assistant.evidence.attribution import coverage, shown, weights
from assistant.evidence.relevance import Asked, Similarity
from assistant.evidence.sentences import split
from assistant.evidence.words import is_chinese, terms
from assistant.retrieval.tables import spelled_out
from assistant.schema import Hit, Language
from assistant.tools.width import width

MOST: dict[Language, int] = {"en": 3, "zh": 5}
"""Passages read at once, by the language of the question."""
BUDGET = 400
"""Tokens of all passages together: at about a hundred a second on two cores, four seconds."""
_LONGEST = 480
"""Latin characters of one paragraph; a longer one is cut between sentences."""
_WORDS: dict[Language, float] = {"en": 1.0, "zh": 2.0}
"""What all words of the question found count, where the nearest meaning counts 1."""
_RANK_COSTS = 0.02
"""What each place further down the search's list costs a paragraph, on the same scale."""
_BREAK = re.compile(r"\n\s*\n")
_TITLE = 60
"""Characters up to which a line without a full stop is a heading."""
_STOPS = "。.!！;；,，"
_LINE = re.compile(r"\s*(?:[-*•·|>]|\d{1,2}[.)、]\s)|.*[:：]\s")
"""A line of a list or of a table's row: short, and no heading."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A piece of a hit that is read as a whole."""

    hit: int
    """Index of the hit, from 0."""
    start: int
    """In the document, its heading included."""
    end: int
    text: str
    score: float = 0.0
    lead: float = 0.0
    """See `relevance.leads`."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was chosen, and how near it is."""

    passages: tuple[Hit, ...]
    """In the order in which they are numbered: hits narrowed to the paragraphs read."""
    lead: float
    """Of the best paragraph."""
    best: Paragraph | None


def choose(
    asked: Asked,
    hits: Sequence[Hit],
    similarity: Similarity,
    count: Callable[[str], int],
    most: int | None = None,
) -> Reading:
    """Choose the paragraphs to read.

    Args:
        asked: What was searched for.
        hits: The search's result, best first.
        similarity: The embedder's.
        count: Tokens of a text, by the reader's own tokenizer.
        most: Passages at most; as `MOST` says where not given.
    """
    ranked = _in_turn(asked, _ranked(asked, hits, similarity))
    most = most or MOST[_language(asked)]
    chosen: list[Paragraph] = []
    used = 0
    for paragraph in ranked:
        if any(_overlap(paragraph, other, hits) for other in chosen):
            continue
        size = count(paragraph.text)
        if len(chosen) < most and (not chosen or used + size <= BUDGET):
            chosen.append(paragraph)
            used += size
    best = ranked[0] if ranked else None
    return Reading(tuple(_joined(chosen, hits)), best.lead if best else 0.0, best)


def passage(hit: Hit) -> str:
    """A hit as the reader sees it: the document's title, the heading, the words; rows name their columns."""
    text, heading = spelled_out(hit.passage, hit.chunk.header).strip(), hit.chunk.heading
    new = heading and heading != hit.title and not text.lstrip("# ").startswith(heading)
    return "\n".join([f"{hit.title} · {heading}" if new else hit.title, text])


def texts(hit: Hit) -> list[str]:
    """The paragraphs of a hit as they are held against a question."""
    return [passage(_narrowed(paragraph, hit)) for paragraph in _paragraphs([hit])]


def _ranked(asked: Asked, hits: Sequence[Hit], similarity: Similarity) -> list[Paragraph]:
    """Every paragraph once, the nearest first."""
    found = list({(hits[p.hit].chunk.document_id, p.end): p for p in _reversed(_paragraphs(hits))}.values())
    if not found:
        return []
    texts = [passage(_narrowed(p, hits[p.hit])) for p in found]
    near = relevance.leads(asked, texts, similarity)
    weight, words = weights(texts), _WORDS[_language(asked)]
    low, spread = min(near), (max(near) - min(near)) or 1.0
    scored = [
        replace(
            p,
            lead=lead,
            score=(lead - low) / spread
            + words * coverage(terms(asked.like(text)), terms(text), weight)
            - _RANK_COSTS * p.hit,
        )
        for p, text, lead in zip(found, texts, near, strict=True)
    ]
    return sorted(scored, key=lambda p: (-p.score, p.hit, p.start))


def _in_turn(asked: Asked, ranked: Sequence[Paragraph]) -> list[Paragraph]:
    """Of a question asked in two languages, the best of each by turns.

    A mistranslated word costs one of them its nearness, and must not cost its place.
    """
    if not asked.translation:
        return list(ranked)
    one = [p for p in ranked if is_chinese(p.text) == is_chinese(ranked[0].text)]
    other = [p for p in ranked if p not in one]
    return [p for pair in zip_longest(one, other) for p in pair if p]


def _language(asked: Asked) -> Language:
    return "zh" if is_chinese(asked.question) else "en"


def _reversed(paragraphs: Iterator[Paragraph]) -> list[Paragraph]:
    """Last first, so that of two hits that hold a paragraph the better one keeps it."""
    return list(paragraphs)[::-1]


def _paragraphs(hits: Sequence[Hit]) -> Iterator[Paragraph]:
    for index, hit in enumerate(hits):
        text, offset = shown(hit)
        for start, end in paragraphs(text):
            yield Paragraph(index, offset + start, offset + end, text[start:end])


def paragraphs(text: str) -> list[tuple[int, int]]:
    """Cut a text into paragraphs; a heading goes with the paragraph after it, a long one is cut up.

    Returns:
        Spans in order, never overlapping; together they hold every character that is not blank.
    """
    found: list[tuple[int, int]] = []
    opening: int | None = None
    for start, end in _blocks(text):
        if _is_heading(text[start:end]) and end < len(text.rstrip()):
            opening = start if opening is None else opening
            continue
        found += _cut(text, start if opening is None else opening, end)
        opening = None
    return found if opening is None else [*found, (opening, len(text.rstrip()))]


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for border in [*_BREAK.finditer(text), None]:
        end = border.start() if border else len(text)
        inner = text[at:end]
        if inner.strip():
            yield at + len(inner) - len(inner.lstrip()), at + len(inner.rstrip())
        at = border.end() if border else end


def _is_heading(block: str) -> bool:
    if block.startswith("#"):
        return "\n" not in block
    return "\n" not in block and len(block) <= _TITLE and block[-1] not in _STOPS and not _LINE.match(block)


def _cut(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """A paragraph in pieces of whole sentences or lines, none much longer than `_LONGEST`."""
    if width(text[start:end]) <= _LONGEST:
        return [(start, end)]
    borders = [start + stop for _, stop in split(text[start:end])]
    pieces: list[tuple[int, int]] = []
    begin, last = start, start
    for border in borders:
        if last > begin and width(text[begin:border]) > _LONGEST:
            pieces.append((begin, last))
            begin = last + len(text[last:border]) - len(text[last:border].lstrip())
        last = border
    return [*pieces, (begin, end)]


def _joined(chosen: Sequence[Paragraph], hits: Sequence[Hit]) -> list[Hit]:
    """Neighbours become one passage, in the place of the best of them."""
    spans: list[Paragraph] = []
    for paragraph in chosen:
        document, (text, offset) = hits[paragraph.hit].chunk.document_id, shown(hits[paragraph.hit])
        beside = [
            other
            for other in spans
            if hits[other.hit].chunk.document_id == document and _touch(other, paragraph, text, offset)
        ]
        start, end = (min(p.start for p in (*beside, paragraph)), max(p.end for p in (*beside, paragraph)))
        place = spans.index(beside[0]) if beside else len(spans)
        others = [other for other in spans[place:] if other not in beside]
        spans = [*spans[:place], replace(paragraph, start=start, end=end), *others]
    return [_narrowed(span, hits[span.hit]) for span in spans]


def _overlap(one: Paragraph, other: Paragraph, hits: Sequence[Hit]) -> bool:
    """Both hold the same words of a document: two hits were shown with some of the same around them."""
    same = hits[one.hit].chunk.document_id == hits[other.hit].chunk.document_id
    return same and one.start < other.end and other.start < one.end


def _touch(one: Paragraph, other: Paragraph, text: str, offset: int) -> bool:
    """Nothing but blanks lies between them, and ``text`` holds both."""
    first, second = sorted((one, other), key=lambda p: p.start)
    inside = offset <= first.start and second.end <= offset + len(text)
    return inside and not text[first.end - offset : second.start - offset].strip()


def _narrowed(span: Paragraph, hit: Hit) -> Hit:
    text, offset = shown(hit)
    return replace(hit, context=text[span.start - offset : span.end - offset], context_start=span.start)
