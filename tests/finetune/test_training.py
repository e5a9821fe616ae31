"""The trainer computes what is learnt from, and nothing else."""

from __future__ import annotations

import pytest
import tiny
import torch

from finetune.encoding import IGNORED, Encoded
from finetune.packing import pack


def test_only_learnt_tokens_are_scored(tmp_path, monkeypatch) -> None:
    """Over a large vocabulary the others would take most of a step."""
    from trl.trainer import utils

    from assistant.engine import loading
    from finetune import training

    scored = []

    class Counting(utils._ChunkedLogProbFunction):
        @classmethod
        def apply(cls, hidden, *rest):
            scored.append(len(hidden))
            return super().apply(hidden, *rest)

    rows = [Encoded((1, 5, 6, 7, 8, n, 9, n), (*[IGNORED] * 6, 9, n)) for n in range(20, 26)]
    sequences = pack(rows, 64, 0)
    base = loading.load(tiny.build(tmp_path / "tiny"), "none")
    expected = mean_loss(base.model, rows)
    schedule = training.Schedule(max_steps=1, sequences_per_step=1)
    trainer = training.make(
        training.adapted(base.model, training.Lora(rank=2), schedule),
        base.tokenizer, sequences, schedule, tmp_path / "run", precision="fp32",
    )  # fmt: skip
    monkeypatch.setattr(utils, "_ChunkedLogProbFunction", Counting)
    trainer.train()
    assert scored == [sum(label != IGNORED for label in sequences[0].labels)]
    assert trainer.state.log_history[0]["loss"] == pytest.approx(expected, rel=1e-4)


@torch.no_grad()
def mean_loss(model, rows) -> float:
    """Over the learnt tokens of all rows, each row alone."""
    losses = []
    for row in rows:
        ids, labels = torch.tensor([row.ids]), torch.tensor(row.labels[1:])
        logits = model(ids).logits[0, :-1].float()
        losses.append(torch.nn.functional.cross_entropy(logits, labels, ignore_index=IGNORED))
    return float(torch.stack(losses).mean())
