"""Answer in the documents' own words: where the model's are not supported or not in the right language."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from assistant import prompts
from assistant.evidence import kinds
from assistant.evidence.attribution import cite, coverage, shown, weights
from assistant.evidence.sentences import split
from assistant.evidence.words import terms
from assistant.schema import Citation, Hit, Language, Sentence, Verdict

Similarity = Callable[[str, Sequence[str]], Sequence[float]]
"""A question and texts to one score a text, higher is nearer: the embedder's cosine."""

_LOOKED_AT = 3
"""Passages that a quotation is taken from."""
_READABLE = 300
"""Latin characters that a quotation grows to, within its paragraph."""
_TITLE = 30
"""Characters up to which words without a full stop are taken for a heading."""
_RANK_COSTS = 0.05
"""What each place further down the list costs a sentence, on a scale where all words found is 1."""
_KIND = 0.2
"""What a number is worth where one is asked for, on the same scale; also times and names."""


def best(question: str, hits: Sequence[Hit], similarity: Similarity | None = None) -> Citation | None:
    """The sentence that answers best, with the rest of its paragraph where that is short."""
    found = [
        (index, spans, place)
        for index, hit in enumerate(hits[:_LOOKED_AT])
        for spans in [split(shown(hit)[0])]
        for place in range(len(spans))
    ]
    if not found:
        return None
    texts = [shown(hits[index])[0][slice(*spans[place])] for index, spans, place in found]
    scores = _scores(question, texts, similarity)
    ranked = [score - _RANK_COSTS * index for score, (index, _, _) in zip(scores, found, strict=True)]
    index, spans, place = found[max(range(len(ranked)), key=ranked.__getitem__)]
    return cite(index + 1, hits[index], *_grown(spans, place, shown(hits[index])[0]))


def quote(citation: Citation, language: Language) -> tuple[str, tuple[Sentence, ...]]:
    """The answer's text and its sentences: said to be a quotation, then the words and their mark."""
    lead = f"{prompts.QUOTED[language]}\n\n"
    words = _flowing(citation.text)
    text = f"{lead}{words} [{citation.n}]"
    spans = [(len(lead) + start, len(lead) + end) for start, end in split(words)]
    if spans:
        spans[-1] = (spans[-1][0], len(text))
    return text, tuple(
        Sentence(text[start:end], start, end, Verdict.SUPPORTED, (citation.n,)) for start, end in spans
    )


def _flowing(text: str) -> str:
    """Line breaks that only wrap become blanks; those of lists stay."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    listed = any(re.match(r"[-*•·|]|\d{1,2}[.)、]", line) for line in lines)
    return ("\n" if listed else " ").join(lines)


def _scores(question: str, texts: Sequence[str], similarity: Similarity | None) -> list[float]:
    weight = weights(texts)
    wanted = terms(question)
    shared = [coverage(wanted, terms(text), weight) for text in texts]
    kind = [_KIND if kinds.holds(question, text) else 0.0 for text in texts]
    near = similarity(question, texts) if similarity else [0.0] * len(texts)
    low, high = min(near), max(near)
    scaled = [(value - low) / (high - low or 1.0) for value in near]
    return [sum(parts) for parts in zip(scaled, shared, kind, strict=True)]


def _grown(spans: Sequence[tuple[int, int]], place: int, text: str) -> tuple[int, int]:
    """The sentence and what follows in its paragraph; a heading takes its text along."""
    start, end = spans[place]
    for begin, following in spans[place + 1 : place + 5]:
        opens = _opens(text[start:end])
        new_paragraph = "\n\n" in text[end:begin]
        if not opens and (new_paragraph or _width(text[start:following]) > _READABLE):
            break
        end = following
    return start, end


def _opens(words: str) -> bool:
    """True for a heading or a question, which say nothing without what follows."""
    titled = len(words) <= _TITLE and words[-1] not in '。.!！…)）”"'
    return words.startswith("#") or words[-1] in ":：?？" or titled


def _width(text: str) -> int:
    """Characters, a Chinese one as two and a half Latin ones."""
    return sum(5 if character >= "⺀" else 2 for character in text) // 2
