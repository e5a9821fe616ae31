"""Held-out examples asked of a model in training, and scored by whoever offers to."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch  # noqa: TID253

from assistant.errors import TrainingError
from assistant.rendering import Renderer
from finetune.encoding import Encoded, encode
from finetune.packing import alone
from finetune.schema import Example
from finetune.training import Collator

Score = Callable[[Sequence[dict[str, Any]], Sequence[str]], Mapping[str, float]]
METRICS = {"sentiment": "accuracy", "grounded": "token_f1", "summarize": "rouge_l"}
"""What decides which checkpoint is best, for each task; for any other the loss does."""
_BATCH = 8
_LONGEST = {"sentiment": 16, "grounded": 48, "summarize": 64}


def scorer() -> Score:
    """The measure that an installed package offers (entry point ``score`` of ``youju.measures``).

    Raises:
        TrainingError: There is none.
    """
    for point in importlib.metadata.entry_points(group="youju.measures"):
        if point.name == "score":
            found: Score = point.load()
            return found
    raise TrainingError(
        reason="no package measures answers", remedy='install youju anew, or use metric = "loss"'
    )


def metric_of(examples: Sequence[Example], wanted: str) -> str:
    """The metric that decides: the wanted one, else that of the task that most examples have.

    Raises:
        TrainingError: The wanted one cannot be measured on these examples.
    """
    tasks = [example.task for example in examples if example.case]
    possible = {"loss", *(METRICS[task] for task in tasks if task in METRICS)}
    if wanted and wanted not in possible:
        raise TrainingError(
            reason=f'evaluation.metric = "{wanted}" cannot be measured on the cases held out',
            remedy=f"take one of {', '.join(sorted(possible))}, or hold such cases out",
        )
    if wanted:
        return wanted
    most = max(set(tasks), key=tasks.count) if tasks else ""
    return METRICS.get(most, "loss")


def measure(
    model: Any, tokenizer: Any, renderer: Renderer, examples: Sequence[Example], score: Score
) -> dict[str, float]:
    """Loss on the examples, and what their task's metric says about the model's own replies.

    Args:
        model: In evaluation mode.
        tokenizer: Its own.
        renderer: Its own.
        examples: Held out; those with a ``case`` are also answered.
        score: From cases and outputs to metrics.
    """
    rows = [encode(example.messages, renderer) for example in examples]
    found = {"loss": loss(model, rows)}
    asked = [example for example in examples if example.case and example.task in _LONGEST]
    if asked:
        outputs = [
            text
            for n in range(0, len(asked), _BATCH)
            for text in _answers(model, tokenizer, renderer, asked[n : n + _BATCH])
        ]
        found |= score([example.case or {} for example in asked], outputs)
    return found


def loss(model: Any, rows: Sequence[Encoded]) -> float:
    """Mean loss of the learnt tokens, nats."""
    collate = Collator(0, sliding(model))
    total, count = 0.0, 0
    for sequence in alone(rows):
        batch = collate([{"input_ids": list(sequence.ids), "labels": list(sequence.labels),
                          "positions": list(sequence.positions), "ends": list(sequence.ends)}])  # fmt: skip
        labels = batch.pop("labels")[:, 1:].to(model.device)
        inputs = {name: _to(value, model.device) for name, value in batch.items()}
        logits = model(**inputs, use_cache=False).logits[:, :-1].float()
        learnt = labels != -100
        total += float(torch.nn.functional.cross_entropy(logits[learnt], labels[learnt], reduction="sum"))
        count += int(learnt.sum())
    return total / max(count, 1)


def sliding(model: Any) -> int:
    """Window of a model's sliding layers, or 0."""
    config = model.config.get_text_config()
    return (
        int(config.sliding_window)
        if "sliding_attention" in (getattr(config, "layer_types", None) or ())
        else 0
    )


def _to(value: Any, device: Any) -> Any:
    return {k: v.to(device) for k, v in value.items()} if isinstance(value, dict) else value.to(device)


def _answers(model: Any, tokenizer: Any, renderer: Renderer, examples: Sequence[Example]) -> list[str]:
    """Greedy replies, all prompts at once."""
    prompts = [renderer.ids(example.messages[:-1], open_reply=True) for example in examples]
    width, pad = max(map(len, prompts)), int(tokenizer.pad_token_id or 0)
    ids = torch.tensor([[pad] * (width - len(row)) + row for row in prompts], device=model.device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in prompts], device=model.device)
    most = max(_LONGEST[example.task] for example in examples)
    out = model.generate(
        input_ids=ids,
        attention_mask=mask,
        max_new_tokens=most,
        do_sample=False,
        pad_token_id=pad,
        use_cache=True,
    )
    replies = []
    for row in out[:, width:].tolist():
        ended = next((n for n, token in enumerate(row) if token in renderer.control), len(row))
        replies.append(tokenizer.decode(row[:ended], skip_special_tokens=True).strip())
    return replies
