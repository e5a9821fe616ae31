"""Simulated suites whose truth is known: what an interval should cover, and who really is the better."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from eval.statistics import Aggregate, Rows, mean

Floats = NDArray[np.float64]
CONFUSED = np.array([[0.75, 0.15, 0.10], [0.20, 0.60, 0.20], [0.05, 0.10, 0.85]])
"""P(read | label) of a middling reader of sentiment."""
PRIOR = np.array([0.4, 0.2, 0.4])
APART = 1.5
"""Standard deviations between the scores of the two kinds of cases."""


@dataclass(frozen=True, slots=True)
class World:
    """One metric of one subject."""

    name: str
    n: int
    """Cases; where they share documents, on average."""
    draw: Callable[[Generator], tuple[Rows, list[str] | None]]
    """Rows and the document of each."""
    truth: float
    aggregate: Aggregate = mean


@dataclass(frozen=True, slots=True)
class PairedWorld:
    """One metric of two subjects on the same cases."""

    name: str
    n: int
    draw: Callable[[Generator], tuple[Rows, Rows, list[str] | None]]
    truth: float
    """Of the difference, b less a."""
    aggregate: Aggregate = mean


def macro_f1(rows: Rows) -> float:
    """Of (label, read) with three labels."""
    found = np.bincount((rows[:, 0] * 3 + rows[:, 1]).astype(np.intp), minlength=9).reshape(3, 3)
    return _macro_f1(found)


def auroc(rows: Rows) -> float:
    """Of (is so, score) without equal scores among different cases."""
    order = rows[np.argsort(rows[:, 1]), 0]
    positive = order.sum()
    pairs = positive * (len(order) - positive)
    return float((order * np.cumsum(1 - order)).sum() / pairs) if pairs else float("nan")


def singles() -> list[World]:
    """Every kind of estimate."""
    found = [World(f"share {p:g}", n, _shares(p, n), p) for p in (0.1, 0.5, 0.9) for n in (60, 200)]
    for n in (60, 200):
        found += [
            World("skewed, exponential", n, _single(lambda rng, n: rng.exponential(size=(n, 1)), n), 1.0),
            World("token F1, 30 % 0, 50 % 1", n, _single(lambda rng, n: f1(rng.random((n, 1))), n), 0.6),
            World("macro-F1", n, _single(_labels, n), _macro_f1(PRIOR[:, None] * CONFUSED), macro_f1),
            World("AUROC 0.86", n, _single(_scores, n), NormalDist().cdf(APART / math.sqrt(2)), auroc),
        ]
    for documents, each in ((20, 3), (40, 5)):
        n = documents * each
        for p in (0.5, 0.9):
            draw = _clustered_share(documents, each, p)
            found.append(World(f"share {p:g}, {documents} documents", n, draw, p))
        found.append(World(f"token F1, {documents} documents", n, _clustered_f1(documents, each), 0.6))
    return found


def pairs() -> list[PairedWorld]:
    """Every kind of difference, with a true one and without."""
    found = []
    for n in (60, 200):
        for won, lost in ((0.1, 0.1), (0.2, 0.1)):
            name = f"shares, {won:.0%} won, {lost:.0%} lost"
            found.append(PairedWorld(name, n, _matched(n, won, lost), won - lost))
        found.append(PairedWorld("token F1, equal", n, _paired_f1(n, 0.0), 0.0))
        found.append(PairedWorld("token F1, 0.08 better", n, _paired_f1(n, 0.08), 0.08))
        found.append(PairedWorld("macro-F1, equal", n, _paired_labels(n), 0.0, macro_f1))
    found.append(PairedWorld("shares, equal, 20 documents", 60, _paired_documents(20, 3), 0.0))
    found.append(PairedWorld("shares, equal, 40 documents", 200, _paired_documents(40, 5), 0.0))
    return found


def eight(rng: Generator, n: int, better: float = 0.0) -> list[tuple[Rows, Rows]]:
    """Eight metrics of two subjects that share what is hard about a case; in all of them b is ``better``.

    Four are zeros and ones, four are like token F1.
    """
    hard = rng.normal(size=(n, 1))
    lift = NormalDist().inv_cdf(0.6 + better) - NormalDist().inv_cdf(0.6)
    found = []
    for number in range(8):
        a, b = (_normal_cdf((hard + rng.normal(size=(n, 1))) / math.sqrt(2) + up) for up in (0.0, lift))
        found.append((_below(1 - a, 0.6), _below(1 - b, 0.6)) if number < 4 else (f1(a), f1(b)))
    return found


def f1(uniform: Rows) -> Rows:
    """Token F1 as answers have it: three tenths wrong, half right, the rest in between. Its mean is 0.6."""
    return np.asarray(np.clip((uniform - 0.3) / 0.2, 0, 1))


def _single(draw: Callable[[Generator, int], Rows], n: int) -> Callable[[Generator], tuple[Rows, None]]:
    return lambda rng: (draw(rng, n), None)


def _shares(p: float, n: int) -> Callable[[Generator], tuple[Rows, None]]:
    return lambda rng: (_below(rng.random((n, 1)), p), None)


def _below(uniform: Rows, p: float) -> Rows:
    return (uniform < p).astype(np.float64)


def _documents(rng: Generator, documents: int, each: int) -> NDArray[np.intp]:
    """The document of each case; one to ``2 each - 1`` cases to a document."""
    return np.repeat(np.arange(documents), rng.integers(1, 2 * each, size=documents))


def _alike(rng: Generator, of: NDArray[np.intp]) -> Rows:
    """A uniform number a case, correlated by a half within a document."""
    shared = rng.normal(size=of.max() + 1)[of]
    return _normal_cdf((shared + rng.normal(size=len(of))) / math.sqrt(2))[:, None]


def _clustered_share(documents: int, each: int, p: float) -> Callable[[Generator], tuple[Rows, list[str]]]:
    def draw(rng: Generator) -> tuple[Rows, list[str]]:
        of = _documents(rng, documents, each)
        return _below(_alike(rng, of), p), [str(i) for i in of]

    return draw


def _clustered_f1(documents: int, each: int) -> Callable[[Generator], tuple[Rows, list[str]]]:
    def draw(rng: Generator) -> tuple[Rows, list[str]]:
        of = _documents(rng, documents, each)
        return f1(_alike(rng, of)), [str(i) for i in of]

    return draw


def _labels(rng: Generator, n: int) -> Rows:
    label = rng.choice(3, size=n, p=PRIOR)
    return np.stack([label, _read(rng, label)], axis=1).astype(np.float64)


def _read(rng: Generator, label: NDArray[np.int64]) -> NDArray[np.int64]:
    beyond = rng.random((len(label), 1)) > np.cumsum(CONFUSED, axis=1)[label]
    return np.asarray(beyond.sum(axis=1))


def _macro_f1(joint: NDArray[np.generic]) -> float:
    both = joint.sum(axis=0) + joint.sum(axis=1)
    return float(np.mean([2 * joint[i, i] / both[i] if both[i] else 0.0 for i in range(3)]))


def _scores(rng: Generator, n: int) -> Rows:
    so = _below(rng.random(n), 0.4)
    return np.stack([so, rng.normal(size=n) + APART * so], axis=1)


def _matched(n: int, won: float, lost: float) -> Callable[[Generator], tuple[Rows, Rows, None]]:
    def draw(rng: Generator) -> tuple[Rows, Rows, None]:
        luck, both = rng.random((n, 1)), _below(rng.random((n, 1)), 0.6)
        a = np.where(luck < won, 0.0, np.where(luck < won + lost, 1.0, both))
        b = np.where(luck < won, 1.0, np.where(luck < won + lost, 0.0, both))
        return a, b, None

    return draw


def _paired_f1(n: int, lift: float) -> Callable[[Generator], tuple[Rows, Rows, None]]:
    """Token F1 of two subjects that find the same cases hard; b gets some more wholly right, by luck."""

    def draw(rng: Generator) -> tuple[Rows, Rows, None]:
        hard = rng.normal(size=(n, 1))
        a, b = (f1(_normal_cdf((hard + rng.normal(size=(n, 1))) / math.sqrt(2))) for _ in range(2))
        return a, np.where(rng.random((n, 1)) < lift / 0.4, 1.0, b), None

    return draw


def _paired_labels(n: int) -> Callable[[Generator], tuple[Rows, Rows, None]]:
    def draw(rng: Generator) -> tuple[Rows, Rows, None]:
        a = _labels(rng, n)
        b = np.stack([a[:, 0], _read(rng, a[:, 0].astype(np.int64))], axis=1)
        return a, b, None

    return draw


def _paired_documents(documents: int, each: int) -> Callable[[Generator], tuple[Rows, Rows, list[str]]]:
    """Each of two equal subjects has documents of its own that it is good at."""

    def draw(rng: Generator) -> tuple[Rows, Rows, list[str]]:
        of = _documents(rng, documents, each)
        a, b = (_below(_alike(rng, of), 0.6) for _ in range(2))
        return a, b, [str(i) for i in of]

    return draw


def _normal_cdf(x: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(x))
