"""Does a follow-up question stand alone once it is rewritten, as a person's rewriting does?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from eval.metrics.metric import Metric, Row, mean, of_cases
from eval.metrics.overlap import chrf
from eval.schema import Prediction, RewriteCase, Suite


def metrics() -> list[Metric]:
    """In report order.

    ``rewrite_chrf`` holds the rewriting against the person's, chrF, 0..1. Beside it what two rules reach on
    the same rows, ``last1`` (the question as it is) and ``last2`` (the question before it and the question),
    and how far the rewriting is ahead of each (``gain_last1``, ``gain_last2``). ``unchanged_share`` is of the
    questions that the person left as they were. A failed case agrees with nothing and is not unchanged.
    """
    why = "no question"
    return [
        _metric("rewrite_chrf", _agrees, why),
        *(_metric(f"gain_{name}", partial(_gain, rule), why) for name, rule in RULES.items()),
        _metric("unchanged_share", _unchanged, "every question was rewritten by the person", binary=True),
        *(
            _metric(f"{name}.rewrite_chrf", partial(_ruled, rule), why, baseline=True)
            for name, rule in RULES.items()
        ),
    ]


def stands_alone(case: RewriteCase) -> bool:
    """The person left it as it was, but for case, blanks and punctuation."""
    return _same(case.question, case.standalone)


def _alone(case: RewriteCase) -> str:
    return case.question


def _strung(case: RewriteCase) -> str:
    return " ".join([*case.earlier[-1:], case.question])


RULES: dict[str, Callable[[RewriteCase], str]] = {"last1": _alone, "last2": _strung}


def _metric(
    name: str,
    row: Callable[[RewriteCase, Prediction, Suite], Row | None],
    undefined: str,
    *,
    binary: bool = False,
    baseline: bool = False,
) -> Metric:
    return Metric(name, "rewrite", of_cases(RewriteCase, row), mean, "higher", undefined, binary, baseline)


def _score(case: RewriteCase, text: str) -> float:
    return chrf((case.standalone,), text)


def _agrees(case: RewriteCase, found: Prediction, suite: Suite) -> Row:
    return (0.0 if found.error else _score(case, found.output),)


def _ruled(rule: Callable[[RewriteCase], str], case: RewriteCase, found: Prediction, suite: Suite) -> Row:
    return (_score(case, rule(case)),)


def _gain(rule: Callable[[RewriteCase], str], case: RewriteCase, found: Prediction, suite: Suite) -> Row:
    return (_agrees(case, found, suite)[0] - _score(case, rule(case)),)


def _unchanged(case: RewriteCase, found: Prediction, suite: Suite) -> Row | None:
    if not stands_alone(case):
        return None
    return (float(not found.error and _same(case.question, found.output)),)


def _same(one: str, other: str) -> bool:
    return _letters(one) == _letters(other)


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
