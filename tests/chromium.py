"""A real browser for tests, and what must never happen in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

RUNNING: list[Any] = []
"""The browsers that are open."""
EXECUTABLE = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@contextmanager
def launched(*flags: str) -> Iterator[Any]:
    """A headless Chromium with ``flags`` of its own; skips the test where there is none."""
    if EXECUTABLE is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=EXECUTABLE, args=[*FLAGS, *flags])
        RUNNING.append(browser)
        try:
            yield browser
        except BaseException:
            print(seen())  # before it closes
            raise
        finally:
            RUNNING.remove(browser)
        browser.close()


def seen() -> str:
    """What each open page shows."""
    pages = (page for browser in RUNNING for context in browser.contexts for page in context.pages)
    return "\n".join(f"---- {page.url} showed:\n{page.inner_text('body')[:4000]}" for page in pages)


def watch(page: Any, base: str, trouble: list[str]) -> None:
    """Write down what no page may do: leave the origin, fail, or open a dialog."""
    page.on("pageerror", lambda error: trouble.append(f"script: {error}"))
    page.on("dialog", lambda dialog: (trouble.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on(
        "request",
        lambda sent: sent.url.startswith((base, "data:", "blob:")) or trouble.append(f"left: {sent.url}"),
    )
    page.on("response", lambda got: trouble.append(f"{got.status}: {got.url}") if got.status >= 400 else None)


def arrive(page: Any, address: str) -> None:
    """Open ``address`` and wait until the page's script runs it.

    By selectors alone: Playwright's ``wait_for_function`` evaluates a string, which the pages' policy forbids.
    """
    page.goto(address)
    page.wait_for_selector(".composer textarea", state="attached")
    page.wait_for_selector("#scroller", state="attached")
    page.wait_for_selector("html[class*='lang-']", state="attached")


def lose(page: Any) -> None:
    """End the next stream of answers before it has brought any, as happens between a close and a new question."""

    def one(route: Any) -> None:
        route.fulfill(content_type="text/event-stream", body='data: {"msg":"close_stream"}\n\n')

    page.wait_for_timeout(3000)  # what was asked at the start has been answered by then
    page.route("**/queue/data*", one, times=1)
