"""Does a reply do what was asked, and how is it written?"""

from __future__ import annotations

from functools import partial
from typing import Literal

from eval.metrics import answers, checks
from eval.metrics.metric import Metric, Row, mean, of_cases
from eval.metrics.words import grams, units
from eval.schema import ChatCase, Prediction, Suite

REPEATED = 4
"""Length of the runs whose coming again counts as repetition."""


def metrics(suite: Suite) -> list[Metric]:
    """In report order.

    A case is checked right where all its checks hold (IFEval's accuracy by prompt). ``reference_f1`` is the
    agreement in words, or Chinese characters, with the reference that fits best. ``length`` counts words
    and Han characters, ``distinct1`` and ``distinct2`` are the shares of different ones and of different
    pairs in a reply, ``repetition`` is the share of runs of four that stood in it before. A failed case fails
    its checks, agrees with nothing, and takes no part in the others.
    """
    checked = any(isinstance(case, ChatCase) and case.checks for case in suite.cases)
    why = "no case has checks" if not checked else checks.MISSING
    return [
        *(
            Metric(
                name, "chat", of_cases(ChatCase, partial(_checked, loose)), mean, "higher", why, binary=True
            )
            for name, loose in (("check_strict", False), ("check_loose", True))
        ),
        Metric("reference_f1", "chat", of_cases(ChatCase, _agreed), mean, "higher", "no case has references"),
        _style("distinct1", partial(_distinct, 1)),
        _style("distinct2", partial(_distinct, 2)),
        _style("length", _length),
        _style("repetition", _repetition, "lower"),
    ]


def _style(name: str, row: object, better: Literal["lower", "neither"] = "neither") -> Metric:
    return Metric(name, "chat", of_cases(ChatCase, row), mean, better, "no reply is long enough")  # type: ignore[arg-type]


def _checked(loose: bool, case: ChatCase, found: Prediction, suite: Suite) -> Row | None:
    if not case.checks or not checks.available():
        return None
    return (float(not found.error and checks.passed(case, found.output, loose=loose)),)


def _agreed(case: ChatCase, found: Prediction, suite: Suite) -> Row | None:
    if not case.references:
        return None
    return (0.0 if found.error else answers.f1(found.output, case.references, case.lang),)


def _distinct(n: int, case: ChatCase, found: Prediction, suite: Suite) -> Row | None:
    runs = grams(units(found.output), n)
    return (len(set(runs)) / len(runs),) if runs and not found.error else None


def _length(case: ChatCase, found: Prediction, suite: Suite) -> Row | None:
    return None if found.error else (float(len(units(found.output))),)


def _repetition(case: ChatCase, found: Prediction, suite: Suite) -> Row | None:
    share = _distinct(REPEATED, case, found, suite)
    return None if share is None else (1 - share[0],)
