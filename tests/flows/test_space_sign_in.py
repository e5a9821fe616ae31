"""People of a Space that asks for a Hugging Face account, in a real browser behind a Space's proxy."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import DESKTOP, launched, watch
from fresh_space import BASE, Fresh, Open, opened
from openid import SECRET, StandIn

from assistant.config import Settings

pytestmark = [pytest.mark.weights, pytest.mark.browser, pytest.mark.timeout(900)]
PATIENCE_MS = 90_000
VARIANT = Path(__file__).parents[2] / "spaces" / "cpu"
NOTE = b"# Lost property\n\nThings that visitors leave behind are kept for 45 days in the cloakroom.\n"
QUESTION, FACT = "How long is lost property kept?", "45 days"


@pytest.fixture(scope="module")
def hub() -> Iterator[StandIn]:
    stand_in = StandIn()
    yield stand_in
    stand_in.shutdown()


@pytest.fixture(scope="module")
def space(hub: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """The variant cpu with ``hf_oauth: true``, run by this environment."""
    signing_in = {"OAUTH_CLIENT_ID": "client", "OAUTH_CLIENT_SECRET": SECRET, "OPENID_PROVIDER_URL": hub.url}
    ours = {
        "YOUJU_MEMBERS": "grace",
        "YOUJU_MODELS_DIR": str(Settings().models_dir),
        "YOUJU_SAMPLES": "false",
        "YOUJU_MODEL": "smollm2-135m",  # in seconds; it quotes
    }
    folder = tmp_path_factory.mktemp("space")
    with opened(Fresh("cpu", VARIANT, Path(sys.executable), folder), folder, signing_in | ours) as running:
        yield running


def signed_in(browser: Any, trouble: list[str]) -> Any:
    """The tab that a person gets by the way that the sign-in page offers."""
    context = browser.new_context(locale="en-US", viewport=DESKTOP, ignore_https_errors=True)
    door = context.new_page()
    door.goto(BASE)
    with context.expect_page() as opening:
        door.get_by_text("Sign in with Hugging Face").click()
    page = opening.value
    page.set_default_timeout(PATIENCE_MS)
    page.wait_for_selector("html[class*='lang-']", state="attached")
    watch(page, BASE, trouble)
    return page


def add(page: Any) -> None:
    page.click('[data-go="documents"]')
    page.wait_for_selector(".shelf")
    payload = {"name": "museum.md", "mimeType": "text/markdown", "buffer": NOTE}
    page.set_input_files("#page-documents input[type=file]", payload)
    page.wait_for_selector(".documents .state.ready")


def ask(page: Any) -> Any:
    page.click("#side .new")
    page.wait_for_selector(".empty")
    page.fill(".composer textarea", QUESTION)
    page.keyboard.press("Enter")
    page.wait_for_selector("#live [data-done]", state="attached")
    return page.locator("#thread .answer").last


def test_each_person_has_documents_and_chats_of_their_own(space: Open, hub: StandIn) -> None:
    trouble: list[str] = []
    with launched(*space.flags) as browser:
        page = signed_in(browser, trouble)
        add(page)
        answer = ask(page)
        assert FACT in answer.inner_text()
        answer.locator(".cite").first.click()
        assert FACT in page.inner_text(".source mark")

        hub.claims = {"sub": "64b2", "preferred_username": "grace"}
        other = signed_in(browser, trouble)
        assert other.locator(".chat-item").count() == 0
        other.click('[data-go="documents"]')
        other.wait_for_selector(".shelf")
        assert other.locator(".documents tbody tr").count() == 0
        assert FACT not in ask(other).inner_text()

        page.click('[data-go="settings"]')
        page.click('form[action="/logout"] button')
        page.get_by_text("Sign in with Hugging Face").wait_for()
    assert trouble == []


def test_a_stranger_is_told_whom_to_ask(space: Open, hub: StandIn) -> None:
    hub.claims = {"sub": "9", "preferred_username": "mallory"}
    with launched(*space.flags) as browser:
        door = browser.new_context(locale="en-US", ignore_https_errors=True).new_page()
        door.goto(f"{BASE}/login/huggingface")
        assert "ask the owner of this Space" in door.inner_text("[role=alert]")
