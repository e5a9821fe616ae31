"""Every file of real examples is read whole, and what is left out is left out for a reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from finetune.data.loading import load
from finetune.data.splitting import split

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not os.environ.get("YOUJU_DATA"), reason="YOUJU_DATA names no folder of real data"),
]


@pytest.mark.parametrize(
    ("name", "rows", "left_out", "shape"),
    [
        ("sentiment/en.dev", 2395, 0, "sentiment"),
        ("sentiment/zh.dev", 783, 0, "sentiment"),
        ("grounded/en.dev", 1014, 0, "grounded"),
        ("grounded/en.claims", 362, 6, "grounded"),
        ("summarize/en.train", 426, 0, "summarize"),
        ("summarize/zh.train", 709, 0, "summarize"),
        ("chat/self-instruct-252", 252, 0, "alpaca"),
    ],
)
def test_a_file(name: str, rows: int, left_out: int, shape: str) -> None:
    loaded = load([str(Path(os.environ["YOUJU_DATA"]) / f"{name}.jsonl")])
    assert (len(loaded.examples), len(loaded.faults)) == (rows - left_out, left_out)
    assert {fault.kind for fault in loaded.faults} <= {"uncited"}
    assert loaded.files[0].format == shape
    sides = split(loaded.examples, held_out=0.1, seed=0)
    assert 0.04 < len(sides.held_out) / len(loaded.examples) < 0.2
