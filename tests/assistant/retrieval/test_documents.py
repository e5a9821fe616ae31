import hashlib
import os
import pathlib
from pathlib import Path

import psutil
import pytest
from documents import builders
from hypothesis import example, given
from hypothesis import strategies as st

from assistant.errors import (
    EmptyInputError,
    NoTextError,
    TooLargeError,
    UnreadableFileError,
    UnsupportedFileError,
)
from assistant.retrieval import documents
from assistant.retrieval.documents import display_name, read, supported_suffixes
from assistant.retrieval.limits import Limits
from assistant.schema import Document


def marks(document: Document) -> list[tuple[str, str, str]]:
    """(kind, label, the words that begin there)."""
    return [(mark.kind, mark.label, document.text[mark.start : mark.start + 4]) for mark in document.marks]


def only(name: str, data: bytes) -> Document:
    (document,) = read(name, data)
    assert document.sha256 == hashlib.sha256(data).hexdigest()
    assert document.id == document.sha256[:32]
    assert all(0 <= mark.start < len(document.text) for mark in document.marks)
    return document


def test_pdf_has_pages_bookmarks_and_whole_paragraphs() -> None:
    pages = [
        [
            "This agreement is made between the two parties named below and it re-",
            "mains in force until one of the parties ends it in writing, with notice",
            "of thirty days.",
            "Refunds",
            "本协议自双方签字之日起生效，有效期为三年，期满后如双方无异议则自动续",
            "期一年。退款申请应在收到货物后七日内提出。",
            "1",
        ],
        [],
        ["The third page."],
    ]
    document = only("Contract.PDF", builders.pdf(pages, bookmarks={"1. Refunds": 0}))
    assert document.text == (
        "This agreement is made between the two parties named below and it remains in force until one of the "
        "parties ends it in writing, with notice of thirty days.\n\nRefunds\n\n"
        "本协议自双方签字之日起生效，有效期为三年，期满后如双方无异议则自动续期一年。退款申请应在收到货物后七日内提出。\n\n"
        "The third page."
    )
    assert marks(document) == [("page", "1", "This"), ("heading", "Refunds", "Refu"), ("page", "3", "The ")]
    assert (document.title, document.media_type) == ("Contract", "application/pdf")


def test_docx_has_headings_lists_and_tables_and_no_pictures() -> None:
    blocks = [
        ("title", "Handbook"),
        ("p", "The o\ufb03ce opens at nine."),
        ("picture", builders.png()),
        ("h1", "退款政策"),
        ("p", "七天内可以退款。"),
        ("li", "one"),
        ("li", "two"),
        ("table", [["Plan", "Price"], ["Basic", "$3"]]),
    ]
    document = only("员工手册.docx", builders.docx(blocks))
    assert document.text == (
        "Handbook\n\nThe office opens at nine.\n\n退款政策\n\n七天内可以退款。\n\n- one\n- two\n\nPlan | Price\nBasic | $3"
    )
    assert marks(document) == [("heading", "Handbook", "Hand"), ("heading", "退款政策", "退款政策")]
    assert document.title == "Handbook"


def test_pptx_has_a_page_for_each_slide() -> None:
    slides = [
        ("Opening hours", ["nine to five", "closed on Sunday"], "Say it slowly"),
        ("退款", ["七天"], ""),
    ]
    document = only("a.pptx", builders.pptx(slides))
    assert document.text == "Opening hours\n\nnine to five\nclosed on Sunday\n\nSay it slowly\n\n退款\n\n七天"
    assert [mark[:2] for mark in marks(document)] == [
        ("page", "1"),
        ("heading", "Opening hours"),
        ("page", "2"),
        ("heading", "退款"),
    ]


def test_xlsx_rows_can_be_read_alone() -> None:
    sheets = {
        "Prices": [["Plan", "Price"], ["Basic", 3.5], [], ["Pro", 40]],
        "空": [],
        "人员": [["姓名"], ["王芳"]],
    }
    document = only("a.xlsx", builders.xlsx(sheets))
    assert (
        document.text == "Prices\n\nPlan: Basic\nPrice: 3.5\n\nPlan: Pro\nPrice: 40\n\n人员\n\n姓名\n\n王芳"
    )
    assert marks(document) == [("heading", "Prices", "Pric"), ("heading", "人员", "人员\n\n")]


def test_epub_is_read_in_its_order() -> None:
    chapters = [
        "<h1>One</h1><p>Read <a href='http://x.test'>this <b>book</b></a>.</p>",
        "<h1>二</h1><p>正文</p>",
    ]
    document = only("a.epub", builders.epub("The Book", chapters))
    assert document.text == "One\n\nRead this book.\n\n二\n\n正文"
    assert document.title == "The Book"


def test_html_is_its_main_part() -> None:
    page = """<html><head><title>Help &amp; hours</title><style>p{}</style></head><body><nav>Home</nav><main>
      <h1>Opening <em>hours</em></h1><p>We open<br>at nine. <img src=x alt=clock> Ask <a href="/x">us</a>.
      <table><tr><th>Day<th>Hours<tr><td><p>Sunday</p><td>closed</table><ul><li><p>one</p><li>two</ul>
      <pre>a\n  b</pre><p hidden>secret</p><p style="display: none">secret</p></main><footer>©</footer></body>"""
    document = only("a.html", page.encode())
    assert document.text == (
        "Opening hours\n\nWe open\nat nine. Ask us.\n\nDay | Hours\nSunday | closed\n\n- one\n- two\n\na\n  b"
    )
    assert (document.title, marks(document)) == ("Help & hours", [("heading", "Opening hours", "Open")])


def test_html_declares_its_encoding() -> None:
    page = '<meta http-equiv="Content-Type" content="text/html; charset=gb2312"><p>退款</p>'
    assert only("a.htm", page.encode("gb18030")).text == "退款"


def test_markdown_has_headings_of_both_kinds_and_no_link_targets() -> None:
    text = """---\ntitle: "Front"\n---\n# One #\nSee [the page](https://x.test/a) ![logo](a.png)<!-- no -->\n
Two\n---\n```\n# not a heading\n[a](b)\n```\nx | y\n--- | ---\n"""
    document = only("a.md", text.encode())
    assert document.title == "Front"
    assert (
        document.text == "One\n\nSee the page\n\nTwo\n\n```\n# not a heading\n[a](b)\n```\nx | y\n--- | ---"
    )
    assert marks(document) == [("heading", "One", "One\n"), ("heading", "Two", "Two\n")]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Café Zürich, naïve façade.", "utf-8"),
        ("Le café était déjà fermé à midi, où étiez-vous ?", "cp1252"),
        ("Plain words, nine to five.", "utf-16-le"),
        ("Plain words, nine to five.", "utf-16-be"),
        ("退款需要七天，请联系客服。", "utf-16"),
        ("退款需要七天，请联系客服。", "utf-16-le"),
        ("退款需要七天，请联系客服。", "utf-16-be"),
        ("退款需要七天，请联系客服。", "gb18030"),
        ("退款需要七天，請聯繫客服。我們的營業時間是九點到五點。", "big5"),
        ("これは日本語のテキストです。東京は大きい都市です。", "shift_jis"),
        ("안녕하세요. 이것은 한국어 텍스트입니다. 인코딩을 확인합니다.", "euc_kr"),
        ("Привет, как дела? Это обычный русский текст.", "koi8_r"),
    ],
)
def test_text_is_read_in_its_encoding(text: str, encoding: str) -> None:
    assert only("a.txt", text.encode(encoding)).text == text


def test_rows_of_csv_can_be_read_alone() -> None:
    assert (
        only("a.csv", b'name,price\n"Basic, small",3\nPro,\n').text
        == "name: Basic, small\nprice: 3\n\nname: Pro"
    )
    assert only("a.csv", "姓名;部门\n王;财务\n".encode("gb18030")).text == "姓名: 王\n部门: 财务"
    assert only("a.tsv", b"1\t2\n3\t4\n").text == "1 | 2\n\n3 | 4"


def test_json_without_texts_is_one_document_of_paths() -> None:
    assert only("a.json", b'{"plan": {"name": "Basic", "prices": [3, 4]}, "on": true}').text == (
        "plan.name: Basic\nplan.prices: 3\nplan.prices: 4\non: True"
    )


@pytest.mark.parametrize("size", [1, 3000])
def test_rows_of_jsonl_are_documents_of_their_own(size: int) -> None:
    """The larger file goes through a child."""
    rows = [
        {"id": "x", "title": "Closing an account", "content": "## Steps\n\nCall us.\n# apt install"},
        {"id": "row-2", "text": "退款" * size},
        {"title": "blank", "text": " "},
        {"text": "no name"},
    ]
    data = builders.jsonl(rows * (1 if size == 1 else 30))
    found = read("help.jsonl", data)[:3]
    assert [document.title for document in found] == ["Closing an account", "row-2", "row 4"]
    assert found[0].text == "Steps\n\nCall us.\n# apt install"
    assert marks(found[0]) == [("heading", "Steps", "Step")]
    assert len({document.sha256 for document in found}) == len({document.id for document in found}) == 3


def test_same_row_is_the_same_document() -> None:
    row = {"title": "a", "text": "b"}
    one, other = (
        read("a.jsonl", builders.jsonl([row, {"text": "c"}])),
        read("b.json", b"[" + builders.jsonl([row]).strip() + b"]"),
    )
    assert one[0].sha256 == other[0].sha256


def test_hidden_characters_are_counted() -> None:
    document = only("a.txt", "pay\u202eme\u200b now \U000e0041".encode())
    assert (document.text, document.removed) == ("payme now", 3)


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("a.md", "\ufeff# Leave\n\n[See](https://a.b)\n", "# Leave\n\n[See](https://a.b)\n"),
        ("a.txt", "Leave is long.", "Leave is long."),
    ],
)
def test_markdown_as_it_was_written_keeps_its_marks(name: str, data: str, text: str) -> None:
    assert documents.as_written(name, data.encode()) == text


def test_source_may_be_a_path(tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_text("words")
    assert read("a.txt", path)[0].text == "words"
    with pytest.raises(UnreadableFileError, match=r"a\.txt .*No such file"):
        read("a.txt", tmp_path / "gone")


@pytest.mark.parametrize(
    ("name", "data", "error", "says"),
    [
        ("a.exe", b"MZ", UnsupportedFileError, r"\.exe.*use one of \.pdf, \.docx"),
        ("README", b"x", UnsupportedFileError, "without a suffix"),
        ("a.pdf", builders.png(), UnreadableFileError, r"a\.pdf .*content is a PNG image"),
        ("a.txt", b"%PDF-1.7 ...", UnreadableFileError, "content is a PDF"),
        ("a.docx", builders.xlsx({"s": [["a"]]}), UnreadableFileError, "no word/document.xml"),
        ("a.docx", b"just words", UnreadableFileError, "not a zip container"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"),
         UnreadableFileError, "protected with a password"),
        ("a.txt", bytes(range(1, 256)) * 9, UnreadableFileError, "not text"),
        ("a.json", b"{", UnreadableFileError, "not JSON"),
        ("a.jsonl", b'{"text": "x"}\n{"text"\n', UnreadableFileError, "line 2: not JSON"),
        ("a.pdf", builders.pdf([["x"]], password="p"), UnreadableFileError, "password"),
        ("a.pdf", builders.scan(3), NoTextError, r"a\.pdf holds no text \(3 pages\).*OCR"),
        ("a.docx", builders.docx([("picture", builders.png())]), EmptyInputError, "not a word in it"),
        ("a.txt", b"", EmptyInputError, r"a\.txt is empty"),
        ("a.txt", b" \n\t\xe2\x80\x8b", EmptyInputError, r"a\.txt is empty"),
        ("a.jsonl", b'{"text": ""}\n', EmptyInputError, r"a\.jsonl is empty"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(name: str, data: bytes, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        read(name, data)


def test_limits_are_named(tmp_path: Path) -> None:
    small = Limits(file_bytes=2_000_000, characters=100, documents=2)
    path = tmp_path / "large"
    path.write_bytes(b"x" * 2_000_001)
    for source in (path, path.read_bytes()):
        with pytest.raises(TooLargeError, match=r"a\.txt is .*2.* MB, the limit is 2 MB; split"):
            read("a.txt", source, small)
    with pytest.raises(TooLargeError, match="limit is 100;"):
        read("a.txt", b"x" * 101, small)
    with pytest.raises(TooLargeError, match=r"rows\) is 3, the limit is 2"):
        read("a.jsonl", b'{"text": "x"}\n' * 3, small)


def test_one_line_of_ten_megabytes_is_read() -> None:
    assert len(only("a.txt", b"word " * 2_000_000).text) == 9_999_999


class TestChild:
    @pytest.mark.parametrize(
        ("limits", "says"),
        [
            (Limits(total_s=0.02), r"a\.docx .*too complex \(over 0\.02 seconds\).*split"),
            (Limits(memory_bytes=30_000_000), "too complex"),
        ],
    )
    def test_is_killed_at_its_limit(self, limits: Limits, says: str) -> None:
        with pytest.raises(UnreadableFileError, match=says):
            read("a.docx", builders.docx([("p", "x")] * 2_000), limits)
        assert not _children()

    def test_dies_when_one_page_takes_too_long(self) -> None:
        pages = [["some words on a line"] * 40] * 200
        with pytest.raises(UnreadableFileError, match=r"too complex \(over 0\.001 seconds for one page\)"):
            read("a.pdf", builders.pdf(pages), Limits(page_s=0.001))
        assert not _children()

    @pytest.mark.parametrize(
        "death", ["kill -SEGV $$", "exit 0", "echo '['", "head -c 99999 /dev/zero; exit 3", "echo 5"]
    )
    def test_may_die_in_any_way(self, death: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(documents.sys, "executable", str(_script(tmp_path, death)))
        with pytest.raises(UnreadableFileError, match="too complex"):
            read("a.docx", builders.docx([("p", "x")]))
        monkeypatch.undo()
        assert read("a.docx", builders.docx([("p", "x")]))[0].text == "x"
        assert not _children()

    @pytest.mark.timeout(30)
    def test_that_sleeps_is_not_waited_for(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(documents.sys, "executable", str(_script(tmp_path, "exec sleep 60")))
        with pytest.raises(UnreadableFileError, match=r"over 0\.2 seconds"):
            read("a.docx", builders.docx([("p", "x")]), Limits(total_s=0.2))
        assert not _children()

    def test_cannot_be_started(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(documents.sys, "executable", "/nowhere/python")
        with pytest.raises(UnreadableFileError, match="no process could be started"):
            read("a.docx", builders.docx([("p", "x")]))

    def test_knows_no_secret(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_TOKEN", "nonce-4711")
        monkeypatch.setenv("YOUJU_API_KEY", "nonce-4711")
        monkeypatch.setattr(documents.sys, "executable", str(_script(tmp_path, f"env > {tmp_path}/env")))
        with pytest.raises(UnreadableFileError):
            read("a.docx", builders.docx([("p", "x")]))
        assert "PYTHONPATH" in (tmp_path / "env").read_text()
        assert "nonce" not in (tmp_path / "env").read_text()

    def test_loads_nothing_heavy(self) -> None:
        import subprocess
        import sys

        heavy = "{'torch', 'numpy', 'gradio', 'pydantic', 'pypdf', 'lxml', 'markitdown'}"
        code = f"import sys, assistant.retrieval.child, assistant.retrieval.documents; print({heavy} & set(sys.modules))"
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert found.stdout.strip() == "set()"


def _script(folder: Path, body: str) -> Path:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)
    return path


def _children() -> list[str]:
    """Parsers that are still there, zombies included."""
    found = psutil.Process(os.getpid()).children()
    return [
        str(each)
        for each in found
        if each.status() == psutil.STATUS_ZOMBIE or "assistant.retrieval.child" in each.cmdline()
    ]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("/abs/olute.md", "olute.md"),
        ("C:\\Users\\me\\a.docx", "a.docx"),
        ("a\0b\nc.txt", "ab c.txt"),
        ("..", "document"),
        ("", "document"),
        (" . ", "document"),
        ("a.txt. .", "a.txt"),
        ("-rf.txt", "rf.txt"),
        ("invoice\u202etxt.pdf", "invoicetxt.pdf"),
        ("a\U000e0041\u200b.txt", "a.txt"),
        ("re\u0301sume\u0301.pdf", "résumé.pdf"),
        ("👩‍💻 笔记.md", "👩‍💻 笔记.md"),
        ("x" * 300 + ".docx", "x" * 195 + ".docx"),
    ],
)
def test_name_is_shown_clean(name: str, shown: str) -> None:
    assert display_name(name) == shown


@given(st.text(st.characters(exclude_categories=[]), max_size=300))
@example("a/..")
@example("\\\\..\\")
def test_name_never_leaves_a_folder(name: str) -> None:
    shown = display_name(name)
    assert 0 < len(shown) <= 200
    assert display_name(shown) == shown
    for flavour in (pathlib.PurePosixPath, pathlib.PureWindowsPath):
        assert flavour(shown).name == shown or (flavour is pathlib.PureWindowsPath and ":" in shown)
    assert (Path("/root") / shown).resolve().parent == Path("/root").resolve()


def test_suffixes_are_listed() -> None:
    assert supported_suffixes()[:4] == (".pdf", ".docx", ".pptx", ".xlsx")
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in supported_suffixes())


@pytest.mark.data
def test_real_collections_are_read_row_by_row(data_dir: Path) -> None:
    bank = read("bank-help-centre.jsonl", data_dir / "documents" / "bank-help-centre.jsonl")
    assert len(bank) == 698
    assert len({document.id for document in bank}) >= 690
    assert len(read("sqlite.jsonl", data_dir / "documents" / "sqlite.jsonl")) == 55


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        ("handbook.md", "# Employee Handbook\n\nWelcome.\n\n## Leave\n\nTwenty days.", "Employee Handbook"),
        ("制度.md", "# 差旅制度\n\n第一条。", "差旅制度"),
        ("notes.md", "First words.\n\n# Later\n\nMore.", "notes"),
        ("plain.txt", "Only words.", "plain"),
    ],
)
def test_a_text_that_opens_with_a_heading_is_called_by_it(name: str, text: str, title: str) -> None:
    assert read(name, text.encode())[0].title == title
