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
from assistant.schema import Hit, Language

Similarity = Callable[[Sequence[str], Sequence[str]], Sequence[Sequence[float]]]
"""Questions and texts to their cosines, a row for each question."""

LOOKED_AT = 5
"""Hits whose sentences are read."""
_OTHERS: dict[Language, tuple[str, ...]] = {
    "en": (
        "Who wrote this song?",
        "How do I cook rice?",
        "What is the capital of Brazil?",
        "When was the bridge built?",
        "Why do birds migrate in autumn?",
        "How many players are on the team?",
        "Which medicine helps against a cold?",
        "What did the minister say about the law?",
        "Where can I park my car?",
        "How does the program save its data?",
        "What is the price of a ticket?",
        "Who is responsible for the project?",
    ),
    "zh": (
        "这首歌是谁写的？",
        "米饭怎么煮？",
        "巴西的首都是哪里？",
        "这座桥是什么时候建成的？",
        "鸟类为什么在秋天迁徙？",
        "这支球队有多少名球员？",
        "感冒吃什么药？",
        "部长对这项法律说了什么？",
        "车可以停在哪里？",
        "程序怎样保存数据？",
        "门票多少钱？",
        "这个项目由谁负责？",
    ),
}


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
    leads = _leads(question, [text for _, _, text in found], similarity)
    return [Candidate(*place, lead) for place, lead in zip(found, leads, strict=True)]


def _leads(question: str, texts: Sequence[str], similarity: Similarity) -> list[float]:
    own, *others = similarity([question, *_OTHERS["zh" if is_chinese(question) else "en"]], texts)
    usual = [fmean(column) for column in zip(*others, strict=True)]
    return [float(near) - mean for near, mean in zip(own, usual, strict=True)]
