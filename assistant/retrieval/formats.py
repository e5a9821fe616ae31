"""Which files are read, how each is recognized, and which parser reads it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from assistant.errors import UnreadableFileError, UnsupportedFileError
from assistant.retrieval.limits import Limits


@dataclass(frozen=True, slots=True)
class Page:
    """The text that follows is on this page or slide (from 1)."""

    number: int


@dataclass(frozen=True, slots=True)
class Row:
    """The text that follows is a document of its own."""

    title: str


@dataclass(frozen=True, slots=True)
class Title:
    """What the file calls itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """The text that follows stands under these words; they are a line of the text."""

    text: str
    level: int = 1


Piece = Page | Row | Title | Heading | str
"""What parsers yield, in reading order. A string is one or more whole paragraphs."""

Shape = Literal["pdf", "zip", "text"]


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file."""

    media_type: str
    shape: Shape
    parser: str
    """Module of this package whose ``parse_…`` reads it, and that function: ``module:function``."""
    member: str = ""
    """Zip containers: the member without which it is not this kind."""

    def parse(self, name: str, data: bytes, limits: Limits) -> Iterator[Piece]:
        """Import the parser, and only this one, and run it."""
        module, function = self.parser.split(":")
        pieces: Iterator[Piece] = getattr(importlib.import_module(f"assistant.retrieval.{module}"), function)(
            name, data, limits
        )
        return pieces


_OFFICE = "application/vnd.openxmlformats-officedocument"
_HTML = Format("text/html", "text", "formats_markup:parse_html")
_MARKDOWN = Format("text/markdown", "text", "formats_plain:parse_markdown")
_ROWS = Format("application/jsonl", "text", "formats_tables:parse_jsonl")
FORMATS: dict[str, Format] = {
    ".pdf": Format("application/pdf", "pdf", "formats_pdf:parse_pdf"),
    ".docx": Format(
        f"{_OFFICE}.wordprocessingml.document", "zip", "formats_office:parse_docx", "word/document.xml"
    ),
    ".pptx": Format(
        f"{_OFFICE}.presentationml.presentation", "zip", "formats_office:parse_pptx", "ppt/presentation.xml"
    ),
    ".xlsx": Format(f"{_OFFICE}.spreadsheetml.sheet", "zip", "formats_office:parse_xlsx", "xl/workbook.xml"),
    ".epub": Format("application/epub+zip", "zip", "formats_markup:parse_epub", "META-INF/container.xml"),
    ".html": _HTML,
    ".htm": _HTML,
    ".md": _MARKDOWN,
    ".markdown": _MARKDOWN,
    ".txt": Format("text/plain", "text", "formats_plain:parse_text"),
    ".csv": Format("text/csv", "text", "formats_tables:parse_csv"),
    ".tsv": Format("text/tab-separated-values", "text", "formats_tables:parse_csv"),
    ".json": Format("application/json", "text", "formats_tables:parse_json"),
    ".jsonl": _ROWS,
    ".ndjson": _ROWS,
}
SUFFIXES: tuple[str, ...] = tuple(FORMATS)

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a zip container"),
    (b"PK\x05\x06", "an empty zip container"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or password-protected Office file"),
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh91AY&SY", "a bzip2 archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\0", "a program"),
    (b"SQLite format 3\0", "a database"),
    (b"ID3\x03\0", "an audio file"),
    (b"ID3\x04\0", "an audio file"),
    (b"OggS\0", "an audio file"),
)
_EXPECTED: dict[Shape, str] = {"pdf": "a PDF", "zip": "a zip container", "text": ""}
_ENCRYPTED_PACKAGE = "E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e".encode("ascii")
_PDF_HEADER = re.compile(rb"%PDF-\d")


def find(name: str) -> Format:
    """The format that a file name promises.

    Raises:
        UnsupportedFileError: No such suffix; names those that are read.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix not in FORMATS:
        raise UnsupportedFileError(name=name, value=suffix or "without a suffix", limit=", ".join(SUFFIXES))
    return FORMATS[suffix]


def check_content(name: str, data: bytes, kind: Format) -> None:
    """Compare the first bytes with what the name promises.

    Raises:
        UnreadableFileError: They are something else; says what, and what to do.
    """
    found = next((label for magic, label in _SIGNATURES if data.startswith(magic)), "")
    if kind.shape == "pdf" and _PDF_HEADER.search(data[:1024]):
        return
    if found == _EXPECTED[kind.shape]:
        return
    if _ENCRYPTED_PACKAGE in data[:1_000_000] and kind.shape == "zip":
        raise UnreadableFileError(
            name=name, reason="it is protected with a password", remedy="save it without one"
        )
    reason = f"the content is {found}" if found else f"the content is not {_EXPECTED[kind.shape]}"
    remedy = "save it again in the program that made it, or give it the right suffix"
    raise UnreadableFileError(name=name, reason=f"{reason}, not what its name says", remedy=remedy)
