"""Times, sizes and counts as the page says them."""

from __future__ import annotations

from datetime import datetime

from assistant.web.pages.bridge import Reader


def span(reader: Reader, low: float, high: float) -> str:
    """A range of seconds: about 12 min, 10–14 min, 80 s to 2 min."""
    (unit, first), (other, last) = _unit(low), _unit(high)
    if unit != other:
        return reader.say("tune_range", low=reader.say(unit, n=first), high=reader.say(other, n=last))
    if first == last:
        return reader.say("tune_about", time=reader.say(unit, n=last))
    return reader.say(unit, n=f"{first}–{last}")


def _unit(seconds: float) -> tuple[str, str]:
    """The unit that people would use, and how many of it."""
    if seconds < 90:
        return "tune_seconds", str(max(1, round(seconds)))
    if seconds < 5400:
        return "tune_minutes", str(round(seconds / 60))
    return "tune_hours", f"{seconds / 3600:.1f}".removesuffix(".0")


def size(count: float) -> str:
    """Bytes, in GB, MB or KB."""
    if count >= 1e9:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} KB"


def moment(date: str) -> str:
    """An ISO date, short."""
    try:
        return f"{datetime.fromisoformat(date).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return date[:16]
