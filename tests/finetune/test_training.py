"""The trainer computes what is learnt from, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch

from finetune.encoding import IGNORED, Encoded
from finetune.packing import alone, pack


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


def test_sequences_at_once_teach_what_they_teach_in_turn(tmp_path) -> None:
    """Of different lengths, so some are padded: losses and gradients are those of one after the other."""
    from assistant.engine import loading
    from finetune import training

    long = (tuple(range(5, 25)), tuple(range(30, 62)), tuple(range(9, 20)), tuple(range(40, 50)))
    sequences = alone([Encoded(ids, (*[IGNORED] * 4, *ids[4:])) for ids in long])
    place = tiny.build(tmp_path / "tiny")
    seen = []
    for count in (1, 2, 4):
        base = loading.load(place, "none")
        schedule = training.Schedule(max_steps=3, sequences_per_step=4, micro_batch=count, log_every=1)
        model = training.adapted(base.model, training.Lora(rank=2), schedule)
        place_of = tmp_path / str(count)
        trainer = training.make(model, base.tokenizer, sequences, schedule, place_of, precision="fp32")
        trainer.train()
        seen.append([(line["loss"], line["grad_norm"]) for line in trainer.state.log_history[:3]])
    assert seen[0][0] != seen[0][2]
    for other in seen[1:]:
        assert np.allclose(other, seen[0], rtol=5e-3), "16-bit weights round a little differently"


def test_only_the_upper_layers_learn_where_the_recipe_says_so(tmp_path) -> None:
    from assistant.engine import loading
    from finetune import training

    base = loading.load(tiny.build(tmp_path / "tiny"), "none")
    count = base.model.config.num_hidden_layers
    model = training.adapted(base.model, training.Lora(rank=2, upper=0.5), training.Schedule())
    learning = {name for name, weight in model.named_parameters() if weight.requires_grad}
    layers = {int(name.split(".layers.")[1].split(".")[0]) for name in learning}
    assert layers == set(range(count - max(1, round(count / 2)), count))
    assert len(learning) == len(layers) * 2 * 7  # two matrices for each linear layer of a block
    assert not any("lm_head" in name for name in learning)
