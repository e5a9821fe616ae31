"""What every test shares: no network, no telemetry, an empty home, and the embedded models where they are pulled."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.update(
    HF_HUB_OFFLINE="1", GRADIO_ANALYTICS_ENABLED="False", TOKENIZERS_PARALLELISM="false", DO_NOT_TRACK="1"
)
if "PYTEST_XDIST_WORKER" in os.environ:  # a core for each: threads that wait for one another only hold it
    os.environ.setdefault("OMP_NUM_THREADS", "1")
for _name in [
    name
    for name in os.environ
    if name.startswith("YOUJU_") and name not in {"YOUJU_DATA", "YOUJU_MODELS_DIR"}
]:
    del os.environ[_name]
os.environ["YOUJU_MODEL"] = "smollm2-135m"  # it answers in seconds; what wants the reader names it


def pytest_addoption(parser: pytest.Parser) -> None:
    """How often the tests of kills and drops repeat; before a release, 40 and more."""
    parser.addoption("--rounds", type=int, default=0, help="Rounds of the tests that kill and drop.")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """A test that fails in a browser says what its pages showed."""
    report = yield
    chromium = sys.modules.get("chromium")
    if chromium and report.failed and (shown := chromium.seen()):
        report.sections.append(("pages", shown))
    return report


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    """What ``--rounds`` says; 0 where it is not given, and the test takes its own few."""
    return int(request.config.getoption("--rounds"))


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the developer's own data."""
    monkeypatch.setenv("YOUJU_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session", autouse=True)
def _offline() -> Iterator[None]:
    """Fail any connection that leaves this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else address
        if self.family in (socket.AF_INET, socket.AF_INET6) and host not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Where `youju models pull` puts the weights."""
    from assistant import config

    return config.load().models_dir


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The data sets that benchmarks and training read; never part of the project."""
    folder = os.environ.get("YOUJU_DATA", "")
    if not folder:
        pytest.skip("YOUJU_DATA is not set")
    return Path(folder)
