"""Log-likelihoods of given replies, many prompts at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

import torch  # noqa: TID253
from transformers import DynamicCache, PreTrainedModel  # noqa: TID253

Ids = Sequence[int]


def score(
    model: PreTrainedModel, prompts: Sequence[Ids], replies: Sequence[Sequence[Ids]]
) -> list[list[float]]:
    """Score the replies to each prompt; what the prompts have in common is read once.

    Args:
        model: In evaluation mode; nothing else may change its adapters meanwhile.
        prompts: ``b`` prompts, none empty.
        replies: For each prompt the same number ``r`` of replies, none empty.

    Returns:
        ``b`` lists of ``r`` sums over a reply's tokens, nats.
    """
    with torch.inference_mode():
        return _score(model, prompts, replies)


def _score(
    model: PreTrainedModel, prompts: Sequence[Ids], replies: Sequence[Sequence[Ids]]
) -> list[list[float]]:
    r = len(replies[0])
    flat = [reply for row in replies for reply in row]  # b * r
    width = max(len(reply) for reply in flat)
    cache, mask, last = _read(model, prompts, width)  # last: (b, v)
    first = torch.tensor([reply[0] for reply in flat], device=last.device)
    total = last.repeat_interleave(r, 0).gather(1, first[:, None])[:, 0]  # (b * r,)
    if width > 1:
        cache.batch_repeat_interleave(r)
        total += _rest(model, cache, mask.repeat_interleave(r, 0), flat, width)
    return [row.tolist() for row in total.view(len(prompts), r)]


def _read(
    model: PreTrainedModel, prompts: Sequence[Ids], replies: int
) -> tuple[DynamicCache, torch.Tensor, torch.Tensor]:
    """Read the prompts, to be followed by up to ``replies`` tokens.

    Returns:
        Their cache, its mask, and the log-probabilities of the next token, ``(b, v)``.
    """
    b, device = len(prompts), model.device
    shared = _shared(prompts, getattr(model.config.get_text_config(), "sliding_window", None), replies)
    cache = DynamicCache(config=model.config)
    if shared:
        model(
            torch.tensor([list(prompts[0][:shared])], device=device),
            past_key_values=cache, use_cache=True, logits_to_keep=1,
        )  # fmt: skip
        cache.batch_repeat_interleave(b)
    width = max(map(len, prompts)) - shared
    ids = torch.zeros(b, width, dtype=torch.long, device=device)
    mask = torch.zeros(b, shared + width, dtype=torch.long, device=device)
    mask[:, :shared] = 1
    for row, prompt in enumerate(prompts):  # padded on the left, so that all end in the last column
        ids[row, width - len(prompt) + shared :] = torch.tensor(list(prompt[shared:]), device=device)
        mask[row, shared + width - len(prompt) + shared :] = 1
    positions = (mask.cumsum(1) - 1).clamp(min=0)[:, shared:]
    output = model(
        ids, attention_mask=mask, position_ids=positions, past_key_values=cache,
        use_cache=True, logits_to_keep=1,
    )  # fmt: skip
    return cache, mask, output.logits[:, -1].float().log_softmax(-1)


def _shared(prompts: Sequence[Ids], window: int | None, replies: int) -> int:
    """Tokens that all prompts begin with, so that they are read once.

    Padding comes after them. A sliding window counts it as distance: where it could bite, nothing is shared.
    """
    if window and max(map(len, prompts)) + replies > window:
        return 0
    alike = takewhile(lambda column: len(set(column)) == 1, zip(*prompts, strict=False))
    return min(sum(1 for _ in alike), min(map(len, prompts)) - 1)


def _rest(
    model: PreTrainedModel, cache: DynamicCache, mask: torch.Tensor, replies: Sequence[Ids], width: int
) -> torch.Tensor:
    """Nats of each reply from its second token on, ``(n,)``; replies are padded on the right."""
    device = model.device
    ids = torch.zeros(len(replies), width, dtype=torch.long, device=device)
    for row, reply in enumerate(replies):
        ids[row, : len(reply)] = torch.tensor(list(reply), device=device)
    lengths = torch.tensor([len(reply) for reply in replies], device=device)
    real = torch.arange(width, device=device)[None] < lengths[:, None]  # (n, width)
    start = mask.sum(1, keepdim=True)
    output = model(
        ids[:, :-1],
        attention_mask=torch.cat([mask, real[:, :-1].long()], 1),
        position_ids=start + torch.arange(width - 1, device=device)[None],
        past_key_values=cache,
        use_cache=True,
    )
    logprobs = output.logits.float().log_softmax(-1)  # (n, width - 1, v)
    picked = logprobs.gather(2, ids[:, 1:, None])[:, :, 0]
    return (picked * real[:, 1:]).sum(1)
