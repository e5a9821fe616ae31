from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from demo_runtime import DemoRuntime, furnish

from assistant import samples
from assistant.errors import AdapterError, BadRequestError, EmptyInputError, NotFoundError
from assistant.request import Request
from assistant.schema import Answer, Delta, Finish, Mark, Quoted, Sentiment, SentimentRow
from assistant.web import turns
from assistant.web.pages import (
    bridge,
    chat,
    conversation,
    documents,
    examples,
    frame,
    imports,
    sentiment,
    settings,
    source,
)
from assistant.web.pages.bridge import Action, InView, Reader

QUESTION = "How many days of leave do I have?"
HOSTILE = '"><img src=x onerror=alert(1)>'


@pytest.fixture
def runtime(tmp_path: Path) -> Any:
    runtime = DemoRuntime(tmp_path / "home")
    furnish(runtime, runtime.workspace.store.users.local())
    yield runtime
    runtime.close()


@pytest.fixture(params=["en", "zh"])
def reader(request: Any, runtime: DemoRuntime) -> Reader:
    return Reader(runtime.workspace.store.users.local(), request.param)


@pytest.fixture
def page(runtime: DemoRuntime) -> Any:
    return chat._Page(runtime, "history", "panel", "thread", "live", "progress", "form")  # type: ignore[arg-type]


def do(**fields: Any) -> str:
    return json.dumps(fields)


def asked(runtime: DemoRuntime, reader: Reader, question: str = QUESTION) -> tuple[str, str]:
    """A conversation with one answer, and the answer's id."""
    conversation_id = runtime.workspace.store.conversations.create(reader.user).id
    list(turns.run(runtime, reader.user, conversation_id, turns.Ask(question)))
    return conversation_id, runtime.workspace.store.conversations.path(reader.user, conversation_id)[-1].id


def thread(runtime: DemoRuntime, reader: Reader, conversation_id: str) -> str:
    found = runtime.workspace.store.conversations.get(reader.user, conversation_id)
    messages = runtime.workspace.store.conversations.path(reader.user, conversation_id)
    return str(conversation.Thread(runtime, reader, found, messages).html())


def test_a_question_that_is_sent_is_drawn_as_it_grows(
    page: Any, runtime: DemoRuntime, reader: Reader
) -> None:
    updates = list(page.send(reader, do(do="ask", c="", text=QUESTION, scope="all", t=7), InView()))
    live = [update["live"] for update in updates if "live" in update]
    assert QUESTION in live[0]
    first_words = next(place for place, html in enumerate(live) if '<div class="prose">' in html)
    assert any('class="chip"' in html for html in live[:first_words])
    assert 'data-done="7"' in live[-1]
    assert 'class="answer"' in updates[-1]["thread"]
    assert QUESTION[:20] in updates[-1]["history"]


def test_whoever_leaves_an_answer_is_not_brought_back(
    page: Any, runtime: DemoRuntime, reader: Reader
) -> None:
    other, _ = asked(runtime, reader)
    view = InView()
    sent = page.send(reader, do(do="ask", c="", text=QUESTION, scope="all", t=7), view)
    first = next(sent)
    begun = view.what
    assert {"thread", "live"} <= first.keys()
    opened = page.act(reader, do(do="open", c=other, t=8), view)
    assert (other in opened["thread"], opened["live"]) == (True, "")
    late = {place: html for updates in sent for place, html in updates.items()}
    assert late.keys() == {"history"}
    assert begun in late["history"]
    assert page.act(reader, do(do="again", c=begun, t=9), view) == {}
    assert other in page.act(reader, do(do="again", c=other, t=10), view)["thread"]


def test_what_was_asked_first_and_ends_last_is_not_shown(runtime: DemoRuntime, reader: Reader) -> None:
    own = runtime.workspace.store.collections.default(reader.user)
    record = runtime.workspace.store.documents.list(reader.user, own.id)[0]
    shelf, view = documents._Page(runtime, "body", "detail", "progress"), InView()  # type: ignore[arg-type]
    assert "detail" not in shelf.act(reader, do(do="show", t=1), InView()), (
        "it may be shown after a later answer"
    )
    assert shelf.act(reader, do(do="preview", id=record.id, t=2), view)["detail"]
    assert shelf.act(reader, do(do="show", t=1), view) == {}
    shelf.act(reader, do(do="show", collection="", t=3), view)  # the page's first, before it knows one
    assert "body" in shelf.act(reader, do(do="imports", collection=own.id, t=4), view)
    assert shelf.act(reader, do(do="show", collection=own.id, t=5), view)["detail"] == ""
    assert "body" not in shelf.act(reader, do(do="imports", collection="left", t=6), view)
    assert "body" in shelf.act(reader, do(do="imports", collection=own.id, t=7), view)


def test_the_page_survives_a_turn_that_cannot_begin(
    page: Any, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Exception] = []
    monkeypatch.setattr(bridge, "tell", lambda error, language: told.append(error))
    updates = list(page.send(reader, do(do="ask", c="no-such", text=QUESTION, t=3), InView()))
    assert 'data-done="3"' in updates[-1]["live"]
    assert isinstance(told[0], NotFoundError)


def test_a_replayed_answer_shows_verdicts_citations_and_ways_on(runtime: DemoRuntime, reader: Reader) -> None:
    conversation_id, answer_id = asked(runtime, reader)
    html = thread(runtime, reader, conversation_id)
    for verdict in ("supported", "partly", "contradicted", "no_source"):
        assert f'class="sentence {verdict}"' in html
        assert reader.say(f"verdict_{verdict}") in html
    assert 'class="cite" data-n="1"' in html or 'data-n="1"' in html
    assert f'data-send="regenerate" data-id="{answer_id}"' in html
    assert reader.say("best_passage") in html


def test_streaming_and_replay_draw_the_words_alike(runtime: DemoRuntime, reader: Reader) -> None:
    text = "**Bold** ![x](https://evil.test/x.png) <img src=x>"
    streamed = conversation.live(reader, "", "…", (), text)
    stored = conversation.body(reader, text)
    assert str(stored) in str(streamed)
    assert "<img" not in streamed


def test_a_refusal_shows_the_nearest_passages(runtime: DemoRuntime, reader: Reader) -> None:
    conversation_id, _ = asked(runtime, reader, "quantum chromodynamics")
    html = thread(runtime, reader, conversation_id)
    assert reader.say("not_found_title") in html
    assert html.count('class="passage"') == 3


def test_a_deleted_document_leaves_answers_at_once(runtime: DemoRuntime, reader: Reader, page: Any) -> None:
    conversation_id, answer_id = asked(runtime, reader)
    cited = next(
        d for d in runtime.workspace.store.documents.list(reader.user) if d.title == "Staff handbook"
    )
    runtime.workspace.library.delete(reader.user, cited.id)
    html = thread(runtime, reader, conversation_id)
    assert '<button type="button" class="cite"' not in html
    assert "may be carried over until 31 March" not in html
    assert reader.say("message_gone") in html
    assert (
        reader.say("message_gone") in page.act(reader, do(do="cite", id=answer_id, n="1"), InView())["panel"]
    )


def test_a_citation_opens_in_place(page: Any, runtime: DemoRuntime, reader: Reader) -> None:
    _, answer_id = asked(runtime, reader)
    panel = page.act(reader, do(do="cite", id=answer_id, n="1"), InView())["panel"]
    assert "<mark>How many days of leave" in panel
    assert "Working from home" in panel.split("</mark>")[1]


@pytest.mark.parametrize("fields", [{"n": "99"}, {"hit": "99"}, {"hit": "-1"}, {}])
def test_what_was_never_cited_does_not_open(
    page: Any, runtime: DemoRuntime, reader: Reader, fields: Any
) -> None:
    _, answer_id = asked(runtime, reader)
    assert "<mark>" not in page.act(reader, do(do="cite", id=answer_id, **fields), InView())["panel"]


def test_another_user_reaches_nothing(page: Any, runtime: DemoRuntime, reader: Reader) -> None:
    conversation_id, answer_id = asked(runtime, reader)
    other = Reader(runtime.workspace.store.users.create("other", "a long password"), reader.language)
    actions = [
        {"do": "cite", "id": answer_id, "n": "1"},
        {"do": "rename", "c": conversation_id, "value": "mine"},
        {"do": "delete", "c": conversation_id},
        {"do": "select", "id": answer_id},
        {"do": "rate", "id": answer_id, "value": 1},
        {"do": "scope", "c": conversation_id, "value": "none"},
        {"do": "stop", "c": conversation_id},
    ]
    for action in actions:
        with pytest.raises(NotFoundError):
            page.act(other, json.dumps(action), InView())
    assert conversation_id not in page.load(other)["history"]
    assert runtime.workspace.store.conversations.get(reader.user, conversation_id).title.startswith(
        "How many"
    )


def test_opening_what_is_not_there_shows_an_empty_chat(
    page: Any, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge, "tell", lambda error, language: None)
    assert 'data-conversation=""' in page.act(reader, do(do="open", c="no-such"), InView())["thread"]


def test_rating_and_its_comment_are_kept_and_taken_back(
    page: Any, runtime: DemoRuntime, reader: Reader
) -> None:
    conversation_id, answer_id = asked(runtime, reader)
    get = lambda: runtime.workspace.store.feedback.get(reader.user, answer_id)  # noqa: E731
    page.act(reader, do(do="rate", id=answer_id, value="-1"), InView())
    page.act(reader, do(do="rate", id=answer_id, value="-1", comment="too long"), InView())
    assert (get().value, get().comment) == (-1, "too long")
    form = do(do="rate", id=answer_id, value="-1", comment="too long", edit=" 26 <days>. ")
    page.act(reader, form, InView())
    page.act(reader, do(do="rate", id=answer_id, value="-1"), InView())  # clicked before, and arrives last
    assert (get().comment, get().edit) == ("too long", "26 <days>.")
    assert "26 &lt;days&gt;.</textarea>" in thread(runtime, reader, conversation_id)
    page.act(reader, do(do="rate", id=answer_id, value="1"), InView())
    assert (get().value, get().comment, get().edit) == (1, "", "26 <days>.")
    with pytest.raises(BadRequestError, match=r"8001 characters.*at most 8000"):
        page.act(reader, do(do="rate", id=answer_id, value="-1", edit="x" * 8001), InView())
    page.act(reader, do(do="rate", id=answer_id, value="0"), InView())
    assert get() is None
    with pytest.raises(BadRequestError):
        page.act(reader, do(do="rate", id=answer_id, value="7"), InView())


def test_versions_can_be_walked(page: Any, runtime: DemoRuntime, reader: Reader) -> None:
    conversation_id, first = asked(runtime, reader)
    list(turns.run(runtime, reader.user, conversation_id, turns.Regenerate(first)))
    assert "2/2" in thread(runtime, reader, conversation_id)
    assert "1/2" in page.act(reader, do(do="select", id=first), InView())["thread"]


@pytest.mark.parametrize("text", ["", "[]", "{", '"x"', "{}", "null", "[" * 100_000])
def test_a_malformed_action_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError):
        Action.parse(text)


def test_fields_of_an_action_are_never_trusted() -> None:
    action = Action.parse('{"do": "x", "c": {"$ne": 1}, "n": "9z", "m": true, "k": 4}')
    assert (action.text("c"), action.number("n"), action.number("m"), action.number("k")) == ("", 0, 0, 4)


def test_what_people_write_is_escaped_everywhere(page: Any, runtime: DemoRuntime, reader: Reader) -> None:
    made = runtime.workspace.store.conversations.create(reader.user, HOSTILE)
    runtime.workspace.store.conversations.append(reader.user, made.id, None, "user", HOSTILE)
    own = runtime.workspace.store.collections.create(reader.user, HOSTILE)
    runtime.workspace.library.ingest(reader.user, own.id, HOSTILE, f"{HOSTILE}\n\n{HOSTILE}".encode())
    shelf = documents._Page(runtime, "body", "detail", "progress")  # type: ignore[arg-type]
    document = runtime.workspace.store.documents.list(reader.user, own.id)[0]
    drawn = [
        frame.history(reader, runtime.workspace.store.conversations.list(reader.user), HOSTILE),
        frame.history(reader, [], HOSTILE),
        thread(runtime, reader, made.id),
        page.act(reader, do(do="form"), InView())["form"],
        shelf.act(reader, do(do="show", collection=own.id), InView())["body"],
        shelf.act(reader, do(do="preview", id=document.id), InView())["detail"],
        shelf.act(reader, do(do="inspect", query=HOSTILE, collection=own.id), InView())["detail"],
        sentiment.judgement(reader, Sentiment(0.2, 0.2, 0.6, False, ((HOSTILE, 0.5),))),
        examples.empty(runtime, reader),
    ]
    for html in drawn:
        assert "<img" not in str(html)


def test_html_is_passed_on_as_one_block() -> None:
    shown = bridge.shown(bridge.Markup("<pre>a\n\n# b</pre>"))
    assert "\n" not in shown
    assert shown == "<div><pre>a&#10;&#10;# b</pre></div>"


def test_examples_are_questions_of_the_documents(runtime: DemoRuntime, reader: Reader) -> None:
    asked_for = examples.questions(runtime, reader)
    assert (
        asked_for[0] == {"en": "How many days of leave do I have?", "zh": "怎样申请退款？"}[reader.language]
    )
    assert len(asked_for) == 3
    assert len(set(asked_for)) == 3


@pytest.mark.parametrize(
    ("title", "headings", "text", "language", "asked"),
    [
        ("1", ["Can I return it?"], "", "en", ["Can I return it?"]),
        ("1", ["2.1 Working From Home"], "", "en", ["What should I know about working from home?"]),
        ("1", ["What to Do if It Rains"], "", "en", ["What should I do if it rains?"]),
        ("1", ["How to reset a PIN", "1. Introduction"], "", "en", ["How do I reset a PIN?"]),
        ("1", ["How Lime Green Works", "Why Lime Green"], "on Lime Green", "en", ["How does Lime Green work?"]),
        ("1", ["三、维修", "如何退款"], "", "zh", ["关于维修，我需要了解什么？", "如何退款？"]),
        ("1", ["目录", "42"], "", "zh", []),
        ("1", ["w" * 80], "", "en", []),
        ("Internal: Opening Accounts", ["Eligibility", "Steps"], "", "en", ["What should I know about opening accounts?"]),
        ("1", [], "Rewards\n- How much do I earn on purchases? You earn 2%.", "en", ["How much do I earn on purchases?"]),
        ("1", [], "常见问题\n多久到账？三天。", "zh", ["多久到账？"]),
    ],
)  # fmt: skip
def test_documents_make_questions_that_someone_would_ask(
    title: str, headings: list[str], text: str, language: str, asked: list[str]
) -> None:
    record = SimpleNamespace(
        id="d", title=title, language=language, filename="a.md" if title == "1" else f"{title}.txt"
    )
    marks = (Mark(0, "page", "1"), *(Mark(0, "heading", words) for words in headings))
    document = SimpleNamespace(marks=marks, text=text)
    library = SimpleNamespace(document=lambda _user, _id: document)
    runtime = SimpleNamespace(workspace=SimpleNamespace(library=library))
    reader = Reader(SimpleNamespace(id="u"), "en")  # type: ignore[arg-type]
    standing, made = examples._asked_in(runtime, reader, record)  # type: ignore[arg-type]
    assert standing + made == asked


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("own", [False, True])
def test_samples_bring_their_questions_and_stand_behind_own_documents(
    runtime: DemoRuntime, language: str, own: bool
) -> None:
    reader = Reader(runtime.workspace.store.users.create("new", "a long password"), language)  # type: ignore[arg-type]
    collection = runtime.workspace.store.collections.create(reader.user, samples.NAME)
    texts = {path.name: path.read_bytes() for path in samples.files() if path.suffix == ".md"}
    for name, text in texts.items():
        runtime.workspace.library.ingest(reader.user, collection.id, name, text)
    if own:
        mine = runtime.workspace.store.collections.create(reader.user, "mine")
        runtime.workspace.library.ingest(
            reader.user, mine.id, "zoo.md", b"Zoo\n\nWhen are the bears fed?\nAt noon."
        )
    asked = examples.questions(runtime, reader)  # type: ignore[arg-type]
    known = {q.question: q for q in samples.questions() if q.file in texts}
    assert len(asked) == 3
    assert (asked[0] not in known) is own
    assert known[asked[1]].language == language


def test_without_documents_the_empty_chat_says_so(runtime: DemoRuntime) -> None:
    other = Reader(runtime.workspace.store.users.create("new", "a long password"), "en")
    html = examples.empty(runtime, other)
    assert other.say("no_documents_yet") in html
    assert "data-ask-this" not in html


def test_files_are_added_in_the_background_and_failures_stay(
    runtime: DemoRuntime, reader: Reader, tmp_path: Path
) -> None:
    good, empty = tmp_path / "good.txt", tmp_path / "empty.txt"
    good.write_text("Parking\n\nParking is free on Sundays.")
    empty.write_text(" ")
    own = runtime.workspace.store.collections.create(reader.user, "New")
    imports.begin(runtime, reader, own.id, [str(good), str(empty)])
    deadline = time.monotonic() + 20
    while "data-poll-imports" in (html := imports.line(runtime, reader, "chat")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert reader.say("importing_failed", count=1) in html
    assert "good.txt" in html
    assert sorted(d.state for d in runtime.workspace.store.documents.list(reader.user, own.id)) == [
        "failed",
        "ready",
    ]
    assert not good.exists()
    assert not empty.exists()
    imports.dismiss(reader.user.id)
    assert imports.line(runtime, reader, "chat") == ""


def until_ended(user_id: str) -> None:
    deadline = time.monotonic() + 20
    while imports._batches[user_id].busy():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_files_that_end_while_the_page_is_drawn_are_asked_for_again(
    runtime: DemoRuntime, reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.txt").write_text(" ")
    own, go_on = runtime.workspace.store.collections.default(reader.user), Event()
    ingest, drawn = runtime.workspace.library.ingest, documents.shelf.html

    def held(*given: Any) -> Any:
        assert go_on.wait(20)
        return ingest(*given)

    def end_after(*given: Any) -> Any:
        table = drawn(*given)
        go_on.set()
        until_ended(reader.user.id)
        return table

    monkeypatch.setattr(runtime.workspace.library, "ingest", held)
    monkeypatch.setattr(documents.shelf, "html", end_after)
    shelf = documents._Page(runtime, "body", "detail", "progress")  # type: ignore[arg-type]
    updates = shelf.upload(reader, [str(tmp_path / "empty.txt")], own.id)
    assert "state failed" not in updates["body"]
    assert "data-poll-imports" in updates["progress"]
    updates = shelf.act(reader, do(do="imports", collection=own.id, t=1), InView())
    assert "state failed" in updates["body"]
    assert "data-poll-imports" not in updates["progress"]


@pytest.mark.parametrize("state", imports.ENDED)
def test_an_archive_has_ended_when_all_its_documents_have(
    state: str, runtime: DemoRuntime, reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, seen = runtime.workspace.store.collections.default(reader.user), []

    def two(user: Any, collection_id: str, name: str, source: Path, progress: Any) -> list[Any]:
        progress(SimpleNamespace(state=state, progress=1.0))
        seen.append(imports.line(runtime, reader, "documents"))
        return []

    monkeypatch.setattr(runtime.workspace.library, "ingest", two)
    imports.begin(runtime, reader, own.id, [str(tmp_path / "two.zip")])
    until_ended(reader.user.id)
    assert "data-poll-imports" in seen[0]
    assert "data-poll-imports" not in imports.line(runtime, reader, "documents")


def test_nobody_adds_to_anothers_collection(runtime: DemoRuntime, reader: Reader, tmp_path: Path) -> None:
    other = Reader(runtime.workspace.store.users.create("other", "a long password"), "en")
    own = runtime.workspace.store.collections.default(reader.user)
    with pytest.raises(NotFoundError):
        imports.begin(runtime, other, own.id, [str(tmp_path / "x.txt")])


def test_the_inspector_wants_a_query(runtime: DemoRuntime, reader: Reader) -> None:
    shelf = documents._Page(runtime, "body", "detail", "progress")  # type: ignore[arg-type]
    with pytest.raises(EmptyInputError):
        shelf.act(reader, do(do="inspect", query=" "), InView())


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("language", "fr", BadRequestError),
        ("temperature", "3", BadRequestError),
        ("temperature", "nan", BadRequestError),
        ("top_p", "0", BadRequestError),
        ("max_new_tokens", "1e9", BadRequestError),
        ("seed", "-1", BadRequestError),
        ("seed", "9" * 30, BadRequestError),
        ("adapter", "no-such", (AdapterError, NotFoundError)),
        ("system", "x" * 5000, BadRequestError),
        ("role", "admin", BadRequestError),
    ],
)
def test_a_setting_out_of_bounds_is_refused_and_not_kept(
    runtime: DemoRuntime, key: str, value: str, error: Any
) -> None:
    reader = Reader(runtime.workspace.store.users.local(), "en")
    with pytest.raises(error):
        settings.store(runtime, reader, key, value)
    assert runtime.workspace.store.settings.get(reader.user, key, "") == ""


def test_settings_are_kept_and_shown(runtime: DemoRuntime, reader: Reader) -> None:
    for key, value in (
        ("language", "zh"),
        ("theme", "dark"),
        ("temperature", "0.7"),
        ("seed", "42"),
        ("adapter", "youju-1"),
    ):
        settings.store(runtime, reader, key, value)
    html = settings.html(runtime, reader)
    assert '<option value="dark" selected>' in html
    assert 'value="0.7"' in html
    assert 'value="42"' in html
    assert '<option value="youju-1" selected>' in html


def test_a_key_is_shown_once(runtime: DemoRuntime, reader: Reader) -> None:
    made, _ = settings._act(runtime, reader, Action("create-key", {"value": "script"}))
    assert reader.say("key_once") in made
    secret = str(made).split('<p class="secret">')[1].split("<code>")[1].split("</code>")[0]
    assert runtime.workspace.store.users.user_by_key(secret) == reader.user
    assert secret not in settings.html(runtime, reader)


def test_around_cuts_at_lines() -> None:
    text = "\n".join(f"line {number} " + "x" * 60 for number in range(100))
    at = text.index("line 50")
    before, after = source.around(text, at, at + 7)
    assert before.startswith("…line ")
    assert after.endswith("x…")
    assert source.around("short", 0, 5) == ("", "")


def test_the_sentiment_bars_add_up_and_unsure_is_said(reader: Reader) -> None:
    html = sentiment.judgement(reader, Sentiment(0.34, 0.33, 0.33, True))
    assert reader.say("sounds_unsure") in html
    assert "34%" in html


def test_a_table_is_judged_as_one_text_is_by_the_adapter_of_the_user(
    runtime: DemoRuntime, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Sentiment(0.1, 0.2, 0.7, False)
    asked: list[Any] = []

    def rows(user: Any, texts: list[str], *, adapter: str | None) -> Any:
        asked.append((user.id, texts, adapter))
        yield SentimentRow(1, texts[0], found)

    monkeypatch.setattr(runtime, "sentiment_rows", rows, raising=False)
    runtime.workspace.store.settings.set(reader.user, "adapter", "youju-1")
    *_, (_, judged) = sentiment._batch(runtime, reader, [{"text": "fine"}], "text")  # type: ignore[arg-type]
    assert asked == [(reader.user.id, ["fine"], "youju-1")]
    assert "70%" in judged


@pytest.mark.parametrize(
    ("finish", "quoted", "lines"),
    [
        (Finish.LENGTH, Quoted.NO, ["finish_length"]),
        (Finish.LENGTH, Quoted.UNSUPPORTED, ["quoted_unsupported"]),
        (Finish.STOP, Quoted.UNSUPPORTED, ["quoted_unsupported"]),
        (Finish.STOP, Quoted.READER, ["quoted_reader"]),
        (Finish.STOP, Quoted.NO, []),
    ],
)
def test_a_quotation_says_why_and_is_not_called_cut(
    reader: Reader, finish: Finish, quoted: Quoted, lines: list[str]
) -> None:
    message, detail = SimpleNamespace(finish=finish), turns.Detail(quoted=quoted, model="smollm2-135m")
    told = conversation._ending(reader, message, detail)  # type: ignore[arg-type]
    said = [reader.say(key, model="smollm2-135m") for key in lines]
    assert re.findall('<p class="ending">(.*?)</p>', told) == said


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        ('{"quoted": true, "tokens": 9}', Quoted.UNSUPPORTED),
        ('{"tokens": 0, "quoted": true}', Quoted.READER),
        ('{"quoted": false, "tokens": 9}', Quoted.NO),
        ('{"quoted": "reader"}', Quoted.READER),
        ("{}", Quoted.NO),
    ],
)
def test_a_quotation_of_an_older_chat_still_has_its_reason(stored: str, why: Quoted) -> None:
    assert turns.detail_of(SimpleNamespace(detail=stored)).quoted is why  # type: ignore[arg-type]


def test_words_about_no_document_have_no_evidence_to_show(
    runtime: DemoRuntime, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A greeting: no reasons to open, no refusal, no verdicts."""
    said = [Delta("Hello!", Finish.STOP), Answer("Hello!", Finish.STOP)]
    monkeypatch.setattr(runtime, "chat_turn", lambda *_, **__: iter(said))
    greeting = thread(runtime, reader, asked(runtime, reader, "Hello")[0])
    monkeypatch.undo()
    answer = thread(runtime, reader, asked(runtime, reader)[0])
    for mark in ('data-ui="why"', 'class="sign', 'class="best"'):
        assert (mark in greeting, mark in answer) == (False, True), mark
    assert "Hello!" in greeting
    assert "refusal" not in greeting


def test_work_on_a_document_shows_what_was_read_without_scores(
    runtime: DemoRuntime, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was searched for; an answer that was has both."""
    (*_, searched) = runtime.chat_turn(reader.user, Request(QUESTION, runtime.sampling()))
    done = replace(searched, confidence=None, query="Summarize the handbook")
    monkeypatch.setattr(runtime, "chat_turn", lambda *_, **__: iter([done]))
    work = thread(runtime, reader, asked(runtime, reader, "Summarize the handbook")[0])
    monkeypatch.undo()
    answer = thread(runtime, reader, asked(runtime, reader)[0])
    for words in (reader.say("why_searched_for"), reader.say("why_score"), "<table>"):
        assert (words in work, words in answer) == (False, True), words
    assert 'data-hit="0"' in work


def test_it_says_where_only_words_and_numbers_were_compared(
    runtime: DemoRuntime, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    (*_, answer) = runtime.chat_turn(reader.user, Request(QUESTION, runtime.sampling()))
    shown = []
    for judged in (False, True):
        monkeypatch.setattr(
            runtime, "chat_turn", lambda *_, judged=judged, **__: iter([replace(answer, judged=judged)])
        )
        shown.append(thread(runtime, reader, asked(runtime, reader)[0]))
    assert [reader.say("why_words_alone") in html for html in shown] == [True, False]


def test_a_model_that_only_quotes_says_so_before_the_first_question(
    runtime: DemoRuntime, reader: Reader
) -> None:
    written = examples.empty(runtime, reader)  # type: ignore[arg-type]
    runtime.writes_answers = False
    quoting = examples.empty(runtime, reader)  # type: ignore[arg-type]
    line = reader.say("only_quotes", model=runtime.settings.model)
    assert (line in written, line in quoting) == (False, True)
    assert "youju serve --model qwen2.5-coder" in quoting
