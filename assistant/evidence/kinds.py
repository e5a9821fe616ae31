"""What kind of thing a question asks for, and whether a text holds one of that kind."""

from __future__ import annotations

import re

from assistant.evidence import quantities
from assistant.evidence.names import names

_NUMBER = re.compile(
    r"\bhow (?:many|much|long|often|old|far|large|big|high|tall|fast|soon|late)\b"
    r"|\bwhat (?:is|are|was|were|does)\b.*"
    r"\b(?:number|price|cost|fee|rate|limit|maximum|minimum|amount|size)\b"
    r"|多少|多久|多长|多大|多高|多远|多重|多快|几(?!乎)|[几幾]個|費用是|价格是|费用是|上限|下限|最多|最少",
    re.I,
)
_TIME = re.compile(
    r"\bwhen\b|\b(?:what|which) (?:year|month|day|date|time|century)\b"
    r"|何时|何時|什么时候|什麼時候|哪一?[年天日月]|几[点月号年]|幾[點月號年]|何年",
    re.I,
)
_PERSON = re.compile(r"\bwho(?:m|se)?\b|谁|誰|哪位|哪一?[个個]人|何人", re.I)
_CLOCK = re.compile(
    r"\d:\d\d|\b(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b|周|星期|\d+\s*[点點时時]", re.I
)


def holds(question: str, text: str) -> bool | None:
    """Whether ``text`` holds a thing of the kind asked for; ``None`` where no kind is asked for.

    Numbers for "how many" and 多少, dates and times for "when" and 何时, names for "who" and 谁.
    """
    if _NUMBER.search(question) or _TIME.search(question):
        numbers, dates = quantities.read(text)
        return bool(dates or _CLOCK.search(text) or [number for number in numbers if not number.vague])
    if _PERSON.search(question):
        return bool(names(text))
    return None
