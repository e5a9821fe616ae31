"""Codes, numbers and the like in a question: what has to stand in a passage letter by letter. Pure."""

from __future__ import annotations

import re

_IDENTIFIER = re.compile(r"[A-Za-z0-9]+(?:[-_./:][A-Za-z0-9]+)*")
COMMON = 10
"""What stands in more passages than this says nothing about any of them."""
_MOST = 8
"""Identifiers of one question that are looked for; a longer text is a document."""


def find(question: str) -> list[str]:
    """Runs of letters and digits with a digit among them, each once: H-704, 02:15, 8042, W2."""
    found = (match.group() for match in _IDENTIFIER.finditer(question))
    return list(dict.fromkeys(word for word in found if any(map(str.isdigit, word))))[:_MOST]


def stands(identifier: str, text: str) -> bool:
    """Whether it stands in the text whole: H-70 is not in H-704, and 5 not in 5.2 or 5:30."""
    whole = rf"(?<![A-Za-z0-9])(?<![0-9][-.:/]){re.escape(identifier)}(?![A-Za-z0-9]|[-.:/][0-9])"
    return re.search(whole, text, re.IGNORECASE) is not None
