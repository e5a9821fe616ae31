"""lm-evaluation-harness runs on our models and adapters with the tasks of eval/harness, offline."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiny

TASKS = Path(__file__).parents[2] / "eval" / "harness"
pytest.importorskip("lm_eval", reason="lm-evaluation-harness is in the extra `eval`")


def harness(base: Path, out: Path, adapter: str = "") -> dict[str, dict[str, float]]:
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "hf", "--device", "cpu", "--limit", "2"]
    command += ["--model_args", f"pretrained={base}{adapter}", "--include_path", str(TASKS)]
    command += ["--tasks", "youju_sentiment_en,youju_grounded_en", "--apply_chat_template"]
    command += ["--gen_kwargs", "max_gen_toks=4", "--output_path", str(out)]
    done = subprocess.run(
        command, env={**os.environ, "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (written,) = out.rglob("results_*.json")
    return json.loads(written.read_text())["results"]


def test_the_harness_scores_a_model_and_its_adapter(tmp_path: Path) -> None:
    base = tiny.build(tmp_path / "base", positions=4096)
    found = harness(base, tmp_path / "bare")
    assert set(found) == {"youju_sentiment_en", "youju_grounded_en"}
    assert 0 <= found["youju_sentiment_en"]["acc,none"] <= 1
    assert found["youju_grounded_en"]["contains_answer,none"] == 0.0
    tuned = tiny.adapter(base, tmp_path / "tuned", tiny.WORDS[0])
    assert set(harness(base, tmp_path / "with", f",peft={tuned}")) == set(found)
