"""Does a summary say what people's summaries say, keep to its source, and cover it?"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, Literal

from assistant.evidence import quantities
from assistant.evidence.attribution import sources
from assistant.evidence.names import names
from assistant.evidence.sentences import split
from assistant.evidence.words import normalize, terms
from eval.metrics.metric import Metric, Row, mean, of_cases
from eval.metrics.overlap import chrf
from eval.metrics.words import units
from eval.schema import Prediction, Suite, SummarizeCase

ROUGE = ("rouge1", "rouge2", "rougeL")
PIECES = 3
_NO_REFERENCES = "no text has a summary to compare with"


def metrics() -> list[Metric]:
    """In report order; behind them what simple rules reach on the same texts.

    ROUGE is F1 against the reference that fits best, in words and Han characters; ``chrf`` is sacrebleu's,
    0..1. ``compression`` is the summary's length in such units over the source's. ``faithful_share`` is the
    share of the summary's numbers, dates and names that stand in the source. For ``coverage_share`` the
    source's sentences are cut into three equal pieces; a piece is covered where a summary sentence comes from
    it, by the rule that also shows the sources of a summary to readers. The rules: ``lead1`` and ``lead3``
    take the first sentences, ``random1`` any one. A failed case scores 0; it has no length.
    """
    return [
        *(_metric(name, partial(_said, score), why) for name, score, why in _SCORES),
        _metric("compression", _compression, "no text was summarized", better="neither"),
        _metric("faithful_share", _faithful, "no summary names a number, a date or a name"),
        _metric("coverage_share", partial(_said, _coverage), "no text has sentences"),
        *(
            _metric(f"{rule}.{name}", partial(_ruled, take, score), why, baseline=True)
            for rule, take in RULES.items()
            for name, score, why in (*_SCORES, ("coverage_share", _coverage, "no text has sentences"))
        ),
    ]


class Units:
    """rouge-score's tokenizer for texts in which words have no blanks between them."""

    def tokenize(self, text: str) -> list[str]:
        """See `units`."""
        return units(text)


_Score = Callable[[SummarizeCase, str], float | None]


def _metric(
    name: str,
    row: Callable[[SummarizeCase, Prediction, Suite], Row | None],
    undefined: str,
    better: Literal["higher", "neither"] = "higher",
    *,
    baseline: bool = False,
) -> Metric:
    return Metric(
        name, "summarize", of_cases(SummarizeCase, row), mean, better, undefined, baseline=baseline
    )  # fmt: skip


def _said(score: _Score, case: SummarizeCase, found: Prediction, suite: Suite) -> Row | None:
    """The score of the summary; an empty one of a failed case is worth nothing."""
    value = score(case, "" if found.error else found.output)
    return None if value is None else (value,)


def _ruled(
    take: Callable[[SummarizeCase], str], score: _Score, case: SummarizeCase, found: Prediction, suite: Suite
) -> Row | None:
    value = score(case, take(case))
    return None if value is None else (value,)


def _rouge(name: str, case: SummarizeCase, summary: str) -> float | None:
    return rouges(case.references, summary)[name] if case.references else None


@lru_cache(maxsize=1)
def _scorer() -> Any:
    from rouge_score import rouge_scorer

    return rouge_scorer.RougeScorer([*ROUGE], tokenizer=Units())


@lru_cache(maxsize=1_024)
def rouges(references: tuple[str, ...], summary: str) -> dict[str, float]:
    """F-measure of each of `ROUGE`, against the reference that fits best, 0..1."""
    found = _scorer().score_multi(references, summary)
    return {name: float(found[name].fmeasure) for name in ROUGE}


def _chrf(case: SummarizeCase, summary: str) -> float | None:
    return chrf(case.references, summary) if case.references else None


def _compression(case: SummarizeCase, found: Prediction, suite: Suite) -> Row | None:
    whole = len(units(case.text))
    return None if found.error or not whole else (len(units(found.output)) / whole,)


def _faithful(case: SummarizeCase, found: Prediction, suite: Suite) -> Row | None:
    if found.error:
        return (0.0,)
    standing = [*_numbers(found.output, case.text), *_names(found.output, case.text)]
    return (sum(standing) / len(standing),) if standing else None


def _numbers(summary: str, source: str) -> list[bool]:
    """Of each number and date of the summary: it stands in the source."""
    numbers, dates = quantities.read(summary)
    there, then = quantities.read(source)
    return [
        *(any(each.agrees(other) for other in there) for each in numbers if not each.vague),
        *(any(each.agrees(other) for other in then) for each in dates),
    ]


def _names(summary: str, source: str) -> list[bool]:
    """Of each name of the summary: it stands in the source, or all of its words do."""
    folded, words = normalize(source).casefold(), set(terms(source))
    found = dict.fromkeys(name for start, end in split(summary) for name in names(summary[start:end]))
    return [
        normalize(name).casefold() in folded or (name.isascii() and set(terms(name) or [name]) <= words)
        for name in found
    ]


def _coverage(case: SummarizeCase, summary: str) -> float | None:
    spans = split(case.text)
    if not spans:
        return None
    pieces = min(PIECES, len(spans))
    place = {start: index * pieces // len(spans) for index, (start, _) in enumerate(spans)}
    covered = {
        place[start]
        for begin, stop in split(summary)
        for start in _origins(summary[begin:stop], case.text, spans)
    }
    return len(covered) / pieces


def _origins(sentence: str, text: str, spans: Sequence[tuple[int, int]]) -> list[int]:
    """Where the source's sentences begin that a summary sentence comes from."""
    wanted, runs = set(terms(sentence)), sources(sentence, text)
    return [
        start
        for start, end in spans
        # A run of neighbours can hold one that shares nothing with the summary.
        if any(run.start <= start and end <= run.end for run in runs)
        and not wanted.isdisjoint(terms(text[start:end]))
    ]


def _lead(count: int, case: SummarizeCase) -> str:
    spans = split(case.text)
    return case.text[spans[0][0] : spans[min(count, len(spans)) - 1][1]] if spans else ""


def _random(case: SummarizeCase) -> str:
    """The same sentence of a case in every run."""
    spans = split(case.text)
    if not spans:
        return ""
    start, end = random.Random(case.id).choice(spans)
    return case.text[start:end]


RULES: dict[str, Callable[[SummarizeCase], str]] = {
    "lead1": partial(_lead, 1),
    "lead3": partial(_lead, 3),
    "random1": _random,
}
_SCORES: tuple[tuple[str, _Score, str], ...] = (
    *((name, partial(_rouge, name), _NO_REFERENCES) for name in ROUGE),
    ("chrf", _chrf, _NO_REFERENCES),
)
