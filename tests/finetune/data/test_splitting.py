"""Held out by source: never on both sides, and the same whatever else is there."""

from __future__ import annotations

import random

import pytest

from assistant.errors import TrainingDataError
from assistant.schema import Message
from finetune.data.splitting import split
from finetune.schema import Example, Origin

SAID = (Message("user", "Why?"), Message("assistant", "Because."))


def _examples(sources: int, rows: int = 3) -> list[Example]:
    return [
        Example(f"{source}-{n}", SAID, f"document {source}", "chat", "en", Origin("a", n))
        for source in range(sources)
        for n in range(rows)
    ]


def test_no_source_is_on_both_sides_and_no_row_is_lost() -> None:
    examples = _examples(400)
    found = split(examples, held_out=0.2, seed=0)
    assert not {each.source for each in found.train} & {each.source for each in found.held_out}
    assert sorted((*found.train, *found.held_out), key=lambda each: each.id) == sorted(
        examples, key=lambda each: each.id
    )
    assert 0.15 < len(found.held_out) / len(examples) < 0.25


def test_order_and_more_rows_change_no_side() -> None:
    examples = _examples(200)
    before = {each.id for each in split(examples, held_out=0.1, seed=0).held_out}
    more = [*_examples(300), *_examples(200, rows=5)]
    random.Random(0).shuffle(more)
    after = {each.id for each in split(more, held_out=0.1, seed=0).held_out}
    known = {each.id for each in examples}
    assert after & known == before


def test_sides_are_fixed_for_good() -> None:
    """A held-out row that a later version trained on would make every comparison with it false."""
    held_out = split(_examples(30, rows=1), held_out=0.2, seed=0).held_out
    assert [each.source for each in held_out] == ["document 3", "document 4", "document 15", "document 20"]


def test_the_seed_draws_others_and_a_larger_share_keeps_the_smaller_one() -> None:
    examples = _examples(300, rows=1)
    small, large, other = (
        {each.id for each in split(examples, held_out=share, seed=seed).held_out}
        for share, seed in ((0.1, 0), (0.3, 0), (0.1, 1))
    )
    assert small < large
    assert small != other


def test_nothing_held_out() -> None:
    examples = _examples(5)
    assert split(examples, held_out=0, seed=0).train == tuple(examples)


@pytest.mark.parametrize("share", [-0.1, 1.0, 7.0, float("nan")])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(TrainingDataError, match="from 0 to below 1"):
        split(_examples(3), held_out=share, seed=0)


def test_a_split_that_leaves_nothing_to_learn_is_refused() -> None:
    with pytest.raises(TrainingDataError, match="no row to learn from"):
        split(_examples(1), held_out=0.999999, seed=0)
