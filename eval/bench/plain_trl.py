"""The other side of ``eval.bench.training``: TRL's SFTTrainer as its documentation starts it.

A child process: ``python -m eval.bench.plain_trl --model FOLDER --rows FILE --out FOLDER``. Batch size,
padding, checkpointing of activations, precision, optimizer and schedule are TRL's defaults; the 4-bit base,
the adapter's form, the learning rate, one epoch and the seed are those of our side.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

EPOCHS = 1.0
RATE = 2e-4
RANK, ALPHA = 16, 32


def main() -> None:
    """Train on the rows; write ``progress.jsonl`` and ``adapter/`` into ``--out``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of the base")
    parser.add_argument("--rows", type=Path, required=True, help="messages, one conversation a line")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    trainer = _trainer(given.model, given.rows, given.out, given.seed)
    trainer.train()
    trainer.save_model(str(given.out / "adapter"))


def _trainer(model: Path, rows: Path, out: Path, seed: int) -> Any:
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    from assistant.engine import loading
    from assistant.models import nf4

    device, dtype = loading.place()
    arguments = SFTConfig(
        output_dir=str(out / "checkpoints"),
        num_train_epochs=EPOCHS,
        learning_rate=RATE,
        seed=seed,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=device.type == "cpu",  # without a word it refuses to start there
        model_init_kwargs={"quantization_config": nf4.config(dtype), "device_map": {"": device}},
    )
    lora = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules="all-linear", task_type="CAUSAL_LM")
    return SFTTrainer(
        model=str(model),
        args=arguments,
        train_dataset=Dataset.from_list([_split(line) for line in rows.read_text("utf-8").splitlines()]),
        peft_config=lora,
        callbacks=[_clock(out / "progress.jsonl")],
    )


def _split(line: str) -> dict[str, Any]:
    """TRL puts the loss on the completion only."""
    messages = json.loads(line)["messages"]
    return {"prompt": messages[:-1], "completion": messages[-1:]}


def _clock(path: Path) -> Any:
    """Writes a line when a step is done, as our own runs do."""
    from transformers import TrainerCallback

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **rest: Any) -> None:
            if "loss" not in logs:
                return
            row = {
                "at": time.time(),
                "step": state.global_step,
                "steps": state.max_steps,
                "loss": logs["loss"],
            }
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")

    return Clock()


if __name__ == "__main__":
    main()
