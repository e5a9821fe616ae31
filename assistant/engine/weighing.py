"""Log-likelihoods of given replies by the lean step; what a prompt's beginning was read for is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile

import torch  # noqa: TID253

from assistant.engine.lean import Lean
from assistant.engine.prefixes import Cache

Ids = Sequence[int]
_SLICE = 512  # tokens read in one go, for the memory
_FEW = 3  # prompts that are kept whole: their answers are likely to be asked for next
_WORTH = 32  # tokens in common that are worth reading apart


def score(
    lean: Lean,
    prompts: Sequence[Ids],
    replies: Sequence[Sequence[Ids]],
    begin: Callable[[Ids, int], Cache],
    keep: Callable[[Cache], None],
) -> list[list[float]]:
    """Score the replies to each prompt; see ``scoring.score``.

    Args:
        lean: The model.
        prompts: ``b`` prompts, none empty.
        replies: For each prompt the same number of replies, none empty.
        begin: A cache for a prompt, with room for so many tokens, and its known beginning.
        keep: Takes a cache whose text is likely to come again.
    """
    room = max(len(reply) for row in replies for reply in row)
    if (shared := _shared(prompts)) >= _WORTH:
        stem = begin(prompts[0][: shared + 1], shared + 1)
        _read(lean, [(stem, prompts[0][:shared])])
        keep(stem)
    caches = [begin(prompt, len(prompt) + room) for prompt in prompts]
    last = _read(lean, list(zip(caches, prompts, strict=True)))
    first = torch.tensor([[reply[0] for reply in row] for row in replies])  # (b, replies)
    found: list[list[float]] = lean.logprobs(
        torch.stack([last[n] for n in range(len(prompts))]), first
    ).tolist()
    for column in range(len(replies[0])):
        tails = [row[column] for row in replies]
        for n, more in _rest(lean, caches, prompts, tails):
            found[n][column] += more
    for cache in caches if len(caches) <= _FEW else ():
        keep(cache)
    return found


def _read(lean: Lean, texts: Sequence[tuple[Cache, Ids]]) -> dict[int, torch.Tensor]:
    """Read what the caches lack of their texts; by number, the last hidden state of each that lacked any."""
    ends: dict[int, torch.Tensor] = {}
    for step in _steps(texts):
        hidden = lean.read([(texts[n][0], fresh) for n, fresh in step])
        for (n, _), states in zip(step, hidden.split([len(fresh) for _, fresh in step]), strict=True):
            ends[n] = states[-1]
    return ends


def _steps(texts: Sequence[tuple[Cache, Ids]]) -> Iterator[list[tuple[int, Ids]]]:
    """Cut what is to be read into steps of a bounded size; several short texts share one."""
    step: list[tuple[int, Ids]] = []
    size = 0
    for n, (cache, ids) in enumerate(texts):
        known = len(cache.tokens)
        for begin in range(known, len(ids), _SLICE):
            fresh = ids[begin : min(begin + _SLICE, len(ids))]
            if step and (size + len(fresh) > _SLICE or step[-1][0] == n):
                yield step
                step, size = [], 0
            step.append((n, fresh))
            size += len(fresh)
    if step:
        yield step


def _rest(
    lean: Lean, caches: Sequence[Cache], prompts: Sequence[Ids], replies: Sequence[Ids]
) -> Iterator[tuple[int, float]]:
    """Nats of each reply from its second token on, with the number of its prompt."""
    longer = [n for n, reply in enumerate(replies) if len(reply) > 1]
    if not longer:
        return
    hidden = lean.read([(caches[n], replies[n][:-1]) for n in longer])
    tails = [replies[n][1:] for n in longer]
    each = lean.logprobs(hidden, torch.tensor([[token] for tail in tails for token in tail]))[:, 0]
    for n, logprobs in zip(longer, each.split([len(tail) for tail in tails]), strict=True):
        caches[n].cut(len(prompts[n]))
        yield n, float(logprobs.sum())


def _shared(prompts: Sequence[Ids]) -> int:
    """Tokens that all prompts begin with, at least one of each left over; none for a single prompt."""
    if len(prompts) == 1:
        return 0
    alike = takewhile(lambda column: len(set(column)) == 1, zip(*prompts, strict=False))
    return min(sum(1 for _ in alike), min(map(len, prompts)) - 1)
