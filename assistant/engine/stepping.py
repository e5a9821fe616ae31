"""One reply on one model, token by token, with nothing beside it: a plain generator that may be closed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import torch  # noqa: TID253
from transformers import DynamicCache, PreTrainedModel  # noqa: TID253

from assistant.engine.drawing import Draw, choose


def tokens(
    model: PreTrainedModel, ids: Sequence[int], ends: Collection[int], most: int, draw: Draw
) -> Iterator[int]:
    """Write a reply; its draws are those that the batch makes with the same seed.

    Args:
        model: In evaluation mode.
        ids: The prompt, not empty.
        ends: Ids that end the reply; the one that did is its last.
        most: Tokens of the reply.
        draw: How to choose; temperature 0 takes the likeliest.
    """
    cache = DynamicCache(config=model.config)
    fresh = list(ids)
    for position in range(len(ids), len(ids) + most):
        token = choose(_next(model, fresh, cache), draw, position)
        yield token
        if token in ends:
            return
        fresh = [token]


def _next(model: PreTrainedModel, fresh: list[int], cache: DynamicCache) -> torch.Tensor:
    """Read ``fresh`` after what the cache holds; the logits of the token after it, ``(v,)`` float32."""
    read = torch.tensor([fresh], device=model.device)
    with torch.inference_mode():
        output = model(read, past_key_values=cache, use_cache=True, logits_to_keep=1)
        logits: torch.Tensor = output.logits[0, -1].float()
    return logits
