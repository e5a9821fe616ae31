"""A training as a person sees it: files in, a plan, the curve moving, stop, a new server, go on, the result."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import tiny
from chromium import DESKTOP, arrive, launched, lose, watch
from serving import free_port, server

pytestmark = [pytest.mark.weights, pytest.mark.browser, pytest.mark.timeout(900)]
PATIENCE_MS = 180_000
"""For a training on a machine that does other work besides."""
WORDS = ("alpha", "beta", "gamma", "delta")


def examples(rows: int) -> str:
    """Each question has the one word that stands in it as its answer; so long that a run can be caught at work."""
    asked = [(WORDS[n % 4], f"{n} " + "the question of a user " * 60 + WORDS[n % 4]) for n in range(rows)]
    return "".join(json.dumps({"prompt": text, "completion": word}) + "\n" for word, text in asked)


def drawn(page: Any) -> int:
    """Points of the loss curve."""
    line = page.locator("#tune-run polyline").first
    return len((line.get_attribute("points") or "").split())


def steps_of(run: Path) -> list[int]:
    lines = (run / "progress.jsonl").read_text().splitlines()
    return [found["step"] for found in map(json.loads, lines) if found.get("loss") is not None]


def fresh_page(browser: Any, base: str, trouble: list[str], locale: str = "en-US") -> Any:
    page = browser.new_context(locale=locale, viewport=DESKTOP).new_page()
    page.set_default_timeout(PATIENCE_MS)
    watch(page, base, trouble)
    return page


def hold(page: Any) -> list[Any]:
    """Keep back what the page asks of itself when it is opened, as a busy machine may."""
    held: list[Any] = []

    def one(route: Any) -> None:
        if not held and '\\"show\\"' in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route("**/queue/join*", one)
    return held


def add(page: Any, name: str, text: str) -> None:
    payload = {"name": name, "mimeType": "application/octet-stream", "buffer": text.encode()}
    page.set_input_files("#page-tune input[type=file]", payload)


def begin(page: Any) -> None:
    """Files that are wrong are told; then good ones, their plan, and the start."""
    add(page, "words.jsonl", examples(3) + '{"prompt": "the question", "completion": ""}\n')
    page.wait_for_selector("#tune-faults .faults.hard")
    assert "words.jsonl" in page.inner_text("#tune-faults .faults.hard td >> nth=0")
    assert page.inner_text("#tune-faults .faults.hard td >> nth=1") == "4"
    assert page.locator('[data-do="start"]').count() == 0
    add(page, "words.jsonl", examples(200))
    page.wait_for_selector('[data-do="plan"]')
    page.click('.recipe[data-r="quick"]')
    page.wait_for_selector('.recipe[data-r="quick"][aria-pressed="true"]')
    page.click('[data-do="plan"]')
    page.wait_for_selector("#tune-recipe .figures")
    page.get_by_label("Name of the adapter").fill("echo")
    page.click('[data-do="start"]')


def test_a_training_is_started_watched_stopped_and_gone_on_with(tmp_path: Path) -> None:
    home, port, trouble = tmp_path / "home", free_port(), []
    model = tiny.build(tmp_path / "tiny")
    with launched() as browser:
        with server(home, port, YOUJU_MODEL=str(model)) as base:
            page = fresh_page(browser, base, trouble)
            arrive(page, f"{base}/?p=tune")
            lose(page)
            begin(page)
            page.wait_for_selector("#tune-run polyline")
            before = drawn(page)
            until(lambda: drawn(page) > before)
            page.reload()  # it opens on the run that goes on
            page.wait_for_selector('#tune-run [data-do="stop"]')
            page.click('#tune-run [data-do="stop"]')
            page.wait_for_selector('#tune-run [data-do="resume"]')
            (run,) = home.glob("runs/*/tune/*-echo/run")
            stopped = steps_of(run)
            assert 0 < stopped[-1] < 60
            page.context.close()
        with server(
            home, port, YOUJU_MODEL=str(model)
        ) as base:  # the run is in its folder, not in the server
            page = fresh_page(browser, base, trouble, "zh-CN")
            held = hold(page)
            arrive(page, f"{base}/?p=tune")
            page.click("#tune-runs td a")
            page.wait_for_selector('#tune-run [data-do="resume"]')
            held[0].continue_()
            page.wait_for_timeout(1000)
            page.click('#tune-run [data-do="resume"]')
            page.wait_for_selector('#tune-run [data-do="stop"]')
            until(lambda: drawn(page) > len(stopped))
            page.wait_for_selector("#tune-result .found")
            assert steps_of(run) == list(range(1, 61))
            assert json.loads((run / "status.json").read_text())["state"] == "done"
            assert page.locator('#tune-result [data-do="promote"]').count() == 1
    assert trouble == []


def until(true: Any) -> None:
    end = time.monotonic() + PATIENCE_MS / 1000
    while not true():
        assert time.monotonic() < end
        time.sleep(0.3)
