"""How much nearer a sentence is to the question asked than to questions about anything else.

The cosines of a multilingual embedder lie close together and favour texts in the question's own language
and texts that are near to every question. What is left above the mean of other questions has neither fault.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from assistant.evidence.attribution import shown
from assistant.evidence.sentences import split
from assistant.evidence.words import is_chinese
from assistant.prompts import UNRELATED
from assistant.schema import Hit

Similarity = Callable[[Sequence[str], Sequence[str]], Sequence[Sequence[float]]]
"""Questions and texts to their cosines, a row for each question."""

LOOKED_AT = 5
"""Hits whose sentences are read."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of a hit, as the hit is shown."""

    hit: int
    """Index of the hit, from 0."""
    place: int
    """Which sentence of the hit, from 0."""
    text: str
    lead: float
    """Its cosine with the question less its mean cosine with other questions of that language."""


def candidates(question: str, hits: Sequence[Hit], similarity: Similarity) -> list[Candidate]:
    """Every sentence of the first hits with its lead, in the order of the hits."""
    found: list[tuple[int, int, str]] = []
    for index, hit in enumerate(hits[:LOOKED_AT]):
        text, _ = shown(hit)
        found += [(index, place, text[slice(*span)]) for place, span in enumerate(split(text))]
    if not found:
        return []
    near = leads(question, [text for _, _, text in found], similarity)
    return [Candidate(*place, lead) for place, lead in zip(found, near, strict=True)]


def leads(question: str, texts: Sequence[str], similarity: Similarity) -> list[float]:
    """Of each text, its cosine with the question less its mean cosine with unrelated questions."""
    own, *others = similarity([question, *UNRELATED["zh" if is_chinese(question) else "en"]], texts)
    usual = [fmean(column) for column in zip(*others, strict=True)]
    return [float(near) - mean for near, mean in zip(own, usual, strict=True)]
