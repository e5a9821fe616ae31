"""Readers and hooks for tests of a running engine."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import contextmanager

from assistant.schema import Delta, Message, Sampling


class Reader(threading.Thread):
    """Reads one stream to its end, as a page would."""

    def __init__(
        self,
        engine,
        text: str = "hello",
        *,
        adapter: str | None = None,
        user: str = "",
        until: int = 10**9,
        **sampling,
    ):
        super().__init__(daemon=True)
        self.deltas: list[Delta] = []
        self.error: Exception | None = None
        self._until = until  # tokens after which the reader goes away
        self._args = (engine, text, Sampling(**{"max_new_tokens": 30, **sampling}), adapter, user)
        self.start()

    def run(self) -> None:
        engine, text, sampling, adapter, user = self._args
        try:
            stream = engine.stream([Message("user", text)], sampling, adapter=adapter, user=user)
            for delta in stream:
                self.deltas.append(delta)
                if delta.tokens >= self._until:
                    stream.close()
        except Exception as fault:  # noqa: BLE001 - the test looks at it
            self.error = fault

    def result(self, timeout: float = 60):
        """Text and finish of the whole stream."""
        self.join(timeout)
        assert not self.is_alive(), "the stream hangs"
        return "".join(delta.text for delta in self.deltas), self.deltas[-1].finish if self.deltas else None


def tokens_of(engine, text: str, new: int, adapter=None) -> tuple[list[int], list[int]]:
    """Prompt and tokens of a greedy answer."""
    prompt = engine.renderer.ids([Message("user", text)], open_reply=True)
    ticket = engine._dispatcher.submit(prompt, Sampling(max_new_tokens=new), adapter, "")
    wait_for(lambda: not engine._dispatcher._line.everyone(), 200)
    return prompt, ticket.tokens


def behind(model, prompt: list[int], tokens: list[int]) -> float:
    """How far the worst of some tokens falls behind the one that the model finds likeliest there, in logits."""
    import torch

    with torch.inference_mode():
        logits = model(torch.tensor([prompt + tokens])).logits[0, len(prompt) - 1 : -1].float()
    chosen = logits.gather(-1, torch.tensor(tokens)[:, None])[:, 0]
    return float((logits.max(-1).values - chosen).max())


@contextmanager
def before_each_step(engine, act: Callable):
    """Call ``act(ids)`` with the input ids of each step of the model."""
    embed = engine.model.get_input_embeddings()

    def hook(_, args) -> None:
        act(args[0])

    handle = embed.register_forward_pre_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def wait_for(condition: Callable[[], bool], timeout: float = 20.0) -> None:
    """Poll until it holds; fail the test when it never does."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.01)
