"""One training from its TOML to an adapter with a report: checked, planned, trained, measured."""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant import prompts
from assistant.config import Settings
from assistant.errors import TrainingDataError, TrainingError
from assistant.models import adapters, catalog, pull
from assistant.schema import AdapterRef
from finetune import finishing, preparing, ranks
from finetune.config import Config
from finetune.data.splitting import Row
from finetune.encoding import encode
from finetune.folder import Folder
from finetune.packing import Packed, alone, pack
from finetune.preparing import Prepared
from finetune.schema import Example

if TYPE_CHECKING:
    from assistant.rendering import Renderer
    from finetune.planning import Plan
    from finetune.training import Trainer

_MIXED = 4
"""Sequences that a step has at least: one about a single passage teaches less than one about several."""
Show = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended."""

    state: str
    adapter: AdapterRef | None
    plan: Plan


def run(
    config: Config,
    settings: Settings,
    folder: Folder,
    *,
    resume: bool,
    plan_only: bool,
    confirm: Callable[[Plan], bool],
    show: Show,
    say: Callable[[str], None],
) -> Result:
    """Train.

    Args:
        config: What to do.
        settings: Where models and adapters are.
        folder: Of the run, held by the caller.
        resume: Go on from the last complete checkpoint.
        plan_only: Stop before the first step.
        confirm: Asked once, with the plan.
        show: Called after each step.
        say: Takes a line for people.

    Raises:
        TrainingError, TrainingDataError: It cannot begin or go on; ``status.json`` says the same.
    """
    try:
        return _run(config, settings, folder, resume, plan_only, confirm, show, say)
    except BaseException as fault:
        stopped = isinstance(fault, KeyboardInterrupt)
        folder.say("stopped" if stopped else "failed", message=str(fault) or type(fault).__name__)
        raise


def _run(
    config: Config, settings: Settings, folder: Folder, resume: bool, plan_only: bool,
    confirm: Callable[[Plan], bool], show: Show, say: Callable[[str], None],
) -> Result:  # fmt: skip
    quiet()
    ranks.take_device()
    folder.sweep()
    before = folder.complete()
    if before and not resume:
        raise TrainingError(
            reason=f"{folder.path} holds a run already",
            remedy="go on with --resume, or name another output.folder",
        )
    folder.say("checking", message="")
    entry = catalog.resolve(config.model.name)
    renderer, tokenizer = _renderer(entry, settings)
    prepared = preparing.prepare(config, settings, renderer, say)
    if before:
        preparing.same(folder, config, prepared)
    preparing.record(folder, config, prepared)
    folder.say("planning")
    watchers = _watchers(folder, config, prepared, renderer, tokenizer, show)
    trainer, planned = _planned(config, settings, folder, prepared, renderer, tokenizer, watchers)
    folder.write("plan.json", planned.as_json())
    if plan_only or not confirm(planned):
        folder.say("stopped", message="planned only", steps=planned.steps)
        return Result("planned", None, planned)
    try:
        trainer.train(resume_from_checkpoint=str(before[-1]) if before else None)
    except TrainingError:
        if trainer.state.global_step:
            trainer._save_checkpoint(trainer.model, None)  # of the last good step
        raise
    if not ranks.first():
        return Result("done", None, planned)
    return _ended(config, settings, folder, trainer, planned, prepared, say)


def _planned(
    config: Config, settings: Settings, folder: Folder, prepared: Prepared, renderer: Renderer,
    tokenizer: Any, watchers: Sequence[Any],
) -> tuple[Trainer, Plan]:  # fmt: skip
    """A trainer that computes as much at once as its plan says."""
    from finetune import dpo, training

    sequences = _sequences(prepared.train, renderer, config)
    if config.training.method == "sft" and not sequences:
        raise TrainingDataError(
            field="data.train",
            reason="no example is left to learn from",
            remedy="give more rows, lower data.held_out, or raise training.max_length",
        )
    schedule = replace(_schedule(config), sequences_per_step=_per_step(sequences, config))
    model, precision = _model(catalog.resolve(config.model.name), settings, config, schedule)

    def ready(schedule: training.Schedule) -> Trainer:
        if config.training.method == "sft":
            return training.make(model, tokenizer, sequences, schedule, folder.checkpoints, watchers,
                                 precision, config.output.tracking)  # fmt: skip
        return dpo.make(
            model, tokenizer, renderer, prepared.preferences.train, schedule, folder.checkpoints, watchers,
            precision, config.training.beta, config.training.max_length, config.output.tracking,
        )  # fmt: skip

    trainer = ready(schedule)
    planned = _plan(trainer, schedule)
    if planned.micro_batch > 1:
        trainer = ready(replace(schedule, micro_batch=planned.micro_batch))
    return trainer, planned


def quiet() -> None:
    """Leave the terminal to our own bar: what the libraries will rename is nothing that a user can act on."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    warnings.filterwarnings(
        "ignore", message="Could not find a config file"
    )  # peft asks the Hub by our names


def _ended(
    config: Config, settings: Settings, folder: Folder, trainer: Trainer, planned: Plan, prepared: Prepared,
    say: Callable[[str], None],
) -> Result:  # fmt: skip
    stopped = folder.stop_asked and trainer.state.global_step < trainer.state.max_steps
    finishing.save(folder, trainer.model, config, Counter(example.task for example in prepared.train))
    ref = finishing.install(folder, settings, config.output.name or folder.path.name)
    folder.say("evaluating", adapter=ref.name, seconds_left=None)
    if (prepared.held_out or prepared.preferences.held_out) and not stopped:
        finishing.report(folder, settings, config, ref.name, say)
    finishing.write_card(folder, ref, config)
    message = "kept; --resume goes on" if stopped else ""
    folder.say("stopped" if stopped else "done", adapter=ref.name, message=message)
    return Result("stopped" if stopped else "done", ref, planned)


def _renderer(entry: catalog.Entry, settings: Settings) -> tuple[Renderer, Any]:
    from transformers import AutoTokenizer

    from assistant.rendering import Renderer

    place = pull.require(entry, settings.models_dir)
    tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=True, trust_remote_code=False)
    return Renderer(tokenizer, pull.template_sha256(entry, place) or None), tokenizer


def _model(entry: catalog.Entry, settings: Settings, config: Config, schedule: Any) -> tuple[Any, Any]:
    from assistant.engine import loading as weights
    from finetune import training

    base = weights.load(pull.require(entry, settings.models_dir), config.model.quantization, to_train=True)
    wanted = config.training.precision
    fast = str(weights.place()[1]).endswith("bfloat16")
    precision = ("bf16" if fast else "fp32") if wanted == "auto" else wanted
    lora = training.Lora(**config.lora.model_dump())
    return training.adapted(base.model, lora, schedule, _start(config, entry, settings)), precision


def _start(config: Config, entry: catalog.Entry, settings: Settings) -> Path | None:
    """The folder of the adapter to go on from, which must belong to the same base."""
    if not config.model.adapter:
        return None
    ref = adapters.find(settings.home, config.model.adapter)
    adapters.verify(ref, entry.name)
    return Path(ref.path)


def _schedule(config: Config) -> Any:
    from finetune.training import Schedule

    wanted = config.training
    return Schedule(
        epochs=wanted.epochs, max_steps=wanted.max_steps, learning_rate=wanted.learning_rate,
        schedule=wanted.schedule, warmup=wanted.warmup, checkpoint_every=wanted.checkpoint_every,
        log_every=wanted.log_every, seed=wanted.seed,
    )  # fmt: skip


def _sequences(examples: Iterable[Example], renderer: Renderer, config: Config) -> list[Packed]:
    rows = [encode(example.messages, renderer, _given(example)) for example in examples]
    length = config.training.max_length
    fitting = [row for row in rows if len(row.ids) <= length]
    if not config.training.packing:
        return alone(fitting)
    most = config.training.tokens_per_batch // (ranks.several() * _MIXED)
    return pack(fitting, length, config.training.seed, most)


def _given(example: Example) -> str:
    return prompts.SENTIMENT_GIVEN if example.task == "sentiment" else ""


def _per_step(sequences: Sequence[Packed], config: Config) -> int:
    if not sequences:  # preferences: each is a prompt with two replies
        return max(1, config.training.tokens_per_batch // config.training.max_length)
    mean = sum(sequence.tokens for sequence in sequences) / len(sequences)
    wanted = round(config.training.tokens_per_batch / mean / ranks.several())
    return max(1, min(len(sequences), wanted))


def _watchers(
    folder: Folder,
    config: Config,
    prepared: Prepared,
    renderer: Renderer,
    tokenizer: Any,
    show: Show,
) -> list[Any]:
    from finetune import watching

    found: list[Any] = [watching.Finite(), watching.Stopping(folder)]
    wanted = config.evaluation
    if wanted.cases and (prepared.held_out or prepared.preferences.held_out):
        measure, metric = _measure(config, prepared, renderer, tokenizer)
        found.append(watching.Measuring(folder, measure, metric, wanted.every, wanted.patience))
    return [*found, watching.Progress(folder, show)]


def _measure(
    config: Config, prepared: Prepared, renderer: Renderer, tokenizer: Any
) -> tuple[Callable[[Any], dict[str, float]], str]:
    """What is measured now and then on what was held out, and the metric that decides."""
    wanted = config.evaluation
    if config.training.method == "dpo":
        from finetune import dpo

        rows = [dpo.ids(pair, renderer) for pair in _drawn(prepared.preferences.held_out, wanted.cases)]
        return (lambda model: dpo.measure(model, rows, config.training.beta)), wanted.metric or "preferred"
    from finetune import measuring

    chosen = _drawn(prepared.held_out, wanted.cases)
    score = measuring.scorer()
    metric = measuring.metric_of(chosen, wanted.metric)
    return (lambda model: measuring.measure(model, tokenizer, renderer, chosen, score)), metric


def _drawn(rows: Sequence[Row], count: int) -> list[Row]:
    """The same ones in every run: by a hash of their ids."""
    return sorted(rows, key=lambda row: hashlib.sha256(row.id.encode()).digest())[:count]


def _plan(trainer: Any, schedule: Any) -> Plan:
    from finetune import planning

    per_epoch = -(-len(trainer.train_dataset) // (schedule.sequences_per_step * ranks.several()))
    steps = schedule.max_steps or max(1, round(per_epoch * schedule.epochs))
    return planning.plan(trainer, steps, schedule.sequences_per_step)
