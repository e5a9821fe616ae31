"""Run folders written by hand, as training leaves them at each stage."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

STARTED = "2026-11-23T00:10:00+00:00"


def status(run: Path, state: str, step: int = 30, steps: int = 60, **more: Any) -> Path:
    """How it stands; its process is this one, which lives, unless ``pid`` says otherwise."""
    run.mkdir(parents=True, exist_ok=True)
    told = {
        "state": state, "step": step, "steps": steps, "pid": os.getpid(), "message": "", "started": STARTED,
        "updated": STARTED, "seconds_left": [500, 700], "adapter": "", **more,
    }  # fmt: skip
    (run / "status.json").write_text(json.dumps(told))
    return run


def progress(run: Path, steps: int = 30, every: int = 10) -> Path:
    """A falling loss, a rising metric."""
    run.mkdir(parents=True, exist_ok=True)
    lines = []
    for step in range(1, steps + 1):
        line: dict[str, Any] = {
            "step": step, "steps": 60, "loss": 0.6 + 2.4 / (1 + step / 6) + 0.12 * ((step * 7) % 5 - 2) / 5,
            "learning_rate": 4e-4 * min(1, step / 3) * (1 - step / 70), "tokens_per_second": 241.3,
            "tokens": step * 4096,
        }  # fmt: skip
        if step % every == 0:
            line["eval"] = {
                "loss": 0.7 + 2.2 / (1 + step / 6),
                "accuracy": 0.5 + 0.35 * (1 - 1 / (1 + step / 10)),
            }
        lines.append(json.dumps(line))
    (run / "progress.jsonl").write_text("\n".join(lines) + "\n")
    return run


def report(run: Path) -> Path:
    """Base against adapter."""
    metrics = [
        _metric("accuracy", 0.52, 0.86, 0.34, 0.24, 0.44, "better"),
        _metric("macro_f1", 0.47, 0.81, 0.34, 0.22, 0.46, "better"),
        _metric("reference_f1", 0.21, 0.23, 0.02, -0.05, 0.09, "unclear", more=340),
    ]
    whole = {"adapter": "reviews", "comparison": {"suite": "held_out", "n": 120, "metrics": metrics}}
    (run / "report.json").write_text(json.dumps(whole))
    return run


def gate(home: Path, sha256: str, outcome: str = "unclear") -> Path:
    """A record of the gate."""
    answers = [
        _answer("accuracy on held_out", "task", 0.52, 0.86, "better"),
        _answer("chat", "guard", 0.61, 0.6, "no_worse"),
        _answer(
            "citation precision",
            "guard",
            0.7,
            0.66,
            "unclear" if outcome == "unclear" else "no_worse",
            more=212,
        ),
    ]
    record = {
        "candidate": "reviews", "candidate_sha256": sha256, "against": "none", "base": "smollm2-135m",
        "at": "2026-11-23T01:10:00+00:00", "decision": {"outcome": outcome, "answers": answers, "reasons": []},
    }  # fmt: skip
    folder = home / "gates" / "reviews-1"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gate-2026-11-23T01-10-00.json").write_text(json.dumps(record))
    return folder


def adapter(home: Path, name: str = "reviews", base: str = "smollm2-135m") -> Path:
    """An adapter's folder that can be listed; its weights are none."""
    folder = home / "adapters" / name
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "base_model_name_or_path": base})
    )
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return folder


CHECK: dict[str, Any] = {
    "faults": [
        {"file": "reviews.jsonl", "row": 17, "field": "output", "reason": "is empty: write a text, or leave the row out",
         "kind": "empty", "hard": True},
        {"file": "reviews.jsonl", "row": 102, "field": "messages[1].role", "kind": "role", "hard": True,
         "reason": "is 'bot': use system, user or assistant; turns of tools are not learnt"},
        {"file": "reviews.jsonl", "row": 240, "field": "messages", "kind": "personal", "hard": False,
         "reason": "holds a phone number, 138****1234: take it out unless it must be learnt"},
    ],
    "counts": {"rows": 1240, "examples": 1238, "preferences": 0, "hard": 2, "soft": 1,
               "tasks": {"sentiment": 900, "grounded": 338}},
    "languages": {"en": 1000, "zh": 238},
    "lengths": {"p50": 84, "p95": 310, "longest": 702, "limit": 1024},
}  # fmt: skip
PLAN = {
    "steps": 310, "tokens_per_step": 4096, "micro_batch": 2, "seconds_per_step": [2.1, 2.9], "seconds": [680, 910],
    "peak_bytes": 1_420_000_000, "available_bytes": 6_200_000_000, "device": "cpu", "advice": [],
}  # fmt: skip


def _metric(
    name: str, a: float, b: float, mean: float, low: float, high: float, verdict: str, more: int | None = None
) -> dict[str, Any]:
    gap = {"mean": mean, "low": low, "high": high, "n": 120}
    return {
        "metric": name,
        "better": "higher",
        "a": a,
        "b": b,
        "difference": gap,
        "p": 0.01,
        "verdict": verdict,
        "more": more,
    }


def _answer(
    name: str, role: str, before: float, after: float, finding: str, more: int | None = None
) -> dict[str, Any]:
    gap = {"mean": after - before, "low": after - before - 0.08, "high": after - before + 0.08, "n": 60}
    return {
        "name": name, "role": role, "margin": 0.1, "finding": finding, "n": 60, "before": before, "after": after,
        "difference": gap, "p": 0.01, "more": more, "reason": "",
    }  # fmt: skip
