"""Packed rows learn what they would learn alone: same loss, same gradients, nothing leaks."""

from __future__ import annotations

import random

import pytest
import tiny
import torch

from finetune.encoding import IGNORED, Encoded, encode
from finetune.packing import alone, pack, shared


def row(prompt: list[int], reply: list[int]) -> Encoded:
    return Encoded((*prompt, *reply), (*[IGNORED] * len(prompt), *reply))


def rows(seed: int, count: int = 12) -> list[Encoded]:
    """Rows about three passages, some of them twice."""
    draw = random.Random(seed)
    passages = [[draw.randrange(3, 300) for _ in range(draw.randrange(4, 30))] for _ in range(3)]
    made = []
    for _ in range(count):
        question = [draw.randrange(3, 300) for _ in range(draw.randrange(1, 6))]
        reply = [draw.randrange(3, 300) for _ in range(draw.randrange(1, 5))]
        made.append(row([1, 5, 6, *draw.choice(passages), *question], reply))
    return [*made, made[0]]


@pytest.mark.parametrize("seed", range(5))
def test_every_row_is_there_once_in_its_own_order(seed: int) -> None:
    given = rows(seed)
    packed = pack(given, 90, seed)
    assert all(len(sequence.ids) <= 90 for sequence in packed)
    found = []
    for s in packed:
        for last in (n for n in range(len(s.ids)) if s.ends[n] == n + 1):  # a leaf: the last token of a row
            path = [n for n in range(last + 1) if s.ends[n] > last]
            assert [s.positions[n] for n in path] == list(range(len(path)))
            found.append(tuple(s.ids[n] for n in path))
    assert sorted(found) == sorted(r.ids for r in given)
    assert sum(s.rows for s in packed) == len(given)
    assert sum(s.tokens for s in packed) == sum(len(r.ids) for r in given)
    learnt = sorted(label for s in packed for label in s.labels if label != IGNORED)
    assert learnt == sorted(label for r in given for label in r.labels if label != IGNORED)


@pytest.mark.parametrize("most", [5, 40, 60])
def test_rows_that_share_much_do_not_all_go_into_one_step(most: int) -> None:
    """What a sequence teaches is limited in tokens of its rows, not in tokens that are computed."""
    given = rows(2)
    packed = pack(given, 90, 0, most)
    assert all(sequence.tokens <= most or sequence.rows == 1 for sequence in packed)
    assert sum(sequence.rows for sequence in packed) == len(given)
    assert len(packed) > len(pack(given, 90, 0))


def test_questions_about_one_passage_stay_together_and_kinds_mix() -> None:
    passages = [[10 + n] * 20 for n in range(4)]
    asked = [row([1, 2, *passage, 100 + n], [5]) for passage in passages for n in range(3)]
    short = [row([1, 3, 200 + n, 7, 7, 7, 7, 7], [6]) for n in range(12)]
    packed = pack([*asked, *short], 100, 0, 100)
    for n in range(4):
        holding = [sequence for sequence in packed if 10 + n in sequence.ids]
        assert [sequence.ids.count(10 + n) for sequence in holding] == [20]
    both = [sequence for sequence in packed if {2, 3} <= set(sequence.ids)]
    assert len(both) >= 3, "a step would see one kind alone"


def test_the_order_of_the_rows_does_not_matter() -> None:
    given = rows(1)
    assert pack(given, 90, 3) == pack(list(reversed(given)), 90, 3)


def test_a_row_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="11 tokens does not fit a sequence of 10"):
        pack([row([1] * 9, [2, 2])], 10, 0)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (row([1, 2, 3, 4], [9]), row([1, 2, 3, 5], [9]), 3),
        (row([1, 2, 3, 4], [9]), row([1, 2, 3, 4], [9]), 3),  # the token before the reply is each row's own
        (row([1, 2], [3, 4, 9]), row([1, 2, 3, 4], [9]), 1),
        (row([1], [9]), row([1], [9]), 0),
        (row([5], [9]), row([1], [9]), 0),
    ],
)
def test_only_prompts_are_shared(first: Encoded, second: Encoded, expected: int) -> None:
    assert shared(first, second) == expected


@pytest.mark.parametrize("several", [1, 2])
@pytest.mark.parametrize("kind", ["llama", "gemma"])
def test_loss_and_gradients_are_those_of_the_rows_alone(several: int, kind: str) -> None:
    given = rows(2)
    model, sliding = small(kind)
    expected, wanted = learnt(model, alone(given), 1, sliding)
    loss, gradient = learnt(model, pack(given, 90, 0), several, sliding)
    assert loss == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(gradient, wanted, rtol=1e-3, atol=1e-5)


def small(kind: str):
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    sizes = {"vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
             "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}  # fmt: skip
    if kind == "llama":
        return LlamaForCausalLM(LlamaConfig(**sizes)), 0
    layers = ["sliding_attention", "full_attention"]
    config = Gemma3TextConfig(**sizes, sliding_window=8, layer_types=layers)
    return Gemma3ForCausalLM(config), 8


def learnt(model, sequences, several: int, sliding: int):
    """Summed loss over all sequences, and its gradient on the embedding."""
    from finetune.training import Collator

    model.zero_grad()
    collate = Collator(0, sliding)
    total = 0.0
    for start in range(0, len(sequences), several):
        batch = collate(
            [
                {"input_ids": s.ids, "labels": s.labels, "positions": s.positions, "ends": s.ends}
                for s in map(listed, sequences[start : start + several])
            ]
        )
        labels = batch.pop("labels")
        logits = model(**batch).logits
        loss = torch.nn.functional.cross_entropy(
            logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), reduction="sum", ignore_index=IGNORED
        )
        loss.backward()
        total += loss.item()
    return total, model.get_input_embeddings().weight.grad.clone()


def listed(sequence):
    from dataclasses import replace

    return replace(
        sequence, **{n: list(getattr(sequence, n)) for n in ("ids", "labels", "positions", "ends")}
    )


def test_a_conversation_is_learnt_where_the_assistant_speaks(tmp_path) -> None:
    from transformers import AutoTokenizer

    from assistant.errors import TrainingDataError
    from assistant.rendering import Renderer
    from assistant.schema import Message

    tokenizer = AutoTokenizer.from_pretrained(tiny.build(tmp_path / "tiny"))
    renderer = Renderer(tokenizer)
    talk = [
        Message("user", "one"),
        Message("assistant", "alpha"),
        Message("user", "two"),
        Message("assistant", "beta<|im_end|>"),
    ]
    encoded = encode(talk, renderer)
    said = tokenizer.decode([label for label in encoded.labels if label != IGNORED])
    assert said == "alpha<|im_end|>beta<|im_end|><|im_end|>"
    assert sum(label == 2 for label in encoded.labels) == 2, "what a person wrote ends no turn"
    assert list(encoded.ids[: encoded.prompt]) == renderer.ids(talk[:1], open_reply=True)
    with pytest.raises(TrainingDataError, match="the last turn is not the assistant's"):
        encode(talk[:3], renderer)


@pytest.mark.parametrize(
    ("given", "learnt"),
    [("", "alpha beta"), ("alpha", " beta"), ("beta", "alpha beta"), ("alpha beta", "alpha beta")],
)
def test_how_all_replies_begin_is_not_learnt(tmp_path, given: str, learnt: str) -> None:
    from transformers import AutoTokenizer

    from assistant.rendering import Renderer
    from assistant.schema import Message

    tokenizer = AutoTokenizer.from_pretrained(tiny.build(tmp_path / "tiny"))
    encoded = encode([Message("user", "one"), Message("assistant", "alpha beta")], Renderer(tokenizer), given)
    said = tokenizer.decode([label for label in encoded.labels if label != IGNORED])
    assert said == f"{learnt}<|im_end|>"
