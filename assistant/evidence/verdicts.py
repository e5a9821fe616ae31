"""The first check of a sentence against its sources: numbers, dates, names, negation and shared words.

A cheap check that stands alone: it reads no meaning. What it can show wrong it calls contradicted, with the
reason; a free paraphrase it can only call partly supported.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.evidence import quantities
from assistant.evidence.attribution import Support, supports
from assistant.evidence.lexicon import ORDINARY, PLACES, SURNAMES, UNITS
from assistant.evidence.polarity import flipped
from assistant.evidence.sentences import MARK
from assistant.evidence.words import WEEKDAY, han_share, is_chinese, normalize, same_days, stem, terms
from assistant.schema import Verdict

SUPPORTED_FROM = 0.7
"""Share of the sentence's terms found in one place of the source."""
PARTLY_FROM = 0.4
_CLOSE = 0.5
"""Shared terms from which a place speaks of the same thing, so that a difference is a contradiction."""
_GOODNESS = {Verdict.SUPPORTED: 3, Verdict.PARTLY: 2, Verdict.CONTRADICTED: 1, Verdict.NO_SOURCE: 0}

_NAME = re.compile(r"(?:[A-Z][\w&'-]*|[A-Z]\.)(?:\s+(?:of|the|de|van|von|and)?\s*[A-Z][\w&'-]*)*")
_LATIN = re.compile(r"[A-Za-z][\w.+#-]*\w")
_TITLE = re.compile(r"《([^》]+)》|「([^」]+)」|“([^”]+)”|\"([^\"]+)\"")
_HAN = re.compile(r"[一-鿿]")
_HAN_NAMES = (
    re.compile("|".join(sorted(PLACES))),
    WEEKDAY,
    re.compile(r"[一-鿿]{2}(?:省|市|县|大学|银行|集团|医院|学院|机场)"),
    re.compile(
        rf"(?:(?<=[^一-鿿])|(?<=[由和与向给被对是为及])|^)[{SURNAMES}][一-鿿]{{1,2}}"
        r"(?=[于在是将的说曾为，,。、；和与及创担任出发提表先女教博负兼获从对向])"
    ),
)
"""Places, weekdays, institutions, and persons by their surname; each has to stand in the source as it is."""


@dataclass(frozen=True, slots=True)
class Check:
    """What the check of one sentence said, and the place it was checked against."""

    verdict: Verdict
    reason: str
    """Empty, or one of ``number: date: name: negation: overlap: language:`` with its value, or ``empty``."""
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


def examine(sentence: str, sources: Sequence[str]) -> Check:
    """Like `check`, and also says which source and which place in it fits best."""
    bare = MARK.sub(" ", sentence).strip()
    nothing = Support(0, 0, 0.0)
    if not terms(bare):
        return Check(Verdict.NO_SOURCE, "empty", -1, nothing)
    checks = [_against(bare, source, index) for index, source in enumerate(sources) if source.strip()]
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


def names(sentence: str) -> list[str]:
    """Names and quoted terms: capitalized runs; in Chinese Latin words, places, persons, titles."""
    text = normalize(MARK.sub(" ", sentence))
    found = ["".join(groups).strip() for groups in _TITLE.findall(sentence)]
    if _HAN.search(text):
        found += [word for word in _LATIN.findall(text) if not word.isdigit()]
        found += [name.group() for pattern in _HAN_NAMES for name in pattern.finditer(text)]
    else:
        found += [name for name in map(_proper, _NAME.finditer(text)) if name]
    return [name for name in dict.fromkeys(found) if name and name.casefold() not in UNITS]


def _proper(found: re.Match[str]) -> str:
    words = found.group().split()
    opens = not found.string[: found.start()].rstrip(" \"'(-*#0123456789.)")
    if opens and (len(words) == 1 or words[0].casefold() in ORDINARY) and words[0][1:].islower():
        words = words[1:]  # the capital of a sentence's first word says nothing
    while words and words[0].casefold() in ORDINARY:
        words = words[1:]
    return " ".join(words)


def _without(sentence: str, odd: str, text: str, score: float) -> float:
    """Overlap of the rest of the sentence, so that a wrong name or number does not hide what it speaks of."""
    wrong = set(terms(odd.partition(":")[2]))
    rest = set(terms(sentence)) - wrong
    return len(rest.intersection(terms(text))) / len(rest) if rest else score
