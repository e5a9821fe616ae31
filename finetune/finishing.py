"""How a run ends: the adapter saved, put among those that can be promoted, measured, and described."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from assistant.config import Settings
from assistant.models import adapters, catalog, skills
from assistant.models.skills import Skills
from assistant.schema import AdapterRef
from finetune.config import Config
from finetune.folder import Folder

_CALIBRATES = 200
"""Sentiment examples from which the replies' likelihoods are the judgement as they stand."""


def save(folder: Folder, model: Any, config: Config, tasks: Counter[str]) -> None:
    """The best adapter that was measured, else the last one: 16 bit, by the base's catalog name."""
    import torch
    from safetensors.torch import load_file, save_file

    part = folder.path / ".adapter.part"
    shutil.rmtree(part, ignore_errors=True)
    if (best := folder.path / "best").is_dir():
        shutil.copytree(best, part)
    else:
        model.save_pretrained(part, save_embedding_layers=False, selected_adapters=["default"])
    weights = {name: value.to(torch.bfloat16) for name, value in load_file(part / adapters.WEIGHTS).items()}
    save_file(weights, part / adapters.WEIGHTS, metadata={"format": "pt"})
    told = json.loads((part / adapters.CONFIG).read_text(encoding="utf-8"))
    told |= {
        "base_model_name_or_path": catalog.resolve(config.model.name).name,
        "revision": None,
        "inference_mode": True,
    }
    (part / adapters.CONFIG).write_text(json.dumps(told, indent=2), encoding="utf-8")
    (part / "run.json").write_text(json.dumps({"run": str(folder.path.resolve())}), encoding="utf-8")
    (part / skills.FILE).write_text(_skills(tasks).model_dump_json(exclude_defaults=True), encoding="utf-8")
    (part / "README.md").unlink(missing_ok=True)
    shutil.rmtree(folder.adapter, ignore_errors=True)
    part.rename(folder.adapter)


def install(folder: Folder, settings: Settings, name: str) -> AdapterRef:
    """Copy the adapter among those that can be promoted; whole or not at all."""
    target = settings.home / "adapters" / name
    part = target.parent / f".{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(folder.adapter, part)
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)
    return adapters.read(target)


def report(folder: Folder, settings: Settings, config: Config, name: str, say: Callable[[str], None]) -> None:
    """Measure base and adapter on the held-out cases, by the command that people use, in its own process."""
    out = folder.path / "evaluation"
    command = [
        sys.executable, "-m", "eval", "run", str(folder.path / "held_out.jsonl"), "--base-vs-adapter", name,
        "--base", config.model.name, "--oracle", "--out", str(out), "--home", str(settings.home),
        "--models-dir", str(settings.models_dir), "--json",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    comparison = next(iter(sorted(out.rglob("comparison.json"))), None)
    if comparison is None:
        say(f"base and adapter could not be compared: {done.stderr.strip()[-500:]}")
        folder.write(
            "report.json", {"adapter": name, "comparison": None, "reason": done.stderr.strip()[-2000:]}
        )
        return
    folder.write(
        "report.json", {"adapter": name, "comparison": json.loads(comparison.read_text(encoding="utf-8"))}
    )


def write_card(folder: Folder, ref: AdapterRef, config: Config) -> None:
    """The model card, beside the adapter and in the run's folder."""
    from finetune import modelcard

    card = str(modelcard.build(ref, catalog.resolve(config.model.name), f"OWNER/{ref.name}"))
    for place in (folder.path, folder.adapter, Path(ref.path)):
        (place / modelcard.NAME).write_text(card, encoding="utf-8")


def _skills(tasks: Counter[str]) -> Skills:
    """What so many examples of each task taught."""
    return Skills(sentiment=tasks["sentiment"] >= _CALIBRATES)
