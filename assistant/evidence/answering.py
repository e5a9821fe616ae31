"""Check a whole answer: each sentence gets a verdict, wrong citations move or go, missing ones are added."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.evidence import citing, identifiers, kinds, verdicts
from assistant.evidence.attribution import shown
from assistant.evidence.judging import Judge, VerdictWeights
from assistant.evidence.sentences import MARK, split
from assistant.evidence.words import is_chinese
from assistant.schema import Citation, Hit, Sentence, Verdict

_ENOUGH = {Verdict.SUPPORTED: 2, Verdict.PARTLY: 1}
_HEADING = re.compile(r"^#{1,6}\s|^\*\*[^*]+\*\*:?$|[:：]$")


def examine(
    text: str,
    hits: Sequence[Hit],
    question: str = "",
    judge: Judge | None = None,
    weights: VerdictWeights | None = None,
) -> tuple[str, tuple[Citation, ...], tuple[Sentence, ...]]:
    """Check an answer against the passages that it was written from, with the question in sight.

    A sentence with ``[n]`` is checked against the passages it names. Where another shown passage supports it
    better, the mark moves there; where none supports it, the mark goes. A sentence without a mark is checked
    against all, and gets the mark of the passage that supports it, if only partly. One that is supported and
    answers another question (no number where one is asked for, Sunday's for Saturday's) is partly supported.

    Args:
        text: The model's answer.
        hits: The passages shown to it, ``[1]`` first.
        question: What it answers; empty where that is nothing to check.
        judge: A reader that learnt to judge; without one only words, numbers and names are compared.
        weights: How its judgement counts.

    Returns:
        The answer with its marks mended, its citations, and its sentences with offsets in the new text.
    """
    text, _ = citing.cited(text, hits)
    passages = [shown(hit)[0] for hit in hits]
    spans = split(text)
    claims = [_compared(text[start:end], passages, question) for start, end in spans]
    if judge is not None:
        claims = _judged(claims, judge, weights or VerdictWeights())
    pieces: list[str] = []
    sentences: list[Sentence] = []
    at = length = 0
    for (start, end), claim in zip(spans, claims, strict=True):
        gap = text[at:start]
        written = _rewrite(text[start:end], claim.cited)
        begin = length + len(gap)
        if written and claim.reason != "heading":  # a heading claims nothing
            sentences.append(
                Sentence(written, begin, begin + len(written), claim.verdict, claim.cited, claim.reason)
            )
        pieces += [gap, written]
        length, at = begin + len(written), end
    result = "".join(pieces) + text[at:]
    if question:
        sentences = _answering(question, sentences)
    return result, citing.citations([sentence.text for sentence in sentences], hits), tuple(sentences)


def _answering(question: str, sentences: Sequence[Sentence]) -> list[Sentence]:
    """A supported sentence stays so only where the answer is one to this question."""
    days = identifiers.weekdays(question)
    right_kind = kinds.holds(question, "\n".join(citing.bare(sentence.text) for sentence in sentences))
    found = []
    for sentence in sentences:
        others = identifiers.weekdays(sentence.text)
        reason = "kind:" if right_kind is False else "day:" if days and others and not days & others else ""
        beside = reason and sentence.verdict is Verdict.SUPPORTED
        found.append(replace(sentence, verdict=Verdict.PARTLY, reason=reason) if beside else sentence)
    return found


def unsure(sentences: Sequence[Sentence]) -> tuple[Sentence, ...]:
    """The same where it is not sure that they answer the question: none is supported without reserve."""
    return tuple(
        replace(sentence, verdict=Verdict.PARTLY, reason="answer:")
        if sentence.verdict is Verdict.SUPPORTED
        else sentence
        for sentence in sentences
    )


@dataclass(frozen=True, slots=True)
class _Claim:
    """A sentence of an answer with its verdict."""

    text: str
    """Without its marks."""
    verdict: Verdict
    reason: str
    cited: tuple[int, ...]
    """Numbers of the passages that its marks will name."""
    check: verdicts.Check | None = None
    """What words, numbers and names say; ``None`` for a heading."""


def _compared(sentence: str, passages: Sequence[str], question: str) -> _Claim:
    """By words, numbers and names alone."""
    named = citing.numbers(sentence)
    claim = citing.bare(sentence)
    if _HEADING.search(claim):
        return _Claim(claim, Verdict.NO_SOURCE, "heading", ())
    own = verdicts.examine(claim, [passages[n - 1] for n in named], question) if named else None
    if own and own.verdict is Verdict.SUPPORTED:
        return _Claim(claim, own.verdict, own.reason, tuple(named), own)
    every = _among(claim, passages, question)
    if own and _ENOUGH.get(own.verdict, 0) >= _ENOUGH.get(every.verdict, 0):
        cited = () if own.verdict is Verdict.NO_SOURCE else tuple(named)
        return _Claim(claim, own.verdict, own.reason, cited, own)
    cited = (every.source + 1,) if every.verdict in _ENOUGH else ()
    return _Claim(claim, every.verdict, every.reason, cited, every)


def _judged(claims: Sequence[_Claim], judge: Judge, weights: VerdictWeights) -> list[_Claim]:
    """With the reader's judgement of each; what it supports is cited even where few words are shared."""
    asked = [claim.text for claim in claims if claim.check and claim.text]
    log_odds = dict(zip(asked, judge(asked), strict=True)) if asked else {}
    found = []
    for claim in claims:
        if claim.check is None or claim.text not in log_odds:
            found.append(claim)
            continue
        verdict, reason = weights.verdict(log_odds[claim.text], claim.check)
        nearest = (claim.check.source + 1,) if claim.check.source >= 0 else ()
        cited = (claim.cited or nearest) if verdict in _ENOUGH else ()
        found.append(replace(claim, verdict=verdict, reason=reason, cited=cited))
    return found


def _among(claim: str, passages: Sequence[str], question: str) -> verdicts.Check:
    """The check against all; passages in another language show nothing where one in the claim's does."""
    every = verdicts.examine(claim, passages, question)
    if every.reason != "language:" or is_chinese(passages[0]) != is_chinese(claim):
        return every
    comparable = [text if is_chinese(text) == is_chinese(claim) else "" for text in passages]
    return verdicts.examine(claim, comparable, question)


def _rewrite(sentence: str, cited: Sequence[int]) -> str:
    """The sentence with exactly these marks, left untouched where it has them already."""
    if citing.numbers(sentence) == list(cited):
        return sentence
    without = re.sub(rf"\s*{MARK.pattern}", "", sentence).rstrip()
    space = "" if not without or without[-1] in "。！？；，" else " "
    return without + space + citing.marks(cited) if cited else without
