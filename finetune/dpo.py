"""Learning from preferences: TRL's DPO trainer over the same base, adapter and checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch  # noqa: TID253
from datasets import Dataset  # noqa: TID253
from transformers import PrinterCallback, TrainerCallback  # noqa: TID253
from trl.trainer.dpo_config import DPOConfig  # noqa: TID253
from trl.trainer.dpo_trainer import DPOTrainer  # noqa: TID253
from trl.trainer.utils import use_adapter  # noqa: TID253

from assistant.errors import TrainingDataError
from assistant.rendering import Renderer
from assistant.schema import Message
from finetune.encoding import encode
from finetune.schema import Preference
from finetune.training import Checkpointed, Schedule, arguments


class Trainer(Checkpointed, DPOTrainer):  # type: ignore[misc] # untyped
    """TRL's, with complete checkpoints, over rows that are ids already."""

    def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
        """They went through the renderer of serving."""
        return dataset


def make(
    model: Any,
    tokenizer: Any,
    renderer: Renderer,
    preferences: Sequence[Preference],
    schedule: Schedule,
    folder: Path,
    callbacks: Sequence[TrainerCallback],
    precision: str,
    beta: float,
    max_length: int,
    tracking: bool = False,
) -> Trainer:
    """A DPO trainer that is ready to start. The reference is the model as it begins.

    Raises:
        TrainingDataError: There are no preference pairs.
    """
    if not preferences:
        raise TrainingDataError(
            field="data.train",
            reason="there are no preference pairs",
            remedy="give rows with chosen and rejected, or chats with a thumb down and an edit",
        )
    rows = [ids(preference, renderer) for preference in preferences]
    told = arguments(schedule, folder, precision, tracking=tracking) | {
        "beta": beta,
        "max_length": max_length,
    }
    trainer = Trainer(
        model=model,
        args=DPOConfig(**told),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        callbacks=list(callbacks),
    )
    trainer.remove_callback(PrinterCallback)
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()
    return trainer


def measure(model: Any, rows: Sequence[Mapping[str, list[int]]], beta: float) -> dict[str, float]:
    """How well held-out pairs are told apart.

    Not the trainer's own evaluation: that one waits for all processes, and only the first one measures.

    Args:
        model: In evaluation mode, with its adapter.
        rows: From `ids`.
        beta: Of the loss.

    Returns:
        ``loss``, and ``preferred``: the share of pairs whose better reply gained more than the other over
        what the model said of it when it began.
    """
    began = "ref" if "ref" in model.peft_config else None
    margins = []
    for row in rows:
        now = _margin(model, row)
        with use_adapter(model, began):
            margins.append(now - _margin(model, row))
    found = torch.tensor(margins)
    loss = -torch.nn.functional.logsigmoid(beta * found).mean()
    return {"loss": float(loss), "preferred": float((found > 0).float().mean())}


def _margin(model: Any, row: Mapping[str, list[int]]) -> float:
    """Log-likelihood of the better reply less that of the other, nats."""
    said = []
    for reply in (row["chosen_ids"], row["rejected_ids"]):
        shown = torch.tensor([[*row["prompt_ids"], *reply]], device=model.device)
        logits = model(input_ids=shown, use_cache=False).logits[0, -len(reply) - 1 : -1].float()
        said.append(-torch.nn.functional.cross_entropy(logits, shown[0, -len(reply) :], reduction="sum"))
    return float(said[0] - said[1])


def ids(preference: Preference, renderer: Renderer) -> dict[str, list[int]]:
    """A pair as TRL takes it, through the renderer of serving."""
    asked = renderer.ids(preference.prompt, open_reply=True)

    def said(reply: str) -> list[int]:
        whole = encode([*preference.prompt, Message("assistant", reply)], renderer).ids
        return list(whole[len(asked) :])  # with the token that ends a turn, which is not every model's eos

    return {
        "prompt_ids": asked,
        "chosen_ids": said(preference.chosen),
        "rejected_ids": said(preference.rejected),
    }
