"""Choose a text's most central sentences word for word (SumBasic: frequent words count, but only once)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from assistant.evidence.sentences import split
from assistant.evidence.words import terms

_LEAST, _MOST = 5, 60
"""Terms that a sentence worth quoting has; headings lie below, lists and tables above."""
_LEAD = 0.25
"""What standing first is worth: authors put first what matters."""


def central(text: str, count: int, known: Sequence[str] = ()) -> list[tuple[int, int]]:
    """The ``count`` most central sentences.

    Args:
        text: What is to be represented.
        count: Most sentences returned.
        known: Sentences already said; what they say counts less.

    Returns:
        Spans in the order of the text.
    """
    spans = [span for span in split(text) if not _heading(text[slice(*span)])]
    bags = [terms(text[start:end]) for start, end in spans]
    usable = [i for i, bag in enumerate(bags) if _LEAST <= len(bag) <= _MOST] or list(range(len(spans)))
    weight = _weights([bags[i] for i in usable])
    for sentence in known:
        _said(weight, terms(sentence))
    chosen: list[int] = []
    while usable and len(chosen) < count:
        best = max(usable, key=lambda i: _score(bags[i], weight) * (1 + _LEAD / (1 + i)))
        chosen.append(best)
        usable.remove(best)
        _said(weight, bags[best])
    return [spans[i] for i in sorted(chosen)]


def _weights(bags: Sequence[Sequence[str]]) -> dict[str, float]:
    counts = Counter(term for bag in bags for term in set(bag))
    return {term: count / max(len(bags), 1) for term, count in counts.items()}


def _score(bag: Sequence[str], weight: dict[str, float]) -> float:
    """Mean weight, with short sentences held back a little: a mean over few words is luck."""
    return sum(weight.get(term, 0.0) for term in set(bag)) / (len(set(bag)) + 4)


def _said(weight: dict[str, float], bag: Sequence[str]) -> None:
    for term in set(bag):
        if term in weight:
            weight[term] **= 2


def _heading(sentence: str) -> bool:
    return sentence.startswith(("#", "|")) or sentence.rstrip().endswith((":", "：", "?", "？"))
