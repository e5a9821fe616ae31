"""Our engine beside llama.cpp's server, the same GGUF's weights: reading a prompt, one reader, eight readers.

``python -m eval.bench.llamacpp NAME FILE.gguf [NAME FILE.gguf …]`` takes a model of ours (name or folder) and
the file that it was made from. llama.cpp reads the file (4 to 8 bit) with kernels of its own; we run NF4
through bitsandbytes, for adapters that change by request. Both take turns, and the median of the turns'
ratios counts. Needs ``pip install xllamacpp``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from assistant import config
from assistant.engine.local import LocalGenerator
from assistant.models.catalog import resolve
from assistant.models.pull import require
from assistant.schema import Message, Sampling
from eval.bench.engine import READERS, TOKENS, TOPICS, ask, together
from eval.bench.results import Row, save

ROUNDS = 5
BARS = {"0.5b": (1.3, 1.0, 1.4), "1.5b": (1.2, 1.0, 1.8)}
"""By size: reading a prompt, one reader, eight readers, as times llama.cpp."""
PASSAGES = (
    "Travel. Whoever travels for work books through the office manager. Trains are preferred for trips of "
    "less than five hours; second class is the rule, first class is allowed on trips of more than three "
    "hours. Flights are economy class. A receipt is kept for every expense of more than 15 euros and handed "
    "in within 30 days of the trip; without a receipt nothing is paid back.",
    "Working from home. Everyone may work from home on two days a week, as agreed with the team. Working "
    "from abroad is possible on at most 20 working days a year, after written approval by the office "
    "manager, and only within the European Union.",
    "Laptops. A lost or stolen laptop is reported to IT within two hours, by phone, at any time of the day; "
    "IT locks the device and files the report with the police. A replacement is there within two working "
    "days. Screens are locked whenever one leaves the desk.",
    "Visitors. Visitors are registered at the front desk a day before they come and wear a badge; they are "
    "never left alone on the third floor. Dogs may come to the office on Fridays, two at a time, if nobody "
    "in the room minds and the calendar says so.",
    "Training. Each person has five days and 1,200 euros a year for courses, books and conferences. What was "
    "not used by the end of March of the following year is lost. Courses of more than 600 euros are agreed "
    "with the team lead before they are booked.",
)
QUESTIONS = (
    "What should I do if I lose my laptop?",
    "How many days may I work from home, and from abroad?",
    "Which class may I travel by train, and until when are receipts handed in?",
)

_server: list[Any] = []  # in the other process


@dataclass(frozen=True, slots=True)
class Turn:
    """What one request took."""

    read: float
    """Prompt tokens a second."""
    wrote: float
    """Tokens a second of the answer, the first one left out."""


def question(turn: int) -> list[Message]:
    """A question about passages; each turn begins differently, so that nothing is known of it."""
    passages = "\n\n".join(f"[{n}] {text}" for n, text in enumerate(PASSAGES, 1))
    system = f"Handbook, edition {turn}. Answer from the passages, in their words, in one to three sentences."
    text = f"{passages}\n\nQuestion: {QUESTIONS[turn % len(QUESTIONS)]}"
    return [Message("system", system), Message("user", text)]


def ours(engine: LocalGenerator, turn: int) -> Turn:
    """One answer of ours."""
    messages = question(turn)
    start, first, early, tokens = time.perf_counter(), 0.0, 0, 0
    for delta in engine.stream(messages, Sampling(max_new_tokens=TOKENS)):
        tokens = delta.tokens
        if tokens and not first:
            first, early = time.perf_counter() - start, tokens
    wrote = (tokens - early) / (time.perf_counter() - start - first)
    return Turn(engine.count(messages) / first, wrote)


def theirs(turn: int) -> Turn:
    """One answer of llama.cpp, by its own clock."""
    timings = _complete(question(turn))["timings"]
    return Turn(timings["prompt_per_second"], timings["predicted_per_second"])


def theirs_together(readers: int) -> float:
    """Tokens a second of all readers together, greedy."""
    made: list[int] = []

    def read(topic: str) -> None:
        made.append(_complete(ask(topic))["usage"]["completion_tokens"])

    threads = [threading.Thread(target=read, args=(topic,)) for topic in TOPICS[:readers]]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(made) / (time.perf_counter() - start)


def _load(file: Path) -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(file)
    params.n_parallel, params.n_ctx = READERS, READERS * 1024
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
    params.verbosity = -1
    _server.append(xllamacpp.Server(params))


def _complete(messages: list[Message]) -> dict[str, Any]:
    said = [{"role": each.role, "content": each.text} for each in messages]
    body = {"messages": said, "max_tokens": TOKENS, "temperature": 0, "cache_prompt": False}
    reply = _server[0].handle_chat_completions(body)
    found: dict[str, Any] = json.loads(reply) if isinstance(reply, str) else reply
    return found


def rows(name: str, engine: LocalGenerator, peer: ProcessPoolExecutor, rounds: int) -> list[Row]:
    """The figures of one model."""
    single: list[tuple[Turn, Turn]] = []
    many: list[tuple[float, float]] = []
    for turn in range(rounds + 1):  # both are warm after the first
        single.append((ours(engine, turn), peer.submit(theirs, turn).result()))
        many.append((together(engine, READERS)[0], peer.submit(theirs_together, READERS).result()))
    read = [(a.read, b.read) for a, b in single[1:]]
    wrote = [(a.wrote, b.wrote) for a, b in single[1:]]
    bars = next((bars for size, bars in BARS.items() if size in name), (None, None, None))
    return [
        *_rows(f"{name}, reads a prompt", read, bars[0]),
        *_rows(f"{name}, 1 reader, answers from passages", wrote, bars[1]),
        *_rows(f"{name}, {READERS} readers", many[1:], bars[2]),
    ]


def _rows(name: str, pairs: list[tuple[float, float]], bar: float | None) -> list[Row]:
    median: Callable[[list[float]], float] = statistics.median
    n, target = len(pairs), "" if bar is None else f">= {bar}"
    return [
        Row(f"{name}: engine", median([a for a, _ in pairs]), "tokens/s", n=n),
        Row(f"{name}: llama.cpp", median([b for _, b in pairs]), "tokens/s", n=n),
        Row(f"{name}: ratio", median([a / b for a, b in pairs]), "", target, "llama.cpp by xllamacpp", n),
    ]


def main() -> None:
    """Measure, print a table, and write ``results/llamacpp.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", nargs="*", help="a model of ours, and its GGUF file; and so on")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    if find_spec("xllamacpp") is None or not given.pairs:
        print("left out: pip install xllamacpp, and name a model and its GGUF file")
        return
    found: list[Row] = []
    for model, file in zip(given.pairs[::2], given.pairs[1::2], strict=True):
        found += _beside(model, Path(file), given.rounds)
    save("llamacpp", found)


def _beside(model: str, file: Path, rounds: int) -> list[Row]:
    folder = Path(model) if Path(model).is_dir() else require(resolve(model), config.load().models_dir)
    engine = LocalGenerator(folder, window=2048)
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(1, context, initializer=_load, initargs=(file,)) as peer:
            return rows(folder.name, engine, peer, rounds)
    finally:
        engine.close()


if __name__ == "__main__":
    main()
