"""Names in a text: persons, places, institutions, products, titles, as they are written."""

from __future__ import annotations

import re

from assistant.evidence.lexicon import ORDINARY, PLACES, SURNAMES, UNITS
from assistant.evidence.sentences import MARK
from assistant.evidence.words import WEEKDAY, normalize

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
