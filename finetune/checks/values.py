"""Values as a message shows them: short, and personal ones masked."""

from __future__ import annotations

import re

_LONGEST = 60
_PERSONAL = re.compile(r"[\w.+%-]+@[\w.-]+\.\w+|\+?\d[\d -]{6,}[\dXx]")


def quoted(text: str) -> str:
    """The beginning of a text, on one line; long numbers and addresses in it are masked."""
    line = _PERSONAL.sub(lambda match: masked(match.group()), " ".join(text.split()))
    return f"“{line}”" if len(line) <= _LONGEST else f"“{line[: _LONGEST - 1]}…”"


def masked(value: str) -> str:
    """Enough to find it, too little to use it: the ends of a number, the first letters of an address."""
    name, at, domain = value.partition("@")
    if at:
        ending = domain.rpartition(".")[2]
        return f"{name[:1]}***@{domain[:1]}***.{ending}"
    kept = 3 if len(value) > 9 else 2
    return f"{value[:kept]}{'*' * (len(value) - kept - 2)}{value[-2:]}"
