import math
from dataclasses import replace

import pytest
import torch

from assistant.engine.drawing import Draw, choose
from assistant.engine.limits import check
from assistant.errors import BadRequestError
from assistant.schema import Sampling

LOGITS = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05]))


def shares(draw, n=4000):
    counts = torch.zeros(4)
    for position in range(n):
        counts[choose(LOGITS, draw, position)] += 1
    return counts / n


def test_draws_follow_the_probabilities():
    assert torch.allclose(shares(Draw(1.0, 1.0, 7)), torch.tensor([0.5, 0.3, 0.15, 0.05]), atol=0.03)


def test_temperature_sharpens():
    expected = torch.softmax(LOGITS / 0.5, -1)
    assert torch.allclose(shares(Draw(0.5, 1.0, 7)), expected, atol=0.03)


@pytest.mark.parametrize(("top_p", "kept"), [(0.4, 1), (0.5, 1), (0.51, 2), (0.9, 3), (1.0, 4)])
def test_the_nucleus_is_the_smallest_set_that_holds_top_p(top_p, kept):
    assert int((shares(Draw(1.0, top_p, 7), 600) > 0).sum()) == kept


def test_a_flat_vocabulary_larger_than_the_shortcut():
    logits = torch.zeros(5000)
    drawn = [choose(logits, Draw(1.0, 0.9, 1), position) for position in range(400)]
    assert len(set(drawn)) > 300  # the shortcut of 512 tokens would repeat itself


def test_seed_and_position_fix_a_draw():
    first = [choose(LOGITS, Draw(1.0, 1.0, 3), position) for position in range(50)]
    assert first == [choose(LOGITS, Draw(1.0, 1.0, 3), position) for position in range(50)]
    assert first != [choose(LOGITS, Draw(1.0, 1.0, 4), position) for position in range(50)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_new_tokens", 0), ("temperature", -0.1), ("temperature", math.nan), ("temperature", math.inf),
        ("top_p", 0.0), ("top_p", 1.1), ("seed", -1), ("seed", 2**64), ("stop", ("",)), ("stop", ("x",) * 17),
        ("first_token_s", 0.0), ("total_s", math.inf),
    ],
)  # fmt: skip
def test_values_that_cannot_be_decoded_with_are_named(field, value):
    with pytest.raises(BadRequestError, match=field):
        check(replace(Sampling(), **{field: value}))


def test_the_defaults_are_fine():
    check(Sampling(seed=2**64 - 1, stop=("x",) * 16))
