"""From ``[n]`` in an answer to exact spans of documents; only passages shown to the model can be cited."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.evidence.attribution import cite, shown, support, weights
from assistant.evidence.sentences import MARK, split
from assistant.schema import Citation, Hit

_LONGEST = 600
"""Characters that one citation may span when several sentences name it."""


def numbers(text: str) -> list[int]:
    """Every number in ``[n]``, ``[1, 2]`` or ``[1-3]`` marks, in order, each once."""
    found: list[int] = []
    for mark in MARK.finditer(text):
        found += _read(mark.group(1))
    return list(dict.fromkeys(found))


def bare(text: str) -> str:
    """The text without its marks, and without the blanks before them."""
    return re.sub(rf"\s*{MARK.pattern}", "", text).strip()


def marks(cited: Sequence[int]) -> str:
    """Write numbers as the answer shows them: ``[1][3]``."""
    return "".join(f"[{n}]" for n in cited)


def cited(text: str, hits: Sequence[Hit]) -> tuple[str, tuple[Citation, ...]]:
    """Bring all marks to ``[n]``, drop those of passages never shown, and find what each points at.

    Args:
        text: An answer with marks of any width, single or grouped.
        hits: The passages in the order they were shown: the first is ``[1]``.

    Returns:
        The text with only valid marks, and one citation for each number, narrowed to the span that supports
        its sentences best.
    """
    clean = re.sub(rf"(\s*){MARK.pattern}", lambda mark: _valid(mark, len(hits)), text)
    return clean, citations([clean[start:end] for start, end in split(clean)], hits)


def citations(sentences: Sequence[str], hits: Sequence[Hit]) -> tuple[Citation, ...]:
    """One citation for each number that the sentences name, in order of number."""
    claims: dict[int, list[str]] = {}
    for sentence in sentences:
        for n in numbers(sentence):
            if 1 <= n <= len(hits):
                claims.setdefault(n, []).append(bare(sentence))
    return tuple(_narrow(n, hits[n - 1], claims[n]) for n in sorted(claims))


def _read(inside: str) -> list[int]:
    found: list[int] = []
    for part in re.split(r"[,，、;；]", inside):
        first, _, last = (piece.strip() for piece in re.sub("–", "-", part).partition("-"))
        found += range(int(first), min(int(last or first), int(first) + 20) + 1)
    return found


def _valid(mark: re.Match[str], count: int) -> str:
    kept = [n for n in _read(mark.group(2)) if 1 <= n <= count]
    return mark.group(1) + marks(kept) if kept else ""


def _narrow(n: int, hit: Hit, claims: Sequence[str]) -> Citation:
    """The span that supports every claim, or the best supported one where that grows too long."""
    text, _ = shown(hit)
    weight = weights([text])
    found = sorted((support(claim, text, weight) for claim in claims), key=lambda one: -one.score)
    telling = [one for one in found if one.score > 0]
    if not telling:
        return cite(n, hit, *_first(text))
    start, end = min(one.start for one in telling), max(one.end for one in telling)
    if end - start > _LONGEST:
        start, end = telling[0].start, telling[0].end
    return cite(n, hit, start, end)


def _first(text: str) -> tuple[int, int]:
    spans = split(text)
    return spans[0] if spans else (0, len(text))
