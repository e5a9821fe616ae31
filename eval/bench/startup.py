"""How long a person waits: `youju --help`, and the first page of a server that has its models.

Run: ``python -m eval.bench.startup``. Each figure is the median of several starts, beside the start of a bare
Python and of a bare Gradio page in the same run, since machines differ.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable

from eval.bench.results import Row, save

RUNS = 5
BARE_PAGE = """
import gradio as gr
with gr.Blocks() as demo:
    gr.Markdown("hello")
demo.launch(server_port={port}, quiet=True)
"""


def seconds(command: list[str]) -> float:
    """Wall time of a command that ends by itself."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def first_page(command: list[str], port: int) -> float:
    """Wall time from starting a server until its page answers 200; the server is stopped."""
    start = time.perf_counter()
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() - start < 120:
            if server.poll() is not None:
                raise RuntimeError(f"{command} ended with {server.returncode} before it served a page")
            if _answers(port):
                return time.perf_counter() - start
            time.sleep(0.05)
        raise RuntimeError(f"{command} served no page within 120 s")
    finally:
        server.terminate()
        server.wait(30)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page:
            return page.status == 200 and bool(page.read())
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _median(measure: Callable[[], float], runs: int) -> float:
    return statistics.median(measure() for _ in range(runs))


def main() -> list[Row]:
    """Measure, print, save."""
    youju = [sys.executable, "-m", "assistant"]
    os.environ.update(YOUJU_HOME=tempfile.mkdtemp(), GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1")

    def page(command: Callable[[int], list[str]]) -> float:
        port = _free_port()
        return first_page(command(port), port)

    page(lambda port: [*youju, "serve", "--port", str(port)])  # the first start imports the sample collection
    bare = _median(lambda: seconds([sys.executable, "-c", "pass"]), RUNS)
    shown = _median(lambda: seconds([*youju, "--help"]), RUNS)
    gradio = _median(lambda: page(lambda port: [sys.executable, "-c", BARE_PAGE.format(port=port)]), 3)
    served = _median(lambda: page(lambda port: [*youju, "serve", "--port", str(port)]), 3)
    rows = [
        Row("youju --help", shown, "s", target="<= 0.5", beside=f"bare python {bare:.2f} s"),
        Row("first page", served, "s", target="<= 5", beside=f"bare Gradio page {gradio:.2f} s"),
    ]
    save("startup", rows)
    return rows


if __name__ == "__main__":
    main()
