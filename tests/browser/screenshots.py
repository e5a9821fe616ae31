"""Take the README's screenshots from a running `youju serve` with the sample collection.

python tests/browser/screenshots.py http://127.0.0.1:7860
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from chromium import DESKTOP, arrive, launched

IMAGES = Path(__file__).parents[2] / ".github" / "images"
COLOURS = 128
CHATS = {
    "en-US": ("chat-en.png", "How many days of paid annual leave does an employee have?"),
    "zh-CN": ("chat-zh.png", "高铁什么时候可以坐一等座？"),
}


def main(base: str) -> None:
    """One question in each language, its answer and its source."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with launched() as browser:
        for locale, (name, question) in CHATS.items():
            page = browser.new_context(locale=locale, viewport=DESKTOP, color_scheme="light").new_page()
            page.set_default_timeout(120_000)
            arrive(page, base)
            ask(page, question)
            save(page.screenshot(), IMAGES / name)


def ask(page: Any, question: str) -> None:
    """Ask, and open the first citation."""
    page.fill(".composer textarea", question)
    page.keyboard.press("Enter")
    page.wait_for_selector("#live [data-done]", state="attached")
    page.locator("#thread .cite").first.click()
    page.wait_for_selector(".source mark")
    page.wait_for_timeout(800)


def save(png: bytes, path: Path) -> None:
    """Write it with few colours: text and flat areas need no more."""
    from PIL import Image

    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1])
