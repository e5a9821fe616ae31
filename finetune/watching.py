"""What happens beside the steps: progress, measuring, stopping, and not going on with what is no number."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from typing import Any

import torch  # noqa: TID253
from transformers import TrainerCallback  # noqa: TID253

from assistant.errors import TrainingError
from finetune import ranks
from finetune.folder import Folder

Measure = Callable[[Any], dict[str, float]]
"""From the model to metrics on held-out cases."""


class Progress(TrainerCallback):  # type: ignore[misc] # untyped
    """Writes ``progress.jsonl`` and ``status.json``, and calls ``show`` after each step.

    Args:
        folder: The run's.
        show: Takes step, steps and a line to show.
    """

    def __init__(self, folder: Folder, show: Callable[[int, int, str], None]) -> None:
        self._folder = folder
        self._show = show
        self._began = (time.monotonic(), 0)
        self._loss = ""
        self._counted: tuple[float, float] | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The clock starts; what was done before a resume does not count."""
        self._began = (time.monotonic(), state.global_step)
        self._folder.say("training", step=state.global_step, steps=state.max_steps)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Time left, from the pace so far: a tenth more or less, and twice that before ten steps."""
        started, first = self._began
        done = state.global_step - first
        left = (time.monotonic() - started) / done * (state.max_steps - state.global_step)
        doubt = 0.2 if done < 10 else 0.1
        seconds = [round(left * (1 - doubt), 1), round(left * (1 + doubt), 1)]
        self._folder.say("training", step=state.global_step, steps=state.max_steps, seconds_left=seconds)
        self._show(state.global_step, state.max_steps, self._loss)

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any
    ) -> None:
        """A line of the curve."""
        if not logs or "loss" not in logs:
            return
        tokens = float(logs.get("num_tokens", 0))
        pace = self._pace(tokens)
        self._loss = f"loss {logs['loss']:.3f}"
        self._folder.add(
            {
                "step": state.global_step,
                "steps": state.max_steps,
                "loss": logs["loss"],
                "learning_rate": logs.get("learning_rate"),
                "tokens": tokens,
                "tokens_per_second": pace,
            }
        )

    def _pace(self, tokens: float) -> float | None:
        """Tokens a second since the line before; none for the first line after a start."""
        before, self._counted = self._counted, (time.monotonic(), tokens)
        if before is None or tokens <= before[1]:
            return None
        return round((tokens - before[1]) / max(self._counted[0] - before[0], 1e-9), 1)


class Stopping(TrainerCallback):  # type: ignore[misc] # untyped
    """Ends at the next step, with a checkpoint, once somebody asks."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self.asked = False

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Look for the file."""
        if ranks.decided(self._folder.stop_asked) and state.global_step < state.max_steps:
            self.asked = control.should_training_stop = control.should_save = True


class Finite(TrainerCallback):  # type: ignore[misc] # untyped
    """Stops before a step whose gradient is no number; the weights are those of the last good step."""

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Look at the gradients."""
        total = sum(
            float(weight.grad.detach().float().norm())
            for weight in model.parameters()
            if weight.grad is not None
        )
        if not math.isfinite(total):
            raise TrainingError(
                reason=f"the gradient of step {state.global_step + 1} is not a number",
                remedy="lower training.learning_rate and `--resume`; the last good step was kept",
            )


class Measuring(TrainerCallback):  # type: ignore[misc] # untyped
    """Measures held-out cases now and then, keeps the best adapter, and ends when nothing more is learnt.

    Args:
        folder: The run's.
        measure: From the model to metrics.
        metric: The one that decides; ``loss`` is better lower, all others higher.
        every: Steps between two measurements.
        patience: Measurements without a better one after which it ends; 0 goes on to the end.
    """

    def __init__(self, folder: Folder, measure: Measure, metric: str, every: int, patience: int) -> None:
        self._folder = folder
        self._measure = measure
        self._metric = metric
        self._every = every
        self._patience = patience

    @property
    def best(self) -> dict[str, Any]:
        """``step``, ``value`` and ``since``, of the best so far; ``measured``: the last step that was."""
        return self._folder.read("best.json") or {}

    def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """Measure, at the chosen steps and at the last one."""
        if state.global_step % self._every and state.global_step != state.max_steps:
            return
        if ranks.decided(ranks.first() and self._enough(state, model)):
            control.should_training_stop = True

    def _enough(self, state: Any, model: Any) -> bool:
        best = self.best
        if state.global_step > best.get("measured", 0):  # else it was, before a kill: it counts once
            best = self._measured(state, model, best)
        return bool(self._patience and best["since"] >= self._patience)

    def _measured(self, state: Any, model: Any, best: dict[str, Any]) -> dict[str, Any]:
        found = without_a_trace(self._measure, model)
        self._folder.add({"step": state.global_step, "steps": state.max_steps, "eval": found})
        value = found[self._metric]
        better = not best or (value < best["value"] if self._metric == "loss" else value > best["value"])
        if better:
            self._keep(model)
            best = {"step": state.global_step, "value": value, "metric": self._metric, "since": 0}
        else:
            best = {**best, "since": best["since"] + 1}
        best["measured"] = state.global_step
        self._folder.write("best.json", best)
        return best

    def _keep(self, model: Any) -> None:
        part, target = self._folder.path / ".best.part", self._folder.path / "best"
        shutil.rmtree(part, ignore_errors=True)
        model.save_pretrained(part, save_embedding_layers=False, selected_adapters=["default"])
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)


def without_a_trace(work: Callable[[Any], Any], model: Any) -> Any:
    """Run something on a model in evaluation mode; its random numbers and mode are as before."""
    state = torch.random.get_rng_state()
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            return work(model)
    finally:
        model.train(training)
        torch.random.set_rng_state(state)
