"""The first check of a sentence against its sources: numbers, dates, names, negation and shared words.

A cheap check that stands alone: it reads no meaning. What it can show wrong it calls contradicted, with the
reason; a free paraphrase it can only call partly supported.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.evidence import binding, quantities
from assistant.evidence.attribution import Support, supports
from assistant.evidence.lexicon import ORDINARY
from assistant.evidence.names import names
from assistant.evidence.polarity import flipped
from assistant.evidence.sentences import MARK
from assistant.evidence.words import han_share, is_chinese, normalize, same_days, stem, terms
from assistant.schema import Verdict

SUPPORTED_FROM = 0.7
"""Share of the sentence's terms found in one place of the source."""
PARTLY_FROM = 0.4
_CLOSE = 0.5
"""Shared terms from which a place speaks of the same thing, so that a difference is a contradiction."""
_GOODNESS = {Verdict.SUPPORTED: 3, Verdict.PARTLY: 2, Verdict.CONTRADICTED: 1, Verdict.NO_SOURCE: 0}

_HAN = re.compile(r"[一-鿿]")


@dataclass(frozen=True, slots=True)
class Check:
    """What the check of one sentence said, and the place it was checked against."""

    verdict: Verdict
    reason: str
    """Empty, ``empty``, or ``number: date: name: negation: exchanged: overlap: language:`` and its value."""
    source: int
    """Index of the source that fits best; -1 where there is none."""
    support: Support
    """The place in that source."""

    @property
    def goodness(self) -> tuple[int, float]:
        """Orders checks of one sentence: the better verdict, then the better overlap."""
        return _GOODNESS[self.verdict], self.support.score


def check(sentence: str, sources: Sequence[str]) -> tuple[Verdict, str]:
    """Check a sentence against passages.

    Args:
        sentence: One sentence; ``[n]`` marks in it are ignored.
        sources: The passages that may support it.

    Returns:
        The verdict and why it is not "supported", machine-readable; ``""`` where it is.
    """
    result = examine(sentence, sources)
    return result.verdict, result.reason


def examine(sentence: str, sources: Sequence[str], about: str = "") -> Check:
    """Like `check`, and also says which source and which place in it fits best.

    Args:
        sentence: One sentence.
        sources: The passages that may support it.
        about: The question that it answers: what a short answer leaves out is named there.
    """
    bare = MARK.sub(" ", sentence).strip()
    nothing = Support(0, 0, 0.0)
    if not terms(bare):
        return Check(Verdict.NO_SOURCE, "empty", -1, nothing)
    checks = [
        _bound(_against(bare, source, index), f"{about.rstrip(' ?？')} {bare}", source)
        for index, source in enumerate(sources)
        if source.strip()
    ]
    if not checks:
        return Check(Verdict.NO_SOURCE, "overlap:0.00", -1, nothing)
    best = max(checks, key=lambda one: one.goodness)
    closest = max(checks, key=lambda one: one.support.score)
    # A passage that speaks of the very same thing and says otherwise outweighs vague likeness elsewhere.
    if best.verdict is Verdict.PARTLY and closest.verdict is Verdict.CONTRADICTED:
        return closest
    return best


def _against(sentence: str, source: str, index: int) -> Check:
    """The best verdict among the most similar places: one that agrees beats a nearer one that differs."""
    if is_chinese(sentence) != is_chinese(source) and han_share(sentence) != han_share(source):
        return _across(sentence, source, index)
    places = supports(sentence, source)
    near = [place for place in places if place.score >= places[0].score - 0.1]
    leading = [place for place in near if not any(_within(other, place) for other in near)][:4]
    checks = [_at(sentence, source, place, index) for place in leading]
    return max(checks, key=lambda one: one.goodness)


def _bound(found: Check, sentence: str, source: str) -> Check:
    """Contradicted where all is in the source, but said of something else."""
    agrees = found.verdict in (Verdict.SUPPORTED, Verdict.PARTLY)
    if agrees and is_chinese(sentence) == is_chinese(source) and (odd := binding.exchanged(sentence, source)):
        return replace(found, verdict=Verdict.CONTRADICTED, reason=f"exchanged:{odd}")
    return found


def _within(one: Support, other: Support) -> bool:
    """``one`` says as much in fewer sentences: what ``other`` adds is about something else."""
    inside = other.start <= one.start and one.end <= other.end
    return inside and one != other and one.score >= other.score


def _across(sentence: str, source: str, index: int) -> Check:
    """Of a source in another language only numbers, dates and names compare: partly, or not at all."""
    whole = Support(0, len(source), PARTLY_FROM)
    if odd := _odd_fact(sentence, source, named=not is_chinese(source)):
        return Check(Verdict.NO_SOURCE, odd, index, whole)
    return Check(Verdict.PARTLY, "language:", index, whole)


def _at(sentence: str, source: str, place: Support, index: int) -> Check:
    text = source[place.start : place.end]
    score = place.score
    odd = _odd_fact(sentence, text)
    if odd:
        elsewhere = not _odd_fact(sentence, source)
        score = _without(sentence, odd, text, score)
        if score < PARTLY_FROM:
            return Check(Verdict.NO_SOURCE, odd, index, place)
        differs = score >= _CLOSE and not elsewhere
        return Check(Verdict.CONTRADICTED if differs else Verdict.PARTLY, odd, index, place)
    if score >= _CLOSE and (word := flipped(sentence, text)):
        return Check(Verdict.CONTRADICTED, f"negation:{word}", index, place)
    if score >= SUPPORTED_FROM:
        return Check(Verdict.SUPPORTED, "", index, place)
    return Check(
        Verdict.PARTLY if score >= PARTLY_FROM else Verdict.NO_SOURCE, f"overlap:{score:.2f}", index, place
    )


def _odd_fact(sentence: str, source: str, *, named: bool = True) -> str:
    """The first date, number or, if ``named``, name that the source lacks; ``""`` where all are there."""
    numbers, dates = quantities.read(sentence)
    source_numbers, source_dates = quantities.read(source)
    for date in dates:
        if not any(date.agrees(other) for other in source_dates):
            return f"date:{date}"
    for number in numbers:
        if not number.vague and not any(number.agrees(other) for other in source_numbers):
            return f"number:{number}"
    folded = same_days(normalize(source).casefold())
    stems = set(terms(source))
    for name in names(sentence) if named else ():
        if not _mentions(folded, stems, name):
            return f"name:{name}"
    return ""


def _mentions(folded: str, stems: set[str], name: str) -> bool:
    name = same_days(normalize(name).casefold())
    if name in folded or _HAN.search(name):
        return name in folded
    return all(
        stem(word) in stems
        for word in re.findall(r"[a-z0-9]+", name)
        if word not in ORDINARY and len(word) > 1
    )


def _without(sentence: str, odd: str, text: str, score: float) -> float:
    """Overlap of the rest of the sentence, so that a wrong name or number does not hide what it speaks of."""
    wrong = set(terms(odd.partition(":")[2]))
    rest = set(terms(sentence)) - wrong
    return len(rest.intersection(terms(text))) / len(rest) if rest else score
