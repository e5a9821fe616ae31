"""Intervals, paired tests and power: arrays in, estimates out.

What is drawn, flipped or left out together is a *unit*: a case, or all cases that share a document.
"""

from eval.statistics.intervals import estimate
from eval.statistics.pairs import Paired, holm, paired
from eval.statistics.power import detectable, needed
from eval.statistics.sampling import Aggregate, Rows, mean

__all__ = ["Aggregate", "Paired", "Rows", "detectable", "estimate", "holm", "mean", "needed", "paired"]
