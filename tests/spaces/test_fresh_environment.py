"""Each variant that needs no GPU, in an environment that holds its own requirements and nothing else.

    TEST_SPACE_PYTHON=python3.12 pytest tests/spaces/test_fresh_environment.py -s

It downloads about a gigabyte, unless pip has it in its cache.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fresh_space
import pytest
from chromium import DESKTOP, arrive, launched, watch
from fresh_space import BASE, PYTHON, Fresh, Open, opened
from lent_gpu import BEFORE, START, announced

pytestmark = [
    pytest.mark.weights,
    pytest.mark.browser,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not PYTHON, reason="TEST_SPACE_PYTHON names no interpreter"),
]
QUESTION, FACT = "How many days of paid annual leave does an employee have?", "24"
VARIABLES = {"cpu": {}, "zerogpu": {"YOUJU_MODEL": "smollm2-135m"}}
"""The model of zerogpu has eight gigabytes; here the way to it is tried with a small one."""


@pytest.fixture(scope="module", params=list(VARIABLES))
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    return fresh_space.fresh(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def space(fresh: Fresh) -> Iterator[Open]:
    with opened(fresh, fresh.folder, VARIABLES[fresh.variant]) as running:
        print(f"\n{fresh.variant}: the page after {running.page_s:.1f} s")
        yield running


@pytest.fixture
def visit(space: Open) -> Iterator[Any]:
    """A guest with the page open, in a browser that goes nowhere else."""
    trouble: list[str] = []
    with launched(*space.flags) as browser:
        page = browser.new_context(locale="en-US", viewport=DESKTOP, ignore_https_errors=True).new_page()
        page.set_default_timeout(300_000)
        watch(page, BASE, trouble)
        arrive(page, BASE)
        yield page
    assert trouble == []


def ask(page: Any, question: str) -> Any:
    page.fill(".composer textarea", question)
    page.keyboard.press("Enter")
    page.wait_for_selector("#live [data-done]", state="attached")
    return page.locator("#thread .answer").last


def test_a_guest_asks_about_the_collection(space: Open, visit: Any) -> None:
    answer = ask(visit, QUESTION)
    print(
        f"the first answer {time.monotonic() - space.began:.1f} s after the start, {space.cpu_s:.0f} s of computing"
    )
    assert FACT in answer.inner_text()
    answer.locator(".cite").first.click()
    assert "24 days" in visit.inner_text(".source mark")


def test_a_guest_chats(visit: Any) -> None:
    assert ask(visit, "Hello, who are you?").inner_text().strip()


def test_a_guest_is_told_what_becomes_of_it_and_adds_no_files(visit: Any) -> None:
    assert visit.locator(".notice").first.is_visible()
    visit.click('[data-go="documents"]')
    visit.wait_for_selector(".shelf")
    assert not visit.locator("#page-documents .drop-zone").is_visible()


def test_another_guest_sees_nothing_of_the_first(visit: Any) -> None:
    ask(visit, QUESTION)
    assert visit.locator(".chat-item").count() == 1
    browser = visit.context.browser
    other = browser.new_context(locale="en-US", viewport=DESKTOP, ignore_https_errors=True).new_page()
    arrive(other, BASE)
    assert other.locator(".chat-item").count() == 0


def test_the_name_spaces_is_hugging_face_s(fresh: Fresh) -> None:
    bare = {"HOME": str(fresh.folder), "PATH": os.environ["PATH"]}
    found = subprocess.run(
        [fresh.python, "-c", "import sys, spaces; sys.path[0] == '' and print(spaces.__file__)"],
        cwd=fresh.app, capture_output=True, text=True, check=True, env=bare,
    )  # fmt: skip
    assert "site-packages" in found.stdout


def test_nothing_touches_cuda_before_the_first_call(fresh: Fresh, space: Open, tmp_path: Path) -> None:
    """On ZeroGPU the package makes every such touch an error; its service is told when all is on the GPU."""
    if fresh.variant != "zerogpu":
        pytest.skip("no GPU is lent to it")
    with announced() as (address, told):
        on = {"SPACES_ZERO_GPU": "true", "SPACES_ZERO_DEVICE_API_URL": address, "PATH": os.environ["PATH"]}
        models = {"YOUJU_MODELS_DIR": str(fresh.folder / "home" / "models")}
        touch = subprocess.run(
            [fresh.python, "-c", f"{BEFORE}\nimport spaces, torch\ntorch.cuda.init()"],
            cwd=fresh.app, capture_output=True, text=True, check=False, env=on,
        )  # fmt: skip
        assert "CUDA" in touch.stderr.splitlines()[-1], touch.stderr
        with opened(fresh, tmp_path, VARIABLES[fresh.variant] | on | models, ("-c", START)):
            assert told == ["/startup-report"]
            assert any((tmp_path / "home" / ".zerogpu" / "tensors").iterdir())
    assert "CUDA" not in (tmp_path / "space.log").read_text()
