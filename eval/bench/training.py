"""Our training beside plain TRL: the same rows, base, device and adapter form, in turns in one run.

Each side is a program of its own, so that its peak memory is its own: ``python -m finetune CONFIG`` and
``eval.bench.plain_trl``. Tokens are the rows' own: each row's prompt and reply once, whatever a side pads,
shares or computes twice. Speed is taken between the first step's end and the last one's, so that neither side
pays for starting. The replies of rows that neither has seen say whether the two have learnt the same.

Real data has several questions to a passage, which our packing computes once; the ratio is therefore also
taken on rows that share no passage.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np

from assistant import config
from assistant.models.catalog import resolve
from assistant.models.pull import require
from assistant.rendering import Renderer
from eval.bench import plain_trl, training_rows
from eval.bench.results import Row, save
from eval.bench.training_rows import LONGEST, Drawn
from eval.statistics.pairs import Paired, paired
from eval.statistics.sampling import mean

MODEL = "smollm2-135m"
BATCH = 8
"""Rows of a step: TRL's default, which our side is given in tokens."""
LAUNCHER = """
import pathlib, resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
pathlib.Path(sys.argv[1]).write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""
"""Starts a side and notes its peak memory. A process counts that of whoever started it as its own, and this
one is small."""
CONFIG = """
[model]
name = "{model}"
quantization = "{quantization}"

[data]
train = ["{rows}"]
held_out = 0.0
check = "warn"

[lora]
rank = {rank}
alpha = {alpha}

[training]
epochs = {epochs}
learning_rate = {rate}
schedule = "linear"
warmup = 0.0
tokens_per_batch = {tokens_per_batch}
max_length = {longest}
checkpoint_every = 100000
log_every = 1
seed = {seed}

[evaluation]
every = 100000
cases = 0

[output]
folder = "{out}"
"""


@dataclass(frozen=True, slots=True)
class Trained:
    """What one run of one side did.

    Attributes:
        rate: Tokens of the rows a second.
        peak: Megabytes, the most that its process held.
        wall: Seconds of the whole command.
        losses: Of the steps.
        adapter: Its folder.
    """

    rate: float
    peak: float
    wall: float
    losses: tuple[float, ...]
    adapter: Path


@dataclass(frozen=True, slots=True)
class Work:
    """The rows of one round, and where its sides work."""

    base: Path
    folder: Path
    rows: Sequence[Drawn]
    seed: int

    @property
    def tokens(self) -> int:
        """Of all rows."""
        return sum(row.tokens for row in self.rows)


def ours(work: Work, quantization: str = "nf4") -> Trained:
    """Train with our own program."""
    out = work.folder / f"ours-{quantization}-{work.seed}"
    out.mkdir()
    written = CONFIG.format(
        model=MODEL,
        quantization=quantization,
        rows=training_rows.write(work.rows, out / "rows.jsonl").as_posix(),
        rank=plain_trl.RANK,
        alpha=plain_trl.ALPHA,
        epochs=plain_trl.EPOCHS,
        rate=plain_trl.RATE,
        tokens_per_batch=max(LONGEST, round(BATCH * work.tokens / len(work.rows))),
        longest=LONGEST,
        seed=work.seed,
        out=(out / "run").as_posix(),
    )
    (out / "config.toml").write_text(written, encoding="utf-8")
    command = [sys.executable, "-m", "finetune", str(out / "config.toml"), "--yes"]
    return _train(command, out, out / "run", work.tokens)


def plain(work: Work) -> Trained:
    """Train with plain TRL."""
    out = work.folder / f"plain-{work.seed}"
    out.mkdir()
    rows = training_rows.write(work.rows, out / "rows.jsonl")
    command = [sys.executable, "-m", "eval.bench.plain_trl", "--model", str(work.base)]
    command += ["--rows", str(rows), "--out", str(out), "--seed", str(work.seed)]
    return _train(command, out, out, work.tokens)


def _train(command: list[str], home: Path, run: Path, tokens: int) -> Trained:
    models = config.load().models_dir
    environment = {**os.environ, "YOUJU_HOME": str(home / "home"), "YOUJU_MODELS_DIR": str(models)}
    begin = time.monotonic()
    launch = [sys.executable, "-c", LAUNCHER, str(home / "peak.txt"), *command]
    with (home / "said.txt").open("wb") as said:
        failed = subprocess.run(launch, env=environment, stdout=said, stderr=said, check=False).returncode
    wall = time.monotonic() - begin
    if failed:
        end = (home / "said.txt").read_text(encoding="utf-8", errors="replace")[-2000:]
        raise SystemExit(f"{' '.join(command)} failed:\n{end}")
    ends, losses = _progress(run / "progress.jsonl")
    seconds = (ends[-1] - ends[0]) * len(ends) / (len(ends) - 1)
    scale = 1e3 if sys.platform == "linux" else 1e6  # kilobytes there, bytes on a Mac
    peak = int((home / "peak.txt").read_text()) / scale
    return Trained(tokens / seconds, peak, wall, losses, run / "adapter")


def _progress(path: Path) -> tuple[list[float], tuple[float, ...]]:
    """When each step ended, in seconds, and its loss."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    steps = [row for row in rows if row.get("loss") is not None]
    if len(steps) < 2:
        raise SystemExit(f"{path}: {len(steps)} steps are too few to measure; give more --rows")
    return [_seconds(row["at"]) for row in steps], tuple(float(row["loss"]) for row in steps)


def _seconds(at: Any) -> float:
    return datetime.fromisoformat(at).timestamp() if isinstance(at, str) else float(at)


def main() -> None:
    """Measure, print a table, and write ``results/training.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("YOUJU_DATA", "")))
    parser.add_argument("--rows", type=int, default=160, help="a round")
    parser.add_argument("--held-out", type=int, default=80)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    base = require(resolve(MODEL), config.load().models_dir)
    with tempfile.TemporaryDirectory() as folder:
        save("training", _measure(base, Path(folder), given))


def _measure(base: Path, folder: Path, given: argparse.Namespace) -> list[Row]:
    from transformers import AutoTokenizer

    renderer = Renderer(AutoTokenizer.from_pretrained(base))
    train = training_rows.draw(given.data, renderer, given.rows, 0)
    single = training_rows.draw(given.data, renderer, given.rows, 0, alone=True)
    seen = {row.source for row in train}
    unseen = training_rows.draw(given.data, renderer, given.held_out, 1, but=seen)
    shared = _made(folder / "shared")
    works = [Work(base, shared, train, seed) for seed in range(given.rounds)]
    pairs = []
    for work in works:
        pairs.append((ours(work), plain(work)))
        print(f"round {len(pairs)}: {pairs[-1][0].rate:.0f} and {pairs[-1][1].rate:.0f} tokens/s", flush=True)
    separate = Work(base, _made(folder / "single"), single, 0)
    apart = ours(separate), plain(separate)
    full = ours(works[0], "none")
    return [
        *_speed(train, pairs, apart),
        *_memory(base, pairs, full),
        *_learnt(base, pairs, full, unseen),
    ]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _ratio(pairs: Sequence[tuple[Trained, Trained]], name: str) -> float:
    return float(median(getattr(a, name) / getattr(b, name) for a, b in pairs))


def _speed(
    train: Sequence[Drawn], pairs: Sequence[tuple[Trained, Trained]], apart: tuple[Trained, Trained]
) -> list[Row]:
    n, tokens = len(pairs), sum(row.tokens for row in train)
    asked = [row for row in train if row.task == "grounded"]
    return [
        Row("rows", len(train)),
        Row("tokens of the rows", tokens),
        Row("questions a passage", len(asked) / len({row.source for row in asked})),
        Row("ours", median(a.rate for a, _ in pairs), "tokens/s", n=n),
        Row("plain TRL", median(b.rate for _, b in pairs), "tokens/s", n=n),
        Row("ours / plain TRL", _ratio(pairs, "rate"), "", ">= 1.5", "SFTTrainer with its defaults", n),
        Row("ours / plain TRL, one question a passage", _ratio([apart], "rate"), n=1),
        Row("whole command, ours / plain TRL", _ratio(pairs, "wall"), n=n),
    ]


def _memory(base: Path, pairs: Sequence[tuple[Trained, Trained]], full: Trained) -> list[Row]:
    from eval.bench.training_loss import footprint

    peak = median(a.peak for a, _ in pairs)
    small, large = footprint(base, "nf4"), footprint(base, "none")
    return [
        Row("peak memory, ours", peak, "MB", n=len(pairs)),
        Row("peak memory, plain TRL", median(b.peak for _, b in pairs), "MB", n=len(pairs)),
        Row("peak memory, ours / plain TRL", _ratio(pairs, "peak"), "", "<= 1", n=len(pairs)),
        Row("peak memory, ours over a 16-bit base", full.peak, "MB", n=1),
        Row("peak memory, 4-bit / 16-bit", peak / full.peak, n=1),
        Row("speed, 4-bit / 16-bit", pairs[0][0].rate / full.rate, n=1),
        Row("weights in memory, 4-bit", small, "MB"),
        Row("weights in memory, 16-bit", large, "MB"),
    ]


def _learnt(
    base: Path, pairs: Sequence[tuple[Trained, Trained]], full: Trained, unseen: Sequence[Drawn]
) -> list[Row]:
    """Losses on the way by quarters of the steps, and on the unseen replies at the end."""
    from eval.bench.training_loss import losses

    adapters = [each.adapter for pair in pairs for each in pair]
    found = losses(base, [*adapters, full.adapter], [row.messages for row in unseen])
    mine, theirs = found[1:-1:2].mean(axis=0), found[2:-1:2].mean(axis=0)
    sources = [row.source for row in unseen]
    apart = paired(theirs[:, None], mine[:, None], mean, sources)
    assert isinstance(apart, Paired)
    n = len(unseen)
    rows = []
    for side, name in enumerate(("ours", "plain TRL")):
        for quarter in range(4):
            value = fmean(_quarter(pair[side].losses, quarter) for pair in pairs)
            rows.append(Row(f"training loss, {quarter + 1}. quarter of the steps, {name}", value, "nats"))
    return [
        *rows,
        Row("loss on unseen replies, base", float(found[0].mean()), "nats", n=n),
        Row("loss on unseen replies, ours", float(mine.mean()), "nats", n=n),
        Row("loss on unseen replies, plain TRL", float(theirs.mean()), "nats", n=n),
        Row("loss on unseen replies, ours less plain TRL", apart.difference.mean, "nats", n=n),
        Row("its lower bound", apart.difference.low, "nats", "<= 0", "a loss that is no worse", n),
        Row("its upper bound", apart.difference.high, "nats", n=n),
        Row("loss on unseen replies, ours over a 16-bit base", float(found[-1].mean()), "nats", n=n),
    ]


def _quarter(values: Sequence[float], quarter: int) -> float:
    """Mean of a quarter of the steps; of the nearest one where there are fewer than four."""
    part = np.array_split(np.asarray(values), 4)[quarter]
    return float(part.mean() if len(part) else values[-1])


if __name__ == "__main__":
    main()
