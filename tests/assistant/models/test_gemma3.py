"""The bilingual model, as it comes out of its parts: is it read as it was trained, does it know Chinese?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assistant.errors import YoujuError
from assistant.models import pull
from assistant.models.catalog import BILINGUAL, CATALOG
from assistant.rendering import Renderer
from assistant.schema import Message

pytestmark = pytest.mark.weights
ENTRY = CATALOG[BILINGUAL]


@pytest.fixture(scope="module")
def folder(models_dir: Path) -> Path:
    try:
        return pull.require(ENTRY, models_dir)
    except YoujuError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def renderer(tokenizer: Any) -> Renderer:
    return Renderer(tokenizer, ENTRY.template_sha256)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("in 2026", ["in", "▁", "2", "0", "2", "6"]),
        ("a\n\n1. b", ["a", "\n\n", "1", ".", "▁b"]),
        ("法国的首都是", ["法国", "的首", "都是"]),
        ("<start_of_turn>x<end_of_turn>", ["<start_of_turn>", "x", "<end_of_turn>"]),
    ],
)
def test_text_becomes_the_tokens_of_its_training(tokenizer: Any, text: str, tokens: list[str]) -> None:
    assert tokenizer.tokenize(text) == tokens


@pytest.mark.parametrize("text", ["Hi 2026  3\n\n1.", "退款要几天？", "👩‍👩‍👧 naïve ²", "\t x\n", "<table>"])
def test_text_comes_back_from_the_renderer_and_opens_no_turn(
    tokenizer: Any, renderer: Renderer, text: str
) -> None:
    ids = renderer.ids([Message("user", text)], open_reply=True)
    assert [token for token in ids if token in renderer.control] == [2, 105, 106, 105]
    assert tokenizer.decode(renderer.text_ids(text)) == text


def test_sizes_and_ids_are_what_the_catalog_says(folder: Path, tokenizer: Any) -> None:
    assert ENTRY.size_bytes == pytest.approx(sum(p.stat().st_size for p in folder.iterdir()), rel=0.01)
    assert (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id) == (0, 1, 2)
    assert tokenizer.model_max_length == ENTRY.context == 32768


def test_it_knows_capitals_in_chinese_and_in_english(folder: Path, tokenizer: Any) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    # Among the likeliest words, not in a reply: which word comes first hangs on the processor's arithmetic.
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, use_safetensors=True)
    assert model.generation_config.eos_token_id == [1, 106]
    assert model.config.layer_types.count("sliding_attention") == 15
    for text, word in (("法国的首都是", "巴黎"), ("The capital of France is", "Paris")):
        ids = tokenizer(text, return_tensors="pt").input_ids
        assert int(ids[0, 0]) == 2
        with torch.inference_mode():
            likely = model(ids).logits[0, -1].topk(5).indices.tolist()
        assert any(word.startswith(tokenizer.decode([token]).strip() or "-") for token in likely)
