"""Each command on a scripted runtime: what it prints for people, what for scripts, and what it closes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fakes import FakeGenerator

from assistant.commands import app, asking
from assistant.config import Settings
from assistant.errors import EngineError, HomeLockedError
from assistant.request import Request
from assistant.schema import (
    Answer,
    Chunk,
    Citation,
    Delta,
    Doubt,
    Finish,
    Found,
    Hit,
    Sampling,
    Sentence,
    Sentiment,
    SentimentRow,
    Source,
    Status,
    Summary,
    SummaryProgress,
    SummarySentence,
    TranslatedSentence,
    Translation,
    TranslationProgress,
    Verdict,
)
from assistant.scope import Scope
from assistant.store import DocumentRecord, Store, User

CITATION = Citation(1, "d1", "手册.pdf", 3, 9, "24 days", page=2)
ANSWER = Answer(
    "Leave is 24 days. [1] It snows.",
    Finish.STOP,
    (CITATION,),
    (
        Sentence("Leave is 24 days. [1]", 0, 21, Verdict.SUPPORTED, (1,)),
        Sentence("It snows.", 22, 31, Verdict.NO_SOURCE, (), "overlap:0.00"),
    ),
    best=CITATION,
    confidence=0.9,
)
DECLINED = Answer("Not in the documents.", Finish.DECLINED, best=CITATION, confidence=0.1)
HIT = Hit(
    Chunk("d1", 3, 9, "24 days", 2, "Leave"), "手册.pdf", 0.03, 0.8, 1, None, None, "around 24 days here"
)


class FakeLibrary:
    stale = False

    def __init__(self, store: Store, *, exclusive: bool) -> None:
        self.store, self.exclusive = store, exclusive

    def state(self) -> Any:
        return SimpleNamespace(stale=FakeLibrary.stale)

    def reindex(self, progress: Callable[[float], None]) -> None:
        assert self.exclusive
        progress(1.0)
        FakeLibrary.stale = False

    def ingest(
        self, user: User, collection_id: str, name: str, source: Path, progress: Callable[[Any], None]
    ) -> Any:
        record = self.store.documents.add(
            user, collection_id, title=name, filename=name, media_type="text/plain", sha256=name, size=1
        )
        state, error = ("failed", "it is empty") if "bad" in name else ("ready", "")
        self.store.documents.set_state(user, record.id, state, progress=1.0, error=error)
        record = self.store.documents.get(user, record.id)
        progress(record)
        return [record]

    def ingest_folder(
        self, user: User, collection_id: str, folder: Path, progress: Any
    ) -> list[DocumentRecord]:
        return [
            r for p in sorted(folder.iterdir()) for r in self.ingest(user, collection_id, p.name, p, progress)
        ]

    def search(self, user: User, query: str, *, collection_ids: Any, k: int) -> Any:
        return SimpleNamespace(hits=(HIT,), searched=7, asked=(query, collection_ids, k))

    def delete_user_data(self, user: User) -> None:
        self.store.delete_user_data(user)


class FakeRuntime:
    """Keeps its database between two commands of a test, as the real one does."""

    answer: Answer | Exception = ANSWER
    asked: dict[str, Any]
    closed = 0
    locked = False

    @classmethod
    def open(cls, settings: Settings, *, exclusive: bool = False) -> FakeRuntime:
        return cls(settings, exclusive=exclusive)

    def __init__(self, settings: Settings, *, exclusive: bool = False) -> None:
        self.models = self.workspace = self
        if exclusive and FakeRuntime.locked:
            raise HomeLockedError(path=settings.home, pid=1)
        FakeRuntime.asked = {"exclusive": exclusive}
        settings.home.mkdir(parents=True, exist_ok=True)
        self.settings = settings
        self.store = Store(settings.database)
        self.store.migrate()
        self.library = FakeLibrary(self.store, exclusive=exclusive)

    def chat_turn(
        self, user: User, request: Request, scope: Scope, adapter: str | None = None
    ) -> Iterator[Any]:
        FakeRuntime.asked |= {"user": user.name, "question": request.question, "scope": scope}
        yield Status("searching", 7)
        yield Found((HIT,))
        yield Delta("Leave ", tokens=1)
        if isinstance(self.answer, Exception):
            raise self.answer
        yield self.answer

    def summarize(
        self, user: User, text: str, *, length: str, form: str, adapter: str | None = None
    ) -> Iterator[Any]:
        FakeRuntime.asked |= {"text": text, "length": length, "form": form}
        yield SummaryProgress(1, 2, 1)
        sentence = SummarySentence("Leave is long.", (Source(0, 5, 0.9),), Verdict.SUPPORTED)
        yield Summary("Leave is long.", (sentence,), 2, 1)

    def translate(self, user: User, text: str, *, target: Any, terms: dict[str, str]) -> Iterator[Any]:
        FakeRuntime.asked |= {"text": text, "target": target, "terms": terms}
        lost = TranslatedSentence("=24 days", "=天", (Doubt("number", "24"), Doubt("term", "天数")))
        yield TranslationProgress(1, 2)
        yield Translation("# 假期\n=天\n", "zh", (TranslatedSentence("Leave", "假期"), lost))

    def sentiment(self, user: User, texts: list[str], *, explain: bool = False) -> Iterator[Sentiment]:
        words = (("good", 0.7), (" ", 0.0)) if explain else ()
        yield Sentiment(0.1, 0.2, 0.7, False, words)

    def sentiment_rows(self, user: User, texts: list[str]) -> Iterator[SentimentRow]:
        for number, text in enumerate(texts, 1):
            found = next(self.sentiment(user, [text])) if text else None
            yield SentimentRow(number, text, found, "" if found else "text is empty")

    def generator(self) -> FakeGenerator:
        return FakeGenerator("", scores=lambda messages, reply: -float("good" not in messages[-1].text))

    def sampling(self, **changes: Any) -> Sampling:
        return Sampling(**changes)

    def adapter_name(self, name: str | None) -> None:
        return None

    def close(self) -> None:
        FakeRuntime.closed += 1
        self.store.close()


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> type[FakeRuntime]:
    monkeypatch.setattr("assistant.assistant.Assistant", FakeRuntime)
    monkeypatch.setattr(FakeRuntime, "answer", ANSWER)
    monkeypatch.setattr(FakeRuntime, "closed", 0)
    monkeypatch.setattr(FakeRuntime, "locked", False)
    monkeypatch.setattr(FakeLibrary, "stale", False)
    return FakeRuntime


Say = Callable[..., Any]


@pytest.fixture
def out(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command that must work, and give back what it printed; parsed where that is JSON."""

    def run(*arguments: str, code: int = 0) -> Any:
        assert app.run(arguments) == code
        said = capsys.readouterr().out
        return json.loads(said) if "--json" in arguments else said

    return run


def test_ask_for_scripts(out: Say) -> None:
    said = out("ask", "How long is leave?", "--json")
    assert said["text"] == ANSWER.text
    assert said["declined"] is False
    assert said["citations"] == [
        {
            "n": 1,
            "document": "手册.pdf",
            "document_id": "d1",
            "page": 2,
            "start": 3,
            "end": 9,
            "text": "24 days",
        }
    ]
    assert [(s["text"], s["verdict"]) for s in said["sentences"]] == [
        ("Leave is 24 days. [1]", "supported"),
        ("It snows.", "no_source"),
    ]
    assert FakeRuntime.asked == {
        "exclusive": False, "user": "local", "question": "How long is leave?", "scope": Scope()
    }  # fmt: skip
    assert FakeRuntime.closed == 1


def test_ask_for_people(out: Say) -> None:
    said = out("ask", "How long is leave?")
    assert said.startswith("Leave is 24 days. [1] It snows.\n")
    assert "? no source: It snows." in said
    assert "[1] 手册.pdf, page 2: 24 days" in said


def test_a_refusal_is_an_answer_and_names_the_nearest_passage(
    out: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeRuntime, "answer", DECLINED)
    assert out("ask", "x", "--json")["declined"] is True
    assert "Nearest passage: 手册.pdf, page 2" in out("ask", "x")


def test_ask_within_a_collection_of_a_user(
    out: Say, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("x")
    out("ingest", str(tmp_path / "a.txt"), "-c", "Bank")
    out("ask", "x", "-c", "Bank")
    assert len(FakeRuntime.asked["scope"].collection_ids) == 1
    assert app.run(["ask", "x", "-c", "Bnk"]) == 2
    assert "collection 'Bnk' was not found" in capsys.readouterr().err
    assert app.run(["ask", "x", "--user", "nobody"]) == 2
    assert "user 'nobody' was not found" in capsys.readouterr().err


def test_a_fault_of_the_engine_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        FakeRuntime, "answer", EngineError(reason="out of memory", remedy="close other programs", retry_s=1)
    )
    assert app.run(["ask", "x"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "out of memory" in said.err
    assert FakeRuntime.closed == 1


def test_an_interrupt_closes_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: FakeRuntime, *args: Any, **options: Any) -> Iterator[Any]:
        yield Status("searching", 7)
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeRuntime, "chat_turn", interrupted)
    assert app.run(["ask", "x"]) == 130
    assert FakeRuntime.closed == 1


def test_ingest_counts_and_fails_with_what_could_not_be_read(
    out: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text("x")
    assert out("ingest", str(folder)) == "2 documents ready in My documents, 0 failed\n"
    assert FakeRuntime.asked == {"exclusive": True}
    (tmp_path / "bad.txt").write_text("")
    said = out("ingest", str(tmp_path / "bad.txt"), "--json", code=1)
    assert (said["ready"], said["failed"], said["documents"][0]["error"]) == (0, 1, "it is empty")
    (tmp_path / "bad2.txt").write_text("")
    assert app.run(["ingest", str(tmp_path / "bad2.txt")]) == 1
    assert "bad2.txt: it is empty" in capsys.readouterr().err


def test_ingest_makes_a_collection_once(out: Say, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    assert out("ingest", str(tmp_path / "a.txt"), "-c", "银行") == "1 documents ready in 银行, 0 failed\n"
    (tmp_path / "b.txt").write_text("x")
    assert "银行" in out("ingest", str(tmp_path / "b.txt"), "-c", "银行")


def test_a_path_that_is_not_there_stops_all_before_anything_is_added(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    FakeRuntime.asked = {}
    assert app.run(["ingest", str(tmp_path / "a.txt"), str(tmp_path / "no.txt")]) == 2
    assert FakeRuntime.asked == {}


def test_search_shows_every_stage_and_the_context(out: Say) -> None:
    said = out("search", "leave")
    assert "手册.pdf  page 2  Leave" in said
    assert "meaning 0.800 (#1)" in said
    assert "words –" in said
    assert "around 24 days here" in said
    hit = out("search", "leave", "--json")["hits"][0]
    assert (hit["dense"], hit["lexical"], hit["context"], hit["start"]) == (
        0.8,
        None,
        "around 24 days here",
        3,
    )


@pytest.mark.parametrize(
    ("command", "locked", "said", "left"),
    [
        (["ask", "q"], False, "making the index anew", False),
        (["search", "q"], False, "making the index anew", False),
        (["ingest", __file__], False, "making the index anew", False),
        (["ask", "q"], True, "answered when that is done", True),
    ],
)
def test_an_index_of_another_embedder_is_made_anew_before_it_is_used(
    command: list[str], locked: bool, said: str, left: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    FakeLibrary.stale, FakeRuntime.locked = True, locked
    assert app.run(command) == 0
    assert said in capsys.readouterr().err
    assert FakeLibrary.stale is left


def test_a_summary_says_which_sentence_has_no_source(
    out: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loose = SummarySentence("It snows.", (), Verdict.NO_SOURCE)
    monkeypatch.setattr(
        FakeRuntime, "summarize", lambda *_, **__: iter([Summary("It snows.", (loose,), 1, 1)])
    )
    (tmp_path / "a.txt").write_text("Leave.")
    assert out("summarize", str(tmp_path / "a.txt")) == "It snows.\n\n? no source: It snows.\n"


@pytest.mark.parametrize("name", ["text.txt", "-"])
def test_summarize(out: Say, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("Leave is very long here.\n"))
    (tmp_path / "text.txt").write_text("Leave is very long here.\n")
    file = name if name == "-" else str(tmp_path / name)
    said = out("summarize", file, "--length", "sentence", "--form", "bullets", "--json")
    assert said["text"] == "Leave is long."
    assert said["sentences"][0]["sources"] == [{"start": 0, "end": 5, "text": "Leave"}]
    assert FakeRuntime.asked["text"].strip() == "Leave is very long here."
    assert (FakeRuntime.asked["length"], FakeRuntime.asked["form"]) == ("sentence", "bullets")


def test_translate(out: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.md").write_text("# [Leave](https://a.b)\n")
    (tmp_path / "terms.txt").write_text("leave = 假期\n")
    capsys.readouterr()
    assert app.run(["translate", str(tmp_path / "a.md"), "--glossary", str(tmp_path / "terms.txt")]) == 0
    said = capsys.readouterr()
    assert said.out == "# 假期\n=天\n"
    assert said.err == "check: =天\n  the number 24 is missing; the glossary's 天数 is missing\n"
    asked = FakeRuntime.asked
    assert (asked["text"], asked["target"]) == ("# [Leave](https://a.b)\n", None)
    assert asked["terms"] == {"leave": "假期"}


def test_a_translation_goes_into_a_file(out: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    for name, expected in (
        ("b.md", "# 假期\n=天\n"),
        ("b.csv", "\ufeffsource,translation,check\nLeave,假期,\n'=24 days,'=天,number 24; term 天数\n"),
    ):
        monkeypatch.setattr("sys.stdin", io.StringIO("Leave"))
        assert out("translate", "-", "--to", "zh", "-o", str(tmp_path / name)) == ""
        assert (tmp_path / name).read_text("utf-8") == expected
    assert FakeRuntime.asked["target"] == "zh"
    monkeypatch.setattr("sys.stdin", io.StringIO("Leave"))
    assert out("translate", "-", "--json")["sentences"][1]["doubts"][0] == {"kind": "number", "value": "24"}


def test_sentiment_of_a_text(out: Say) -> None:
    said = out("sentiment", "good", "--explain")
    assert said.splitlines()[0] == "positive"
    assert "0.70" in said
    assert "+0.70 good" in said
    assert out("sentiment", "good", "--json")["positive"] == 0.7


def test_sentiment_of_a_column(out: Say, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "in.csv"
    table.write_text("id,评论\n1,a good day\n2,\n", encoding="utf-8")
    said = out("sentiment", "--csv", str(table), "--column", "评论", "--json")
    assert [row["row"] for row in said["rows"]] == [1, 2]
    assert said["rows"][1]["error"]
    assert said["rows"][0]["positive"] == 0.7, "as the same text alone"
    assert said["counts"] == {"positive": 1, "error": 1}
    out("sentiment", "--csv", str(table), "--column", "评论", "-o", str(tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_text(encoding="utf-8-sig").startswith("id,评论,label")
    assert app.run(["sentiment", "--csv", str(table), "--column", "no"]) == 2
    assert "the file has: id, 评论" in capsys.readouterr().err


def test_accounts_and_keys(
    out: Say, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("long enough one\n"))
    out("users", "add", "ada", "--role", "admin")
    assert ("ada", "admin") in [(u["name"], u["role"]) for u in out("users", "list", "--json")["users"]]
    plain = out("keys", "create", "laptop", "--user", "ada").strip()
    (key,) = out("keys", "list", "--user", "ada", "--json")["keys"]
    assert plain.startswith(key["hint"])
    assert plain not in out("keys", "list", "--user", "ada")
    assert app.run(["keys", "revoke", key["id"]]) == 2, "a key of another is not there"
    out("keys", "revoke", key["id"], "--user", "ada")
    assert out("keys", "list", "--user", "ada", "--json")["keys"] == []
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert app.run(["users", "passwd", "ada"]) == 2
    assert "use at least" in capsys.readouterr().err
    out("users", "remove", "ada", "--yes")
    assert "ada" not in out("users", "list")


def test_chat_keeps_the_conversation_for_the_pages(
    out: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = iter(["", "How long is leave?", "/quit"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(lines))
    said = out("chat")
    assert "Leave is 24 days. [1] It snows." in said
    store = Store(f"sqlite:///{tmp_path / 'home' / 'youju.db'}")
    user = store.users.local()
    (conversation,) = store.conversations.list(user)
    texts = [message.text for message in store.conversations.path(user, conversation.id)]
    store.close()
    assert texts == ["How long is leave?", ANSWER.text]


def test_a_fault_ends_the_turn_and_not_the_chat(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(FakeRuntime, "answer", EngineError(reason="out of memory", remedy="wait", retry_s=1))
    lines = iter(["one", "two"])

    def typed(prompt: str) -> str:
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", typed)
    assert app.run(["chat"]) == 0
    assert capsys.readouterr().err.count("out of memory") == 2


def test_long_passages_are_cut_for_people_only() -> None:
    long = Citation(1, "d", "t", 0, 999, "word " * 200)
    assert len(asking._short(long.text)) < 250
    assert asking.as_object("q", Answer("x", Finish.STOP, (long,)))["citations"][0]["text"] == long.text
