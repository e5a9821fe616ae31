"""Take the screenshots of spaces/README.md: the cpu variant as a guest sees it, in its own fresh environment.

PYTHONPATH=.:tests TEST_SPACE_PYTHON=python3.12 python tests/browser/space_screenshots.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import fresh_space
import screenshots
from chromium import DESKTOP, PHONE, arrive, launched

SIZES = {"desktop": DESKTOP, "phone": PHONE}


def main() -> None:
    """One question in each language on each size."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        fresh = fresh_space.fresh("cpu", folder)
        with fresh_space.opened(fresh, folder, {}) as space, launched(*space.flags) as browser:
            for locale, (_, question) in screenshots.CHATS.items():
                for size, viewport in SIZES.items():
                    page = browser.new_context(
                        locale=locale, viewport=viewport, color_scheme="light", ignore_https_errors=True
                    ).new_page()
                    page.set_default_timeout(120_000)
                    arrive(page, fresh_space.BASE)
                    take(page, question, screenshots.IMAGES / f"space-{locale[:2]}-{size}.png")


def take(page: Any, question: str, path: Path) -> None:
    """Ask, and show the answer; on a desktop its source beside it."""
    page.fill(".composer textarea", question)
    page.keyboard.press("Enter")
    page.wait_for_selector("#live [data-done]", state="attached")
    if page.viewport_size == DESKTOP:
        page.locator("#thread .cite").first.click()
        page.wait_for_selector(".source mark")
    page.wait_for_timeout(800)
    screenshots.save(page.screenshot(), path)


if __name__ == "__main__":
    main()
