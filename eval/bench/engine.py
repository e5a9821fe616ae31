"""One reader against bare ``generate``, eight readers against one, and what the app adds to a token.

All on the same weights, in one run, alternating, so that a busy machine slows every side alike. Bare
``generate`` has a process of its own: two threads that compute in one process slow each other down (see
``assistant.engine.threads``), and neither side should pay for the other.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from assistant import config
from assistant.engine import loading
from assistant.engine.local import LocalGenerator
from assistant.models.catalog import resolve
from assistant.models.pull import require
from assistant.schema import Message, Sampling
from eval.bench.results import Row, save

TOKENS = 64
ROUNDS = 7
READERS = 8
TOPICS = ("the sea", "a village", "a train", "the moon", "bread", "a library", "rain", "a clock")


def ask(topic: str) -> list[Message]:
    """A question whose answer is longer than ``TOKENS``."""
    return [Message("user", f"Write a long story about {topic} and the people who live with it.")]


class Bare:
    """transformers' ``generate`` on the same files and format, in another process.

    Args:
        folder: Of the model.
    """

    def __init__(self, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._process = ProcessPoolExecutor(1, context, initializer=_load, initargs=(folder,))

    def rate(self, ids: list[int]) -> float:
        """Tokens a second after the prompt ``ids``, greedy."""
        return self._process.submit(_generate, ids).result()

    def close(self) -> None:
        """End the process."""
        self._process.shutdown()


_loaded: list[loading.Loaded] = []  # in the other process


def _load(folder: Path) -> None:
    _loaded.append(loading.load(folder, "nf4"))


def _generate(prompt: list[int]) -> float:
    import torch

    model = _loaded[0].model
    ids = torch.tensor([prompt])
    start = time.perf_counter()
    with torch.inference_mode():
        out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=TOKENS, do_sample=False)
    return float((out.shape[1] - ids.shape[1]) / (time.perf_counter() - start))


def streamed(engine: LocalGenerator, messages: list[Message]) -> tuple[int, float]:
    """Tokens and seconds to the first one, of one answer."""
    start, first, tokens = time.perf_counter(), 0.0, 0
    for delta in engine.stream(messages, Sampling(max_new_tokens=TOKENS)):
        tokens = delta.tokens
        if tokens and not first:
            first = time.perf_counter() - start
    return tokens, first


def together(engine: LocalGenerator, readers: int) -> tuple[float, float]:
    """Tokens a second of all readers, and the mean time to the first token."""
    found: list[tuple[int, float]] = []
    threads = [
        threading.Thread(target=lambda topic=topic: found.append(streamed(engine, ask(topic))))
        for topic in TOPICS[:readers]
    ]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    return sum(tokens for tokens, _ in found) / seconds, statistics.mean(first for _, first in found)


def overhead(engine: LocalGenerator) -> float:
    """Milliseconds a token that the reader's side takes: queue, detokenizer, stop strings, deltas."""
    from assistant.engine.decoding import Reply

    ids = engine.renderer.text_ids("The quick brown fox jumps over the lazy dog, 你好世界。" * 50)
    reply = Reply(engine.tokenizer, ("\nUser:", "###"))
    start = time.thread_time()
    for token in ids:
        reply.push_tokens([token])
    return (time.thread_time() - start) / len(ids) * 1000


def main() -> None:
    """Measure, print a table, and write ``results/engine.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="folder of the model; the settings' model where not given")
    folder: Path | None = parser.parse_args().model
    settings = config.load()
    folder = folder or require(resolve(settings.model), settings.models_dir)
    bare, engine = Bare(folder), LocalGenerator(folder, window=2048)
    try:
        save("engine", measure(bare, engine))
    finally:
        engine.close()
        bare.close()


def measure(bare: Bare, engine: LocalGenerator) -> list[Row]:
    """All figures of one model; medians over the rounds."""
    prompt = engine.renderer.ids(ask(TOPICS[0]), open_reply=True)
    bare.rate(prompt)
    together(engine, READERS)
    alone, one, many, firsts = [], [], [], []
    for _ in range(ROUNDS):
        alone.append(bare.rate(prompt))
        one.append(together(engine, 1)[0])
        rate, first = together(engine, READERS)
        many.append(rate)
        firsts.append(first)

    def ratio(above: list[float], below: list[float]) -> float:
        return statistics.median(a / b for a, b in zip(above, below, strict=True))

    median: Callable[[list[float]], float] = statistics.median
    return [
        Row("bare generate, 1 user", median(alone), "tokens/s", n=ROUNDS),
        Row("engine, 1 user", median(one), "tokens/s", n=ROUNDS),
        Row(f"engine, {READERS} users", median(many), "tokens/s", n=ROUNDS),
        Row("1 user / bare", ratio(one, alone), "", ">= 0.9", "transformers generate, same weights", ROUNDS),
        Row(f"{READERS} users / 1 user", ratio(many, one), "", ">= 4", "engine, 1 user", ROUNDS),
        Row(f"first token, {READERS} users", median(firsts) * 1000, "ms", n=ROUNDS),
        Row("reader's side of a token", overhead(engine), "ms"),
    ]


if __name__ == "__main__":
    main()
