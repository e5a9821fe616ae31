"""How small a difference so many cases can show, and how many a difference needs."""

from __future__ import annotations

import math
from statistics import NormalDist

_NORMAL = NormalDist()
POWER = 0.8
ALPHA = 0.05


def detectable(n: int, variance: float) -> float:
    """The smallest difference that ``n`` paired cases show in four of five trials.

    Args:
        n: Cases.
        variance: Of a case's difference; for zeros and ones, the share of cases that differ.
    """
    return _reach(1) * math.sqrt(variance / n)


def needed(difference: float, variance: float, tests: int = 1) -> int:
    """Cases that show ``difference`` in four of five trials.

    Args:
        difference: From nothing, or from the margin; not 0.
        variance: Of a case's difference.
        tests: Metrics that share the 5 % of false alarms.
    """
    return math.ceil(variance * (_reach(tests) / difference) ** 2)


def _reach(tests: int) -> float:
    """Standard errors between nothing and what is shown."""
    return _NORMAL.inv_cdf(1 - ALPHA / tests / 2) + _NORMAL.inv_cdf(POWER)
