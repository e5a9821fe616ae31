"""The readers, as they come out of their parts: read as they were trained, and of the size that the catalog says."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import YoujuError
from assistant.models import nf4, pull
from assistant.models.catalog import CATALOG, DEFAULTS, Entry

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module", params=[name for name, _ in DEFAULTS])
def entry(request: pytest.FixtureRequest) -> Entry:
    return CATALOG[request.param]


@pytest.fixture(scope="module")
def folder(entry: Entry, models_dir: Path) -> Path:
    try:
        return pull.require(entry, models_dir)
    except YoujuError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


def test_it_is_kept_in_nf4_and_as_large_as_the_catalog_says(entry: Entry, folder: Path) -> None:
    assert nf4.kept(folder)
    assert entry.size_bytes == pytest.approx(sum(p.stat().st_size for p in folder.iterdir()), rel=0.01)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("in 2026", ["in", "Ġ", "2", "0", "2", "6"]),
        ("a\n\n1. b", ["a", "ĊĊ", "1", ".", "Ġb"]),
        ("<|im_start|>x<|im_end|>", ["<|im_start|>", "x", "<|im_end|>"]),
        ("e\u0301", ["Ã©"]),
    ],
)
def test_text_becomes_the_tokens_of_its_training(tokenizer: Any, text: str, tokens: list[str]) -> None:
    assert tokenizer.tokenize(text) == tokens


@pytest.mark.parametrize("text", ["Hi 2026  3\n\n1.", "退款要几天？", "👩‍👩‍👧 naïve ²", "\t x\n"])
def test_tokens_become_the_text_again(tokenizer: Any, text: str) -> None:
    assert tokenizer.decode(tokenizer(text).input_ids) == text


def test_template_and_ids_are_the_pinned_ones(entry: Entry, tokenizer: Any) -> None:
    assert hashlib.sha256(tokenizer.chat_template.encode()).hexdigest() == entry.template_sha256
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<|im_end|>", "<|endoftext|>")
    assert tokenizer.model_max_length == entry.context == 32768
