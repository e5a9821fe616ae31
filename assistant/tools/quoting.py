"""Answer in the documents' own words: where the model's are not supported or not in the right language."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant import prompts
from assistant.evidence import kinds
from assistant.evidence.attribution import cite, coverage, shown, weights
from assistant.evidence.relevance import Asked, Candidate
from assistant.evidence.sentences import split
from assistant.evidence.words import terms
from assistant.schema import Citation, Hit, Language, Sentence, Verdict
from assistant.tools.width import width

_READABLE, _LISTED = 300, 700
"""Latin characters that a quotation grows to within its paragraph, or with the list that it opens."""
_FOLLOWING = 12
"""Sentences that it grows by at most."""
_TITLE = 40
"""Characters up to which words without a full stop are taken for a heading."""
_STOPS = "。.!！"
_STEP = re.compile(r"\s*\d{1,2}[.)、]\s")
_ITEM = re.compile(r"\s*(?:[-*•·]|\d{1,2}[.)、])\s")
_RANK_COSTS = 0.05
"""What each place further down the list costs a sentence, on a scale where all words found is 1."""
_KIND = 0.2
"""What a number is worth where one is asked for, on the same scale; also times and names."""


def best(asked: Asked, hits: Sequence[Hit], candidates: Sequence[Candidate]) -> Citation | None:
    """The sentence that answers best, with the rest of its paragraph where that is short.

    Args:
        asked: What was searched for.
        hits: The passages to quote from.
        candidates: The sentences of ``hits``, from `relevance.candidates`.
    """
    if not candidates:
        return None
    scores = _scores(asked, candidates)
    chosen = candidates[max(range(len(scores)), key=lambda n: scores[n])]
    text, _ = shown(hits[chosen.hit])
    return cite(chosen.hit + 1, hits[chosen.hit], *_grown(split(text), chosen.place, text))


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
    """Line breaks that only wrap become blanks; those of lists and paragraphs stay."""
    return "\n\n".join(_paragraph(part) for part in re.split(r"\n\s*\n", text) if part.strip())


def _paragraph(text: str) -> str:
    lines = [re.sub(r"^#{1,6} ", "", line.strip()) for line in text.splitlines() if line.strip()]
    listed = any(
        re.match(r"[-*•·|]|\d{1,2}[.)、]|[^\s:：]{1,24}(?: [^\s:：]{1,24})?[:：] ", line) for line in lines
    )
    return ("\n" if listed else " ").join(lines)


def _scores(asked: Asked, candidates: Sequence[Candidate]) -> list[float]:
    bags = [terms(one.text) for one in candidates]
    weight, forms = weights([one.text for one in candidates]), [asked.like(one.text) for one in candidates]
    low, high = min(one.lead for one in candidates), max(one.lead for one in candidates)
    return [
        (one.lead - low) / (high - low or 1.0)
        + coverage(terms(form), bag, weight)
        + (_KIND if kinds.holds(form, one.text) else 0.0)
        - _RANK_COSTS * one.hit
        for one, bag, form in zip(candidates, bags, forms, strict=True)
    ]


def _grown(spans: Sequence[tuple[int, int]], place: int, text: str) -> tuple[int, int]:
    """The sentence and what follows in its paragraph; a heading takes its text along, or its list."""
    start, end = spans[place]
    if _needs_list(text, start, end):
        start = _opening(spans, place, text)
    leads_list = _opens(text[start:end]) or start < spans[place][0]
    for begin, following in spans[place + 1 : place + 1 + _FOLLOWING]:
        item = bool(_ITEM.match(text[begin:following]))
        most = _LISTED if item else _READABLE
        ends = "\n\n" in text[end:begin] and not (item and leads_list)
        ends = ends or (item and not leads_list) or width(text[start:following]) > most
        if ends and not _opens(text[start:end]):
            break
        end = following
    return start, end


def _needs_list(text: str, start: int, end: int) -> bool:
    """True for a step, and for an item that is no sentence: they say little without what they belong to."""
    line = text[text.rfind("\n", 0, start) + 1 : end]
    return bool(_STEP.match(line)) or (bool(_ITEM.match(line)) and text[end - 1] not in _STOPS)


def _opening(spans: Sequence[tuple[int, int]], place: int, text: str) -> int:
    """Where the line that opens the item's list begins; the item itself where that is too far up."""
    end = spans[place][1]
    for start, stop in reversed(spans[:place]):
        if width(text[start:end]) > _LISTED:
            break
        if _opens(text[start:stop]):
            return start
    return spans[place][0]


def _opens(words: str) -> bool:
    """True for a heading or a question, which say nothing without what follows."""
    titled = len(words) <= _TITLE and words[-1] not in '。.!！…)）”"' and not _ITEM.match(words)
    return words.startswith("#") or words[-1] in ":：?？" or titled
