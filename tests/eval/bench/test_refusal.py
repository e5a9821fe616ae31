"""The fit of how far a model that refuses is believed, on scores made up."""

from __future__ import annotations

import math
import random

import pytest

from eval.bench import refusal
from eval.bench.refusal import GIVEN, Asked


def asked(answerable: bool, refusing: float, count: int = 100, search: float = 0.7) -> list[Asked]:
    """Questions whose refusal has about this log-likelihood."""
    draw = random.Random(str(refusing))
    return [
        Asked(GIVEN, answerable, search, -math.exp(draw.gauss(math.log(-refusing), 0.8)))
        for _ in range(count)
    ]


def kept(rows: list[Asked], found: refusal.Refusal) -> float:
    own = [one for one in rows if one.answerable]
    return sum(one.weighed(found).answer for one in own) / len(own)


def test_what_the_model_says_of_refusing_is_weighed() -> None:
    found = refusal.fit(asked(True, -2.0) + asked(False, -0.5))
    assert found.model > 0.5
    assert Asked(GIVEN, True, 0.7, -6.0).weighed(found).answer
    assert not Asked(GIVEN, True, 0.7, -0.05).weighed(found).answer


def test_the_threshold_keeps_the_answers_of_every_kind_of_text() -> None:
    articles = asked(True, -2.0) + asked(False, -0.5)
    manuals = asked(True, -0.9)  # where the model refuses more than it should
    alone, both = refusal.fit(articles), refusal.fit(articles, manuals)
    assert kept(articles, alone) == pytest.approx(refusal.SHARE, abs=0.02)
    assert kept(manuals, alone) < 0.8
    assert kept(manuals, both) == pytest.approx(refusal.SHARE, abs=0.02)
    assert both.threshold < alone.threshold
    assert (both.bias, both.search, both.model) == (alone.bias, alone.search, alone.model)


def test_what_the_search_declines_sets_no_threshold() -> None:
    articles = asked(True, -2.0) + asked(False, -0.5)
    declined = asked(True, -0.01, search=0.01)
    assert refusal.fit(articles, declined) == refusal.fit(articles)
