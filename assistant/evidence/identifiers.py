"""What a question names exactly: codes, numbers, dates, clock times, weekdays and names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.evidence import quantities
from assistant.evidence.lexicon import STOPWORDS
from assistant.evidence.names import names
from assistant.evidence.words import normalize

_CODE = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Za-z]{1,6}[-_./ ]?\d[A-Za-z0-9]*(?:[-_./]\d[A-Za-z0-9]*)*)(?![A-Za-z0-9])"
)
_CERTAIN = re.compile(r"[A-Z].*\d|[-_./]|\d{3}")
"""What tells a code (E-208, err4031, GW-10) from a word with a number to it (mp3, day 2)."""
_CLOCK = re.compile(r"(?<![\d:.])\d{1,2}[:：]\d{2}(?![\d:])")
_DAYS = (
    ("monday", "周一", "星期一", "礼拜一"),
    ("tuesday", "周二", "星期二", "礼拜二"),
    ("wednesday", "周三", "星期三", "礼拜三"),
    ("thursday", "周四", "星期四", "礼拜四"),
    ("friday", "周五", "星期五", "礼拜五"),
    ("saturday", "周六", "星期六", "礼拜六"),
    ("sunday", "周日", "周天", "星期日", "星期天", "礼拜天", "礼拜日"),
)
_SHORT = re.compile(r"(周|星期|礼拜)([一二三四五六日天])([-–—~～至到])(?=[一二三四五六日天])")
"""A range that names the week once: 周一至五."""
_ONCE = re.compile(r"周一(?=[次回趟])")
"""Once a week, and not on Mondays."""
_I = re.compile(r"\bI\b")
"""With the word before it at the beginning of a question ("Can I") it looks like a name."""
_RANGE = re.compile(r"(?:day|[周期拜][一二三四五六日天])s?\s*(?:to|through|until|till|[-–—~～至到])\s*", re.I)


def codes(text: str) -> frozenset[str]:
    """Codes such as ``E-208``, ``ERR4031`` or ``GW-10``, without signs and in small letters."""
    found = (match.group() for match in _CODE.finditer(normalize(text)))
    return frozenset(_plain(code) for code in found if " " not in code and _CERTAIN.search(code))


def weekdays(text: str) -> frozenset[int]:
    """Weekdays that a text names, Monday is 0; both ends of a range, and what lies between."""
    folded = _SHORT.sub(r"\1\2\3\1", _ONCE.sub("", normalize(text).casefold()))
    at = {day: min(found) for day, words in enumerate(_DAYS) if (found := _places(folded, words))}
    if len(at) > 1 and _RANGE.search(folded):
        first, *_, last = sorted(at, key=lambda day: at[day])
        return frozenset((first + n) % 7 for n in range((last - first) % 7 + 1))
    return frozenset(at)


def _places(text: str, words: Sequence[str]) -> list[int]:
    return [text.find(word) for word in words if word in text]


def missing_codes(question: str, passages: str) -> frozenset[str]:
    """Codes of the question that the passages do not hold: what they say is about another thing."""
    folded = normalize(passages).casefold()
    return frozenset(code for code in codes(question) if not _holds(folded, code))


def named(text: str) -> list[str]:
    """Codes and names, as the text writes them; numbers with a unit are no names."""
    found = [code.group() for code in _CODE.finditer(text) if _CERTAIN.search(code.group())]
    for name in names(_I.sub("i", text)):
        first, _, rest = name.partition(" ")
        bare = rest if first.casefold() in STOPWORDS else name  # "Is Borvik old?"
        found += [bare] if bare and bare in text else []
    return list(dict.fromkeys(found))


def share(question: str, passages: str) -> float:
    """Share of the question's codes, numbers, dates, times and names in the passages; 1 where it has none."""
    numbers, dates = quantities.read(question)
    held_numbers, held_dates = quantities.read(passages)
    folded = normalize(passages).casefold()
    found = [code not in missing_codes(question, passages) for code in codes(question)]
    found += [time.replace("：", ":") in folded for time in _CLOCK.findall(question)]
    found += [any(n.agrees(other) for other in held_numbers) for n in numbers if not n.vague]
    found += [any(date.agrees(other) for other in held_dates) for date in dates]
    found += [name.casefold() in folded for name in names(_I.sub("i", question))]
    return sum(found) / len(found) if found else 1.0


def _plain(text: str) -> str:
    return re.sub(r"[-_./\s]", "", normalize(text)).casefold()


def _holds(folded: str, code: str) -> bool:
    """With whatever signs between its characters, and never as the end or the beginning of a longer one."""
    spaced = r"[-_./\s]?".join(map(re.escape, code))
    return re.search(rf"(?<![a-z0-9]){spaced}(?!\d)", folded) is not None
