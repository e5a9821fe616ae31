"""Each request draws its own tokens, inside a batch that is shared.

Continuous batching samples the whole batch from one random stream. Here a row that samples draws its token
itself, from a stream that depends on its own seed and position alone, and leaves the batch no choice; the
batch runs greedily. So neighbours cannot change a draw, and a request that is moved to a new batch goes on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch  # noqa: TID253
from transformers.generation.continuous_batching.cb_logits_processors import (  # noqa: TID253
    ContinuousBatchingLogitsProcessor,
)

_NUCLEUS = 512  # most nuclei are smaller: sorting the whole vocabulary costs ten times more


@dataclass(frozen=True, slots=True)
class Draw:
    """How one request draws. ``temperature`` >= 0 (0 takes the likeliest), ``top_p`` in 0..1."""

    temperature: float
    top_p: float
    seed: int


def choose(logits: torch.Tensor, draw: Draw, position: int) -> int:
    """Draw a token.

    Args:
        logits: ``(v,)`` float32.
        draw: Temperature, nucleus and seed.
        position: Index of the new token, the prompt included; with the seed it fixes the draw.
    """
    if draw.temperature == 0:
        return int(logits.argmax())
    uniform = np.random.Generator(np.random.Philox(key=draw.seed, counter=[0, 0, 0, position])).random()
    probs = torch.softmax(logits / draw.temperature, dim=-1)  # (v,)
    if draw.top_p >= 1:
        return _invert(probs, uniform)
    top, index = probs.topk(min(_NUCLEUS, len(probs)))
    if float(top.sum()) < draw.top_p:
        top, index = probs.sort(descending=True)
    before = top.cumsum(-1) - top  # mass ahead of each token: the first one always stays
    return int(index[_invert(top * (before < draw.top_p), uniform)])


def _invert(weights: torch.Tensor, uniform: float) -> int:
    mass = weights.double().cumsum(-1)
    return min(int(torch.searchsorted(mass, uniform * mass[-1], right=True)), len(weights) - 1)


class PerRequestSampling(ContinuousBatchingLogitsProcessor):  # type: ignore[misc] # untyped
    """Lets each row of the batch draw for itself; rows without a ``Draw`` stay greedy."""

    supported_kwargs = {"draw": Draw}  # noqa: RUF012 - the library reads a class attribute
    ignored_kwargs = ()

    def __init__(self) -> None:
        self._rows: list[tuple[Draw | None, int]] = []

    def fill_defaults(self, int32_tensor: torch.Tensor) -> None:
        """Nothing travels by tensor."""
        int32_tensor.zero_()

    def prepare_tensor_args(self, requests_with_new_token: list[Any]) -> torch.Tensor:
        """Remember what each row of the coming step needs."""
        states = [request.state for request in requests_with_new_token]
        self._rows = [
            (state.logit_processor_kwargs.get("draw"), len(state.initial_tokens) + state.generated_len())
            for state in states
        ]
        return torch.zeros(len(states), dtype=torch.int32)

    def __call__(self, scores: torch.Tensor, tensor_arg: torch.Tensor) -> torch.Tensor:
        """Leave each drawing row one possible token.

        Args:
            scores: ``(b, v)`` float32 logits, changed in place.
            tensor_arg: Not used.
        """
        for row, (draw, position) in enumerate(self._rows):
            if draw is not None:
                token = choose(scores[row], draw, position)
                scores[row] = -math.inf
                scores[row, token] = 0.0
        return scores
