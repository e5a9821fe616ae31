"""The one trainer: TRL's, over a 4-bit base with LoRA, fed with sequences that share their beginnings."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch  # noqa: TID253
from datasets import Dataset  # noqa: TID253
from peft import LoraConfig, PeftModel, get_peft_model  # noqa: TID253
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PrinterCallback, TrainerCallback, set_seed  # noqa: TID253
from trl.trainer import utils as trl_utils  # noqa: TID253
from trl.trainer.sft_config import SFTConfig  # noqa: TID253
from trl.trainer.sft_trainer import SFTTrainer  # noqa: TID253

from finetune import ranks
from finetune.encoding import IGNORED
from finetune.folder import finish, no_room
from finetune.packing import Packed

KEPT = 2
"""Complete checkpoints that stay."""


# Without Triton, TRL scores every position over the whole vocabulary, those without a label too: compilers
# like one shape. Nothing is compiled here, and over Gemma's vocabulary a step took more than twice as long.
trl_utils._use_triton = lambda _device: True


@dataclass(frozen=True, slots=True)
class Lora:
    """The adapter: low-rank updates of all linear layers.

    Attributes:
        rank: Of the update; its size grows with it.
        alpha: The update counts alpha/rank times (rsLoRA: alpha/√rank).
        dropout: Share of the adapter's inputs left out while training.
        rslora: Rank-stabilized scale, for large ranks.
        dora: Direction and size trained apart; slower.
        upper: Share of the model's layers, from the top, that get an update. Below them no gradient is
            computed: with a half, a step takes two thirds of the time.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    rslora: bool = False
    dora: bool = False
    upper: float = 1.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn.

    Attributes:
        epochs: Times that each row is seen.
        max_steps: Ends before the epochs do, where above 0.
        learning_rate: At its peak.
        schedule: Its course after the warm-up.
        warmup: Share of the steps in which it rises.
        sequences_per_step: Sequences of each process whose gradients make one step; each token with loss
            counts the same.
        micro_batch: So many of them are computed at once.
        checkpoint_every: Steps between checkpoints.
        log_every: Steps between two lines of progress.
        seed: Of the adapter's first weights and the order.
        checkpointing: Recompute activations to save memory.
    """

    epochs: float = 1.0
    max_steps: int = 0
    learning_rate: float = 2e-4
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = 0.03
    sequences_per_step: int = 4
    micro_batch: int = 1
    checkpoint_every: int = 100
    log_every: int = 5
    seed: int = 0
    checkpointing: bool = False


class Collator:
    """Sequences to tensors: the mask lets a token see its own row's past, and nothing else.

    Args:
        pad: Id that fills up the shorter ones of several sequences; it is never seen or learnt.
        sliding: Window of a model with sliding layers (Gemma 3), else 0.
    """

    def __init__(self, pad: int, sliding: int = 0) -> None:
        self._pad = pad
        self._sliding = sliding

    def __call__(self, rows: Sequence[dict[str, list[int]]]) -> dict[str, Any]:
        """Ids, labels and positions are (batch, length), the mask is (batch, 1, length, length)."""
        length = max(len(row["input_ids"]) for row in rows)
        positions = _filled(rows, "positions", length, 0)
        ends = _filled(rows, "ends", length, 0)
        place = torch.arange(length)
        seen = (place[None, None, :] <= place[None, :, None]) & (place[None, :, None] < ends[:, None, :])
        seen |= torch.eye(length, dtype=torch.bool)  # padding sees itself: a row of the mask is never empty
        mask: Any = seen[:, None]
        if self._sliding:
            near = positions[:, :, None] - positions[:, None, :] < self._sliding
            mask = {"full_attention": mask, "sliding_attention": mask & near[:, None]}
        return {
            "input_ids": _filled(rows, "input_ids", length, self._pad),
            "labels": _filled(rows, "labels", length, IGNORED),
            "position_ids": positions,
            "attention_mask": mask,
        }


def _filled(rows: Sequence[dict[str, list[int]]], name: str, length: int, filler: int) -> torch.Tensor:
    return torch.tensor([row[name] + [filler] * (length - len(row[name])) for row in rows])


class Checkpointed:
    """Before one of TRL's trainers: its checkpoints are complete or absent."""

    def _get_output_dir(self, trial: Any) -> str:
        """Checkpoints are written under another name, and get theirs when they are whole."""
        return str(Path(self.args.output_dir) / "part")  # type: ignore[attr-defined]

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """As the library's, then the marker and the name."""
        part = Path(self._get_output_dir(trial))
        if ranks.first():
            shutil.rmtree(part, ignore_errors=True)
        try:
            self.accelerator.wait_for_everyone()  # type: ignore[attr-defined]
            super()._save_checkpoint(model, trial)  # type: ignore[misc]
            self.accelerator.wait_for_everyone()  # type: ignore[attr-defined]
            if ranks.first():
                (written,) = part.iterdir()
                step = self.state.global_step  # type: ignore[attr-defined]
                finish(written, part.parent / f"step-{step:06d}", KEPT)
        except OSError as fault:
            raise no_room(part.parent, fault) from fault
        finally:
            if ranks.first():
                shutil.rmtree(part, ignore_errors=True)

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """The run writes its own card, with data and numbers."""


class Trainer(Checkpointed, SFTTrainer):  # type: ignore[misc] # untyped
    """TRL's trainer over `Packed` sequences: its loss (learnt tokens only, no full logits), its loop."""

    def _set_signature_columns_if_needed(self) -> None:
        self._signature_columns = ["input_ids", "labels", "positions", "ends"]

    def compute_loss(self, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """As TRL's, which counts tokens by a mask of two dimensions: here it counts positions."""
        inputs = dict(inputs)
        mask = inputs.pop("attention_mask")
        inputs = _Batch(inputs, attention_mask=mask)
        return super().compute_loss(model, inputs, *args, **kwargs)


class _Batch(dict[str, Any]):
    """Hands its mask to the model, and hides it from whoever asks whether there is one."""

    def __contains__(self, key: object) -> bool:
        return key != "attention_mask" and super().__contains__(key)


def adapted(base: PreTrainedModel, lora: Lora, schedule: Schedule, start: Path | None = None) -> PeftModel:
    """Put an adapter on all linear layers of a loaded base.

    Args:
        base: 4-bit or not; its weights stay as they are.
        lora: The adapter's form.
        schedule: Its seed draws the first weights.
        start: Folder of the adapter to go on from; its form counts then.
    """
    set_seed(schedule.seed)
    keep_exact(base)
    base.requires_grad_(False)  # peft's own preparation makes norms and embeddings 32 bit, for no gain
    if start:
        return PeftModel.from_pretrained(base, start, is_trainable=True)
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        use_rslora=lora.rslora,
        use_dora=lora.dora,
        target_modules="all-linear" if lora.upper == 1.0 else _linear(base),
        layers_to_transform=None if lora.upper == 1.0 else _upper(base, lora.upper),
        task_type="CAUSAL_LM",
    )
    return get_peft_model(base, config)


def _linear(base: PreTrainedModel) -> list[str]:
    """Names of the linear layers inside the blocks; peft spells them out itself only for all blocks."""
    head = base.get_output_embeddings()
    linear = [
        name for name, each in base.named_modules() if isinstance(each, torch.nn.Linear) and each is not head
    ]
    return sorted({name.rpartition(".")[2] for name in linear})


def _upper(base: PreTrainedModel, share: float) -> list[int]:
    count = base.config.get_text_config().num_hidden_layers
    return list(range(count - max(1, round(count * share)), count))


def keep_exact(base: PreTrainedModel) -> None:
    """Forbid bitsandbytes to repack 4-bit weights for fast reading on this CPU.

    It does so at the first forward pass in evaluation mode. From then on nothing flows back through the base,
    and every save unpacks the weights a little different: both would spoil a training measured midway.
    """
    for module in base.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def arguments(schedule: Schedule, folder: Path, precision: str, *, tracking: bool = False) -> dict[str, Any]:
    """What all of TRL's trainers are told alike."""
    return {
        "output_dir": str(folder),
        "per_device_train_batch_size": schedule.micro_batch,
        "gradient_accumulation_steps": schedule.sequences_per_step // schedule.micro_batch,
        "num_train_epochs": schedule.epochs,
        "max_steps": schedule.max_steps or -1,
        "learning_rate": schedule.learning_rate,
        "lr_scheduler_type": schedule.schedule,
        "warmup_steps": schedule.warmup,
        "max_grad_norm": 1.0,
        "bf16": precision == "bf16",
        "use_cpu": not torch.cuda.is_available(),
        "gradient_checkpointing": schedule.checkpointing,
        "remove_unused_columns": False,
        "save_strategy": "steps",
        "save_steps": schedule.checkpoint_every,
        "logging_steps": schedule.log_every,
        "logging_first_step": True,
        "logging_nan_inf_filter": False,
        "disable_tqdm": True,
        "report_to": "trackio" if tracking else "none",
        "project": "youju",
        "seed": schedule.seed,
        "data_seed": schedule.seed,
        "dataloader_num_workers": 0,
    }


def make(
    model: PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    sequences: Sequence[Packed],
    schedule: Schedule,
    folder: Path,
    callbacks: Sequence[TrainerCallback] = (),
    precision: Literal["bf16", "fp32"] = "bf16",
    tracking: bool = False,
) -> Trainer:
    """A trainer that is ready to start: ``.train()``, or ``.train(resume_from_checkpoint=…)``.

    Args:
        model: With its adapter.
        tokenizer: For the id that pads.
        sequences: From `pack`, in the order of the first epoch.
        schedule: How long and how fast.
        folder: For checkpoints.
        callbacks: Progress, checkpoints, stopping.
        precision: What the matrix products compute in; the adapter's weights are 32 bit.
        tracking: Also log to trackio, on this machine.
    """
    rows = [
        {
            "input_ids": list(s.ids),
            "labels": list(s.labels),
            "positions": list(s.positions),
            "ends": list(s.ends),
        }
        for s in sequences
    ]
    config = model.config.get_text_config()
    sliding = (
        config.sliding_window if "sliding_attention" in (getattr(config, "layer_types", None) or ()) else 0
    )
    told = arguments(schedule, folder, precision, tracking=tracking)
    told |= {"dataset_kwargs": {"skip_prepare_dataset": True}}
    trainer = Trainer(
        model=model,
        args=SFTConfig(**told),
        train_dataset=Dataset.from_list(rows),
        data_collator=Collator(tokenizer.pad_token_id or 0, sliding),
        processing_class=tokenizer,
        callbacks=list(callbacks),
    )
    trainer.remove_callback(PrinterCallback)
    for weight in model.parameters():
        if weight.requires_grad:  # TRL makes them 16 bit over a 4-bit base: too coarse for small steps
            weight.data = weight.data.float()
    return trainer
