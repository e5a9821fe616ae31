"""Rows that do not fit: what is cut away is not learnt, and a row without any answer left trains to NaN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assistant.errors import ModelFileError
from assistant.rendering import Renderer
from finetune.checks.rows import Row
from finetune.schema import Fault


def check(
    rows: Sequence[Row], renderer: Renderer | None, limit: int
) -> tuple[list[Fault], Mapping[str, int]]:
    """Measure every row in the tokens of the model.

    Args:
        rows: To measure.
        renderer: The model's own; without one nothing is measured.
        limit: Tokens of a row that are trained on.

    Returns:
        Faults, and the lengths: ``p50``, ``p95``, ``longest`` and ``limit``, in tokens.
    """
    if renderer is None:
        return [], {}
    faults, lengths = [], []
    for row in rows:
        try:
            prompt = len(renderer.ids(row.asked, open_reply=True))
        except ModelFileError as refused:
            faults.append(row.fault("messages", f"cannot be rendered: {refused}", "role"))
            continue
        reply = max(len(renderer.text_ids(text)) for text in row.replies) + 1
        lengths.append(prompt + reply)
        if prompt + reply > limit:
            faults.append(_cut(row, prompt, reply, limit))
    return faults, _summary(lengths, limit)


def _cut(row: Row, prompt: int, reply: int, limit: int) -> Fault:
    need = f"shorten the row, or raise max_length to {prompt + reply} where memory allows"
    if prompt >= limit:
        reason = f"would be cut away whole: the prompt alone has {prompt} tokens of {limit}; {need}"
    else:
        lost = prompt + reply - limit
        whole = f"the row has {prompt + reply}, the limit is {limit}"
        reason = f"would lose its last {lost} of {reply} tokens: {whole}; {need}"
    return row.fault(row.reply_field, reason, "cut")


def _summary(lengths: Sequence[int], limit: int) -> Mapping[str, int]:
    if not lengths:
        return {}
    ordered = sorted(lengths)
    places = {"p50": (len(ordered) - 1) // 2, "p95": (len(ordered) - 1) * 19 // 20, "longest": -1}
    return {**{name: ordered[place] for name, place in places.items()}, "limit": limit}
