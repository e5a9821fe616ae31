"""Check a whole answer: each sentence gets a verdict, wrong citations move or go, missing ones are added."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.evidence import citing, verdicts
from assistant.evidence.attribution import shown
from assistant.evidence.sentences import MARK, split
from assistant.schema import Citation, Hit, Sentence, Verdict

_ENOUGH = {Verdict.SUPPORTED: 2, Verdict.PARTLY: 1}
_HEADING = re.compile(r"^#{1,6}\s|^\*\*[^*]+\*\*:?$|[:：]$")


def examine(text: str, hits: Sequence[Hit]) -> tuple[str, tuple[Citation, ...], tuple[Sentence, ...]]:
    """Check an answer against the passages that it was written from.

    A sentence with ``[n]`` is checked against the passages it names. Where another shown passage supports it
    better, the mark moves there; where none supports it, the mark goes. A sentence without a mark is checked
    against all, and gets the mark of the passage that supports it.

    Args:
        text: The model's answer.
        hits: The passages shown to it, ``[1]`` first.

    Returns:
        The answer with its marks mended, its citations, and its sentences with offsets in the new text.
    """
    text, _ = citing.cited(text, hits)
    passages = [shown(hit)[0] for hit in hits]
    pieces: list[str] = []
    sentences: list[Sentence] = []
    at = length = 0
    for start, end in split(text):
        gap = text[at:start]
        verdict, reason, cited = _judge(text[start:end], passages)
        written = _rewrite(text[start:end], cited)
        begin = length + len(gap)
        if written and reason != "heading":  # a heading claims nothing
            sentences.append(Sentence(written, begin, begin + len(written), verdict, tuple(cited), reason))
        pieces += [gap, written]
        length, at = begin + len(written), end
    result = "".join(pieces) + text[at:]
    return result, citing.citations([sentence.text for sentence in sentences], hits), tuple(sentences)


def _judge(sentence: str, passages: Sequence[str]) -> tuple[Verdict, str, list[int]]:
    named = citing.numbers(sentence)
    claim = citing.bare(sentence)
    if _HEADING.search(claim):
        return Verdict.NO_SOURCE, "heading", []
    own = verdicts.examine(claim, [passages[n - 1] for n in named]) if named else None
    if own and own.verdict is Verdict.SUPPORTED:
        return own.verdict, own.reason, named
    every = verdicts.examine(claim, passages)
    if own and _ENOUGH.get(own.verdict, 0) >= _ENOUGH.get(every.verdict, 0):
        return own.verdict, own.reason, [] if own.verdict is Verdict.NO_SOURCE else named
    if every.verdict is Verdict.SUPPORTED or (named and every.verdict is Verdict.PARTLY):
        return every.verdict, every.reason, [every.source + 1]
    return every.verdict, every.reason, []


def _rewrite(sentence: str, cited: Sequence[int]) -> str:
    """The sentence with exactly these marks, left untouched where it has them already."""
    if citing.numbers(sentence) == list(cited):
        return sentence
    without = re.sub(rf"\s*{MARK.pattern}", "", sentence).rstrip()
    space = "" if not without or without[-1] in "。！？；，" else " "
    return without + space + citing.marks(cited) if cited else without
