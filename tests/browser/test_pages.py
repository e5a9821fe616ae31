"""The pages in a real browser, over scripted answers."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from chromium import DESKTOP, PHONE, arrive, launched, lose, watch
from demo_runtime import DemoRuntime, furnish
from sites import Site

pytestmark = pytest.mark.browser
QUESTION = "How many days of leave do I have?"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as running:
        yield running


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, DemoRuntime]]:
    from assistant.web import pages
    from assistant.web.draining import Drain
    from assistant.web.shell import create_app, mount

    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "gradio"))
        runtime = DemoRuntime(folder / "home", pace=0.02)
        furnish(runtime, runtime.workspace.store.users.local())
        drain = Drain(grace_s=1.0)
        app = create_app(runtime, drain)  # type: ignore[arg-type]
        mount(app, pages.build(runtime), 50, **pages.look())  # type: ignore[arg-type]
        site = Site(runtime, app, drain)  # type: ignore[arg-type]
        yield str(site.url), runtime
        site.stop()


@pytest.fixture
def visit(browser: Any, served: tuple[str, DemoRuntime]) -> Iterator[Any]:
    """Open a page as some reader; afterwards: nothing left the origin, nothing failed, no dialog came up."""
    base, _ = served
    trouble: list[str] = []
    contexts = []

    def open_page(path: str = "/", locale: str = "en-US", viewport: Any = DESKTOP) -> Any:
        context = browser.new_context(locale=locale, viewport=viewport)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)  # two workers on one core take half a minute to open a page
        watch(page, base, trouble)
        arrive(page, base + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert trouble == []


def ask(page: Any, words: str) -> Any:
    """The answer; a fast one ends before its growing could be seen, so only its end is waited for."""
    before = page.evaluate("document.querySelector('#live [data-done]')?.dataset.done ?? ''")
    page.fill(".composer textarea", words)
    page.keyboard.press("Enter")
    page.wait_for_selector(f'#live [data-done]:not([data-done="{before}"])', state="attached")
    return page.locator("#thread .answer").last


@pytest.mark.parametrize(
    ("locale", "question", "words", "sign"),
    [
        ("en-US", QUESTION, "25 days", "Supported"),
        ("zh-CN", "怎样申请退款？", "申请退款", "有依据"),
        ("zh-HK", "怎样申请退款？", "申请退款", "有依据"),
    ],
)
def test_a_question_its_answer_and_its_source(
    visit: Any, locale: str, question: str, words: str, sign: str
) -> None:
    page = visit("/", locale)
    answer = ask(page, question)
    assert words in answer.inner_text()
    assert answer.locator(".sign.supported").first.get_attribute("title") == sign
    assert re.search(r"\?c=\w+", page.url)
    answer.locator(".cite").first.click()
    page.wait_for_selector(".source mark")
    assert words.split()[0] in page.inner_text(".source mark")
    page.keyboard.press("Escape")
    page.wait_for_selector("body:not(.source-open)")


def test_passages_come_before_the_first_word(
    visit: Any, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        served[1], "pace", 0.1
    )  # else it can be over before the browser has drawn its growing
    page = visit("/")
    page.fill(".composer textarea", QUESTION)
    page.keyboard.press("Enter")
    page.wait_for_selector("#live .chip")
    assert "passages found" in page.inner_text("#live .status")
    page.wait_for_selector("#live .answer .prose")
    page.wait_for_selector("#live [data-done]", state="attached")


def test_what_the_documents_do_not_say_is_refused(visit: Any) -> None:
    answer = ask(visit("/"), "quantum chromodynamics lattices")
    assert "Not in the documents" in answer.inner_text()
    assert answer.locator(".passage").count() == 3


def test_reload_back_and_links_find_the_conversation(visit: Any) -> None:
    page = visit("/")
    ask(page, QUESTION)
    link = page.url
    page.reload()
    page.wait_for_selector("#thread .answer")
    page.click(".new")
    page.wait_for_selector(".empty")
    assert "c=" not in page.url
    page.go_back()
    page.wait_for_selector("#thread .answer")
    assert page.url == link
    assert QUESTION in visit(link[link.index("/?") :]).locator("#thread .question").first.inner_text()


def test_stop_keeps_what_is_there(visit: Any, served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served[1], "pace", 0.2)
    page = visit("/")
    page.fill(".composer textarea", QUESTION)
    page.keyboard.press("Enter")
    page.wait_for_selector("#live .answer .prose")
    page.keyboard.press("Escape")
    page.wait_for_selector("#thread .answer .ending")
    assert "Stopped" in page.inner_text("#thread .ending")
    assert page.inner_text("#thread .answer .prose").startswith("Every")
    assert "day." not in page.inner_text("#thread .answer .prose")


def test_another_chat_can_be_read_while_an_answer_is_written(
    visit: Any, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = visit("/")
    ask(page, QUESTION)
    read = page.url
    page.click('#side [data-act="new"]')
    page.wait_for_selector("#thread .empty")
    monkeypatch.setattr(served[1], "pace", 0.2)
    page.fill(".composer textarea", "How do I get a refund?")
    page.keyboard.press("Enter")
    page.wait_for_selector("#live .answer .prose")
    asked = f'.chat-item[data-id="{page.url.partition("c=")[2]}"]'
    page.wait_for_selector(asked)  # it is in the list as soon as it begins
    page.click(f'.chat-item[data-id="{read.partition("c=")[2]}"] [data-act="open"]')
    page.wait_for_selector("#thread >> text=25 days")
    page.wait_for_selector("body:not(.busy)")
    page.wait_for_timeout(5000)  # longer than the answer takes
    assert page.url == read
    assert page.inner_text("#live") == ""
    assert "refund" not in page.inner_text("#thread")
    page.go_back()
    page.wait_for_selector("#thread .question >> text=refund")
    page.wait_for_selector("#thread .answer .tools")


def test_a_reload_in_the_middle_of_an_answer_finds_it(
    visit: Any, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served[1], "pace", 0.2)
    page = visit("/")
    page.fill(".composer textarea", QUESTION)
    page.keyboard.press("Enter")
    page.wait_for_selector("#live .answer .prose")
    page.wait_for_url(re.compile(r"\?c=\w+"))
    page.reload()
    page.wait_for_selector("#thread .answer .prose")
    page.wait_for_selector("#thread .answer .ending")
    assert page.inner_text("#thread .answer .prose").startswith("Every")


def test_versions_edit_and_rating(visit: Any) -> None:
    page = visit("/")
    ask(page, QUESTION)
    page.click('[data-send="regenerate"]')
    page.wait_for_selector("#thread .answer .versions >> text=2/2")
    page.click("#thread .answer .versions button >> nth=0")
    page.wait_for_selector("#thread .answer .versions >> text=1/2")
    page.hover("#thread .question")
    page.click('#thread .question [data-ui="edit"]')
    assert page.input_value(".composer textarea") == QUESTION
    ask(page, "How many days of leave are paid?")
    page.wait_for_selector("#thread .question .versions >> text=2/2")
    page.click('[data-act="rate"][data-value="1"]')
    page.fill(".comment input", "clear")
    page.keyboard.press("Enter")
    page.reload()
    page.wait_for_selector('#thread [data-value="1"][aria-pressed="true"]')
    page.click('[data-ui="why"]')
    assert "Sentences, checked" in page.inner_text(".why")


def test_the_answer_one_wanted_is_kept(visit: Any, served: Any) -> None:
    store = served[1].store
    page = visit("/")
    ask(page, QUESTION)
    page.click('[data-act="rate"][data-value="-1"]')
    page.fill(".comment input", "too long")
    page.fill(".comment textarea", "25 days [1].")
    page.click(".comment button")
    page.get_by_text("Kept. Thank you.").wait_for()
    (kept,) = [row.feedback for row in store.feedback.rows(store.users.local()) if row.feedback.edit]
    assert (kept.value, kept.comment, kept.edit) == (-1, "too long", "25 days [1].")
    page.reload()
    page.click('[data-act="rate"][data-value="1"]')
    assert page.input_value(".comment textarea") == "25 days [1]."


def test_chats_are_renamed_searched_and_deleted(visit: Any) -> None:
    page = visit("/")
    ask(page, QUESTION)
    page.hover(".chat-item.active")
    page.click(".chat-item.active .menu summary")
    page.click('.chat-item.active [data-act="rename"]')
    page.fill("dialog input", "Holidays <b>2026</b>")
    page.keyboard.press("Enter")
    page.wait_for_selector("#history >> text=Holidays <b>2026</b>")
    page.fill("[data-search]", "no such words anywhere")
    page.wait_for_selector("#history .hint")
    page.fill("[data-search]", "Holidays")
    page.wait_for_selector(".chat-item.active")
    with page.expect_download() as download:
        page.click(".chat-item.active .menu summary")
        page.click(".chat-item.active a[href$='.md']")
    assert "25 days" in Path(download.value.path()).read_text(encoding="utf-8")
    page.click(".chat-item.active .menu summary")
    page.click('.chat-item.active [data-act="delete"]')
    page.click("dialog .danger")
    page.wait_for_selector(".empty")
    page.wait_for_selector("#history >> text=Holidays <b>2026</b>", state="detached")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_the_composer_stays_at_the_bottom(visit: Any, viewport: Any) -> None:
    page = visit("/", viewport=viewport)
    box = page.locator("#composer").bounding_box()
    assert viewport["height"] - 60 < box["y"] + box["height"] <= viewport["height"]


def test_keys(visit: Any) -> None:
    page = visit("/?p=settings")
    page.wait_for_selector("#settings select")
    page.keyboard.press("/")
    page.wait_for_selector(".composer textarea:focus")
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    assert page.input_value(".composer textarea") == "one\ntwo"


def test_settings_are_kept_while_the_next_one_is_typed(visit: Any) -> None:
    page = visit("/?p=settings")
    page.click("#settings details summary")
    page.fill('[data-set="seed"]', "7")
    page.keyboard.press("Shift+Tab")
    page.wait_for_selector(".saved >> text=Saved")
    page.wait_for_timeout(300)
    page.wait_for_selector('[data-set="max_new_tokens"]:focus')
    page.reload()
    page.wait_for_selector('[data-set="seed"][value="7"]', state="attached")


def test_actions_of_one_moment_all_arrive(visit: Any, served: Any) -> None:
    """Gradio sends a field's value of the moment it comes to it: one field would send the last of these alone."""
    store = served[1].store
    page = visit("/?p=settings")
    page.wait_for_selector('[data-set="seed"]', state="attached")
    wanted = {"seed": "11", "top_p": "0.5", "max_new_tokens": "128"}
    page.evaluate(
        """wanted => Object.entries(wanted).forEach(([key, value]) => {
            const field = document.querySelector(`[data-set="${key}"]`);
            field.value = value;
            field.dispatchEvent(new Event("change", { bubbles: true }));
        })""",
        wanted,
    )
    end = time.monotonic() + 30
    kept: dict[str, str] = {}
    while {key: str(value) for key, value in kept.items()} != wanted and time.monotonic() < end:
        time.sleep(0.1)
        kept = {key: store.settings.get(store.users.local(), key, "") for key in wanted}
    for key in wanted:
        store.settings.set(store.users.local(), key, "")
    assert {key: str(value) for key, value in kept.items()} == wanted


def test_files_dropped_into_the_chat_are_asked_about(visit: Any) -> None:
    page = visit("/")
    page.evaluate(
        """() => {
            const dataTransfer = new DataTransfer();
            const words = "Parking rules\\n\\nParking days of leave are free on Sundays for everybody.";
            dataTransfer.items.add(new File([words], "parking.txt", {type: "text/plain"}));
            for (const name of ["dragenter", "dragover", "drop"]) document.querySelector("#page-chat").dispatchEvent(
                new DragEvent(name, {bubbles: true, cancelable: true, dataTransfer}));
        }"""
    )
    page.wait_for_selector(".imports li.ready", state="attached")
    assert page.eval_on_selector("[data-scope-picker]", "s => s.value") == "chat"
    answer = ask(page, "When is parking free on Sundays?")
    assert "Parking rules" in answer.inner_text()


def test_documents_are_added_previewed_inspected_and_deleted(visit: Any, tmp_path: Path) -> None:
    page = visit("/?p=documents")
    page.wait_for_selector(".documents")
    lose(page)
    for name, words in (("zoo.txt", "Zoo rules\n\nNo feeding of the giraffes."), ("empty.txt", " ")):
        (tmp_path / name).write_text(words)
    page.set_input_files(
        "#page-documents input[type=file]", [str(tmp_path / "zoo.txt"), str(tmp_path / "empty.txt")]
    )
    page.wait_for_selector(".documents >> text=Zoo rules")
    page.wait_for_selector(".state.failed")
    assert page.locator('[data-docs="retry"]').count() == 1
    page.click(".documents >> text=Zoo rules")
    page.wait_for_selector(".paper .chunk.tint1")
    assert "giraffes" in page.inner_text(".paper")
    page.go_back()
    page.fill(".inspect input", "feeding of giraffes")
    page.keyboard.press("Enter")
    page.wait_for_selector(".stages .number")
    page.click('.preview [data-docs="show"]')
    row = page.locator(".documents tr", has_text="Zoo rules")
    row.locator('[data-docs="delete"]').click()
    assert "passages" in page.inner_text("dialog p")
    page.click("dialog .danger")
    page.wait_for_selector(".documents >> text=Zoo rules", state="detached")


def test_what_is_typed_stays_while_the_files_are_drawn_anew(
    visit: Any, served: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    store, enough = served[1].store, Event()
    request.addfinalizer(enough.set)

    def slow(user: Any, collection_id: str, name: str, _: Path, progress: Any) -> list[Any]:
        told = {"title": name, "filename": name, "media_type": "text/plain", "sha256": "0" * 64, "size": 1}
        record = store.documents.add(user, collection_id, **told)
        for step in range(1, 1000):
            progress(store.documents.set_state(user, record.id, "embedding", progress=step / 1000))
            if enough.wait(0.2):
                break
        store.documents.delete(user, record.id)
        return []

    monkeypatch.setattr(served[1].library, "ingest", slow)
    page = visit("/?p=documents")
    (tmp_path / "slow.txt").write_text("slow")
    page.set_input_files("#page-documents input[type=file]", str(tmp_path / "slow.txt"))
    page.wait_for_selector(".documents progress")
    page.fill("[data-filter]", "slow")
    page.click(".inspect input")
    for word in ("days", " of", " leave"):
        page.evaluate("document.querySelector('.shelf').dataset.old = '1'")
        page.keyboard.type(word)
        page.wait_for_selector(".shelf:not([data-old])")
    assert page.input_value(".inspect input") == "days of leave"
    assert page.input_value("[data-filter]") == "slow"
    assert page.locator(".documents tbody tr:visible").count() == 1
    enough.set()
    page.wait_for_selector(".documents progress", state="detached")


def test_an_answer_whose_stream_was_lost_is_fetched(visit: Any) -> None:
    page = visit()
    lose(page)
    answer = ask(page, QUESTION)
    assert "25 days" in answer.inner_text()


def test_summary_leads_to_its_place_and_sentiment_shows_bars(visit: Any) -> None:
    page = visit("/?p=summarize")
    page.fill("#page-summarize textarea", "Every employee has 25 days of paid leave a year. " * 3)
    page.click("#page-summarize button.primary")
    page.click("#summary .from summary >> nth=0")
    page.wait_for_selector("#summary .excerpt mark")
    page.click('[data-go="sentiment"]')
    page.fill("#page-sentiment textarea >> nth=0", "I love this wonderful film")
    page.click("#page-sentiment button.primary >> nth=0")
    page.wait_for_selector("#judgement .bar")
    assert "sounds positive" in page.inner_text("#judgement .verdict")


def test_the_language_is_switched_and_remembered(visit: Any, served: Any) -> None:
    runtime = served[1]
    page = visit("/?p=settings")
    page.select_option('[data-set="language"]', "zh")
    page.wait_for_selector("nav >> text=对话")
    page.goto(page.url.split("?")[0] + "?p=summarize")
    page.wait_for_selector("#page-summarize button.primary >> text=生成摘要")
    runtime.workspace.store.settings.set(runtime.workspace.store.users.local(), "language", "")


def test_dark_is_dark_and_stays(visit: Any) -> None:
    page = visit("/?p=settings")
    page.select_option('[data-set="theme"]', "dark")
    page.wait_for_selector(".saved >> text=Saved")
    page.reload()
    page.wait_for_selector(".composer textarea", state="attached")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 29)"
    page.evaluate("localStorage.clear()")


def test_a_translation_stands_beside_its_source(visit: Any, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    page = visit("/?p=translate")
    (tmp_path / "a.md").write_text(
        "# Leave\n\nEvery employee has 25 days of paid leave a year.\n\n[See](https://a.b) 14 rules.\n"
    )
    page.set_input_files("#page-translate input[type=file]", tmp_path / "a.md")
    text, glossary = (page.locator("#page-translate textarea").nth(n) for n in (0, 1))
    expect(text).to_have_value(re.compile(r"# Leave[^$]*\]\(https://a\.b\)"))
    page.fill("#page-translate textarea >> nth=1", "leave = 休假")
    page.click("#page-translate button.primary")
    page.wait_for_selector("#translated .translation .pair")
    assert page.locator("#translated .pair[data-kind]").count() == 3
    assert "每位员工每年有 25 天带薪休假。" in page.inner_text("#translated")
    page.click("#translated .pill >> text=To check")
    page.wait_for_selector("#translated .pair[data-kind=checked]", state="hidden")
    page.reload()
    expect(glossary).to_have_value("leave = 休假")


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_nothing_is_wider_than_a_phone(visit: Any, locale: str) -> None:
    page = visit("/", locale, PHONE)
    for name in ("documents", "summarize", "translate", "sentiment", "settings", "chat"):
        page.click("#top [data-ui=drawer]")
        page.wait_for_selector("#side", state="visible")
        page.click(f'#side [data-go="{name}"]')
        page.wait_for_selector(f"#page-{name}")
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_no_answer_makes_the_browser_fetch(visit: Any, served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from assistant.schema import Answer, Delta, Finish

    text = (
        "![a](http://127.0.0.1:9/x.png) ![b][1]\n\n[1]: http://127.0.0.1:9/y.png\n\n<img src=http://127.0.0.1:9/z.png "
        "onerror=alert(1)> <div style='background:url(http://127.0.0.1:9/w)'>x</div> <svg><image href='http://127.0.0.1:9/v'/>"
        "</svg> <script>alert(2)</script> end."
    )

    def evil(*_: Any, **__: Any) -> Any:
        for start in range(0, len(text), 7):
            time.sleep(0.02)
            yield Delta(text[start : start + 7])
        yield Answer(text, Finish.STOP)

    monkeypatch.setattr(served[1], "chat_turn", evil)
    page = visit("/")
    ask(page, "anything")
    page.wait_for_timeout(500)
    page.reload()
    page.wait_for_selector("#thread .answer .prose")
    page.wait_for_timeout(500)


def test_an_evaluation_is_run_stopped_and_read(visit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import eval_scripted

    from eval.browser import works

    subject, seen = eval_scripted.Scripted(pause=0.2), Event()

    def reply(subject: Any, case: Any) -> Any:
        if works.current().done >= 4:  # it does not end before the page has shown it at work
            seen.wait(60)
        return _reply(subject, case)

    monkeypatch.setattr(works, "subject_of", lambda runtime, adapter: subject)
    monkeypatch.setattr(eval_scripted.Scripted, "predict", reply)
    page = visit("/?p=evaluate")
    page.wait_for_selector("#evaluate-runs .hint")
    page.wait_for_selector("#evaluate-pair h2")  # comes with the list of questions, one of them chosen
    page.fill("#page-evaluate input[type=number]", "12")
    page.click("#page-evaluate button.primary")
    page.wait_for_selector("#evaluate-now progress[value]")
    seen.set()
    page.wait_for_selector(".evaluate.shown")
    assert "between" in page.inner_text(".figures")
    page.locator(".evaluate .cases summary").first.click()
    assert "<i>no tag</i>" in page.locator(".evaluate .cases dd").nth(1).inner_text()
    with page.expect_download() as got:
        page.locator(".files a").first.click()
    assert "default-src" in Path(got.value.path()).read_text(encoding="utf-8")
    page.locator(".evaluate .text").first.click()
    page.wait_for_selector(".runs a")
    narrow = visit("/?p=evaluate", "zh-CN", PHONE)
    narrow.wait_for_selector(".runs a")
    assert "评测记录" in narrow.inner_text("#evaluate-runs")
    narrow.locator(".runs a").first.click()
    narrow.wait_for_selector(".evaluate.shown")
    assert "之间" in narrow.inner_text(".figures")


def _reply(subject: Any, case: Any) -> Any:
    from eval.schema import Prediction, task_of

    subject.stopped.wait(subject.pause)
    return Prediction(
        case.id, task_of(case), "An answer, <i>no tag</i>.", confidence=0.6, tokens=3, seconds=0.2
    )
