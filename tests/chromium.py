"""A real browser for tests, and what must never happen in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

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
        try:
            yield browser
        except BaseException:
            tell(browser)
            raise
        browser.close()


def tell(browser: Any) -> None:
    """Print what each open page shows: pytest adds it to the failure."""
    for page in (page for context in browser.contexts for page in context.pages):
        print(f"---- {page.url} showed:", page.inner_text("body")[:4000], sep="\n")


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
