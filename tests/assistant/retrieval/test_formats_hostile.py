"""Files made to harm: each ends in text or in one known error, within the limits, and reaches nothing."""

import random
import struct
from pathlib import Path

import pytest
from documents import builders
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assistant.errors import EmptyInputError, NoTextError, TooLargeError, UnreadableFileError, YoujuError
from assistant.retrieval import archives, child, documents
from assistant.retrieval.documents import read
from assistant.retrieval.limits import Limits

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
WORD = f"<w:document {W}><w:body><w:p><w:r><w:t>hello %s</w:t></w:r></w:p></w:body></w:document>"
LAUGHS = (
    '<!DOCTYPE d [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(10))
    + "]>"
)
DOCX = builders.docx([("h1", "Heading"), ("p", "hello"), ("table", [["a", "b"], ["c", "d"]])])
BOOK = builders.epub("t", ["<p>hello</p>"])
SHEET = builders.xlsx({"s": [["a", "b"], [1, 2]]})
DECK = builders.pptx([("a", ["b"], "")])
VALID = {
    "a.docx": DOCX,
    "a.pptx": DECK,
    "a.xlsx": SHEET,
    "a.epub": BOOK,
    "a.pdf": builders.pdf([["hello", "退款"], ["two"]], bookmarks={"hello": 0}),
    "a.html": b"<h1>hello</h1><table><tr><td>x</table>",
    "a.md": "# hello\n\n退款\n".encode(),
    "a.txt": "hello 退款".encode("utf-16"),
    "a.csv": "a,b\n1,退款\n".encode("gb18030"),
    "a.json": '{"a": ["退款"]}'.encode(),
    "a.jsonl": builders.jsonl([{"title": "a", "text": "退款"}] * 3),
}


def document_xml(text: str) -> bytes:
    return builders.with_member(DOCX, "word/document.xml", text.encode())


class TestArchives:
    @pytest.mark.parametrize(
        ("data", "error", "says"),
        [
            (
                builders.with_member(DOCX, "word/media/a", b"a" * 110_000_000),
                TooLargeError,
                "111 MB, the limit is 100 MB",
            ),
            (
                builders.with_member(DOCX, "word/media/a", b"a" * 20_000_000),
                TooLargeError,
                "ratio.*the limit is 200",
            ),
            (builders.zipped({f"m{n}": b"" for n in range(5_001)}), TooLargeError, "5001, the limit is 5000"),
            (builders.with_member(DOCX, "inner.zip", b"PK"), UnreadableFileError, "another archive"),
            (DOCX[:-60], UnreadableFileError, "damaged or cut off"),
            (
                DOCX.replace(b"word/document.xml", b"word/document.xmx"),
                UnreadableFileError,
                "no word/document.xml",
            ),
        ],
        ids=["sum", "ratio", "members", "nested", "cut", "other"],
    )
    def test_are_refused_by_their_directory_alone(
        self, data: bytes, error: type[Exception], says: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(archives.zipfile.ZipFile, "open", lambda *_: pytest.fail("unpacked"))
        monkeypatch.setattr(documents, "_in_child", lambda *_: pytest.fail("parsed"))
        with pytest.raises(error, match=says):
            read("a.docx", data)

    def test_encrypted_member_is_said(self) -> None:
        data = bytearray(DOCX)
        at = data.rfind(b"PK\x01\x02")
        struct.pack_into("<H", data, at + 8, 1)
        with pytest.raises(UnreadableFileError, match="password"):
            read("a.docx", bytes(data))

    def test_embedded_sheet_of_a_chart_is_no_archive_in_an_archive(self) -> None:
        assert (
            read("a.pptx", builders.with_member(DECK, "ppt/embeddings/Sheet.xlsx", SHEET))[0].text == "a\n\nb"
        )

    @pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil.txt", "..\\evil.txt"])
    def test_member_names_are_never_paths(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert read("a.docx", builders.with_member(DOCX, name, b"x"))[0].text.startswith("Heading")
        assert list(tmp_path.parent.glob("**/evil*")) == []


class TestMarkup:
    @pytest.mark.parametrize("address", ["file:///etc/passwd", "http://127.0.0.1:9/x"])
    def test_outer_entities_are_never_read(self, address: str) -> None:
        outer = f'<!DOCTYPE d [<!ENTITY x SYSTEM "{address}">]>'
        assert read("a.docx", document_xml(outer + WORD % "&x;"))[0].text == "hello"
        assert "root" not in read("a.html", (outer + "<p>hello &x;</p>").encode())[0].text
        with pytest.raises(YoujuError):
            read(
                "a.epub",
                builders.with_member(BOOK, "OEBPS/book.opf", (outer + "<package>&x;</package>").encode()),
            )

    @pytest.mark.parametrize(
        ("name", "data"),
        [
            ("a.docx", document_xml(LAUGHS + WORD % "&k;")),
            ("a.pptx", builders.with_member(DECK, "ppt/slides/slide1.xml", (LAUGHS + "<a>&k;</a>").encode())),
            ("a.xlsx", builders.with_member(SHEET, "xl/workbook.xml", (LAUGHS + "<a>&k;</a>").encode())),
            ("a.epub", builders.with_member(BOOK, "OEBPS/book.opf", (LAUGHS + "<a>&k;</a>").encode())),
            ("a.docx", document_xml(f"<w:document {W}>" + "<w:p>" * 9_000)),
            (
                "a.docx",
                document_xml(f"<w:document {W}>" + "<w:p>" * 9_000 + "</w:p>" * 9_000 + "</w:document>"),
            ),
        ],
        ids=["docx", "pptx", "xlsx", "epub", "open", "deep"],
    )
    def test_entities_and_depth_are_refused(self, name: str, data: bytes) -> None:
        with pytest.raises((UnreadableFileError, EmptyInputError), match=rf"{name} "):
            read(name, data)

    def test_deep_page_costs_nothing(self) -> None:
        page = b"<p>top</p>" + b"<div>" * 200_000 + b"deep"
        assert read("a.html", page)[0].text.startswith("top")


class TestPdf:
    @pytest.mark.parametrize(
        "data",
        [
            builders.raw_pdf(b"BT /F1 9 Tf (x) Tj ET " * 5_000_000),
            builders.raw_pdf(b"[" * 300_000),
            b"%PDF-1.4\n" + b"[" * 300_000,
            b"%PDF-1.4\n1 0 obj" + random.Random(1).randbytes(200_000),
            builders.raw_pdf(b"/X Do"),
        ],
        ids=["bomb", "nested", "no structure", "noise", "itself"],
    )
    def test_bombs_end_in_an_error(self, data: bytes) -> None:
        with pytest.raises((UnreadableFileError, NoTextError), match=r"a\.pdf "):
            read("a.pdf", data)

    def test_many_operators_are_cut_off(self) -> None:
        data = builders.raw_pdf(b"BT /F1 9 Tf " + b"(x) Tj " * 3_000_000 + b"ET")
        with pytest.raises(UnreadableFileError, match="too complex"):
            read("a.pdf", data, Limits(page_s=1))

    def test_forged_count_and_script_do_no_harm(self) -> None:
        data = builders.raw_pdf(b"BT /F1 9 Tf (hello) Tj ET").replace(b"/Count 1", b"/Count 1000000000")
        script = data.replace(b"/Type/Catalog", b"/Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert)>>")
        assert [read("a.pdf", each)[0].text for each in (data, script)] == ["hello", "hello"]

    def test_every_page_has_time_of_its_own(self) -> None:
        document = read("a.pdf", builders.raw_pdf(b"BT /F1 9 Tf (hello) Tj ET", pages=400), Limits(page_s=3))[
            0
        ]
        assert document.marks[-1].label == "400"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.md", b"# " + b" " * 190_000 + b"x"),
        ("a.md", b"---\ntitle: a" + b" " * 190_000 + b"b\n---\nx"),
        ("a.md", b"[" * 190_000),
        ("a.md", b"![](" * 40_000),
        ("a.md", b"<!--" * 40_000),
        ("a.txt", b"." * 190_000),
        ("a.txt", b"a." + b" " * 190_000 + b"b"),
        ("a.csv", b"a," * 80_000 + b"\n" + b"1\n" * 10_000),
        ("a.csv", b"h" * 90_000 + b",b\n" + b"1,2\n" * 20_000),
        ("a.csv", b'a,b\n"' + b"x" * 190_000),
        ("a.json", (b'{"' + b"k" * 150 + b'":') * 900 + b"[" + b"1," * 20_000 + b"1]" + b"}" * 900),
    ],
)
@pytest.mark.timeout(20)
def test_small_files_cannot_hold_the_server(name: str, data: bytes) -> None:
    """These are read in the server's own process: each of them once took the square of its length."""
    from assistant.retrieval.chunking import split

    for document in read(name, data):
        split(document, lambda text: len(text) // 4 + 2, 200, 20)


@pytest.mark.parametrize("data", [b"[" * 190_000, b"1" * 190_000, b'{"a": NaN', b"\xef\xbb\xbf"])
def test_json_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises((UnreadableFileError, EmptyInputError)):
        read("a.json", data)


def outcome(name: str, data: bytes) -> None:
    """Parse here, without a child: ``child.parse`` alone must turn every fault into ours."""
    limits = Limits()
    try:
        kind = documents.formats.find(name)
        documents.formats.check_content(name, data, kind)
        if kind.member:
            archives.check(name, data, kind.member, limits)
        for parsed in child.parse(name, data, limits):
            parsed.text.encode()
            assert "\0" not in parsed.text
    except YoujuError as error:
        assert name in str(error)  # noqa: PT017


@pytest.mark.parametrize("name", VALID)
def test_file_cut_anywhere_is_text_or_an_error(name: str) -> None:
    data = VALID[name]
    for percent in range(0, 100, 3):
        outcome(name, data[: len(data) * percent // 100 or 1])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(name=st.sampled_from(sorted(VALID)), data=st.data())
def test_file_with_wrong_bytes_is_text_or_an_error(name: str, data: st.DataObject) -> None:
    content = bytearray(VALID[name])
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    outcome(name, bytes(content))


@settings(deadline=None, max_examples=60)
@given(name=st.sampled_from(sorted(VALID)), noise=st.binary(min_size=1, max_size=400))
def test_any_bytes_are_text_or_an_error(name: str, noise: bytes) -> None:
    outcome(name, noise)
