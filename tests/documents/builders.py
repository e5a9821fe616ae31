"""Small real files of every type that is read, made by the libraries that people's programs are built on."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

Rows = Sequence[Sequence[object]]


def pdf(
    pages: Sequence[Sequence[str]], *, bookmarks: Mapping[str, int] | None = None, password: str = ""
) -> bytes:
    """Lines on pages; a line with Chinese is set in a Chinese font. ``bookmarks``: title to page index."""
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    file = io.BytesIO()
    canvas = Canvas(file, encrypt=StandardEncryption(password, strength=40) if password else None)
    for index, lines in enumerate(pages):
        for title in [title for title, page in (bookmarks or {}).items() if page == index]:
            canvas.bookmarkPage(title)
            canvas.addOutlineEntry(title, title)
        for row, line in enumerate(lines):
            canvas.setFont("Helvetica" if line.isascii() else "STSong-Light", 11)
            canvas.drawString(60, 790 - 16 * row, line)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def raw_pdf(stream: bytes, *, pages: int = 1) -> bytes:
    """A PDF by hand: every page shows the same content stream, which may be anything."""
    import zlib

    packed = zlib.compress(stream, 9)
    kids = b" ".join([b"4 0 R"] * pages)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, pages),
        b"<</Length %d/Filter/FlateDecode>>\nstream\n%s\nendstream" % (len(packed), packed),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 3 0 R"
        b"/Resources<</Font<</F1 5 0 R>>/XObject<</X 3 0 R>>>>>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    file, starts = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        starts.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % start for start in starts)
    return file + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF"
        % (len(objects) + 1, table, len(objects) + 1, len(file))
    )


def scan(pages: int = 2) -> bytes:
    """A PDF of pictures alone."""
    from PIL import Image
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file)
    for _ in range(pages):
        canvas.drawImage(ImageReader(Image.new("RGB", (80, 80), "grey")), 60, 600)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def png() -> bytes:
    """A picture."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "PNG")
    return file.getvalue()


def docx(blocks: Sequence[tuple[str, Any]]) -> bytes:
    """Blocks of ("title"|"h1"|"h2"|"p"|"li"|"link", text), ("table", rows) or ("picture", bytes)."""
    import docx as library

    document = library.Document()
    for kind, value in blocks:
        if kind == "table":
            table = document.add_table(rows=0, cols=len(value[0]))
            for row in value:
                for cell, text in zip(table.add_row().cells, row, strict=True):
                    cell.text = str(text)
        elif kind == "picture":
            document.add_picture(io.BytesIO(value))
        elif kind in ("title", "h1", "h2"):
            document.add_heading(value, {"title": 0, "h1": 1, "h2": 2}[kind])
        else:
            document.add_paragraph(value, style="List Bullet" if kind == "li" else None)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def pptx(slides: Sequence[tuple[str, Sequence[str], str]]) -> bytes:
    """Slides of (title, bullets, notes)."""
    from pptx import Presentation

    deck = Presentation()
    for title, bullets, notes in slides:
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text_frame.text = "\n".join(bullets)
        if notes:
            slide.notes_slide.notes_text_frame.text = notes
    file = io.BytesIO()
    deck.save(file)
    return file.getvalue()


def xlsx(sheets: Mapping[str, Rows]) -> bytes:
    """Sheets of rows."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def epub(title: str, chapters: Sequence[str], *, extra: Mapping[str, bytes] | None = None) -> bytes:
    """A book; chapters are the inside of ``<body>``."""
    items = "".join(
        f'<item id="c{n}" href="text/c{n}.xhtml" media-type="application/xhtml+xml"/>'
        for n in range(len(chapters))
    )
    order = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    members: dict[str, bytes] = {
        "mimetype": b"application/epub+zip",
        "META-INF/container.xml": b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        b'<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        "OEBPS/book.opf": (
            '<package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
            f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></metadata>'
            f'<manifest><item id="nav" properties="nav" href="nav.xhtml" media-type="application/xhtml+xml"/>{items}'
            f'</manifest><spine><itemref idref="nav"/>{order}</spine></package>'
        ).encode(),
        "OEBPS/nav.xhtml": b'<html xmlns="http://www.w3.org/1999/xhtml"><body><nav>Contents</nav></body></html>',
        **(extra or {}),
    }
    for n, body in enumerate(chapters):
        page = f'<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><body>{body}</body></html>'
        members[f"OEBPS/text/c{n}.xhtml"] = page.encode()
    return zipped(members)


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip container."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as container:
        for path, data in members.items():
            container.writestr(path, data)
    return file.getvalue()


def with_member(container: bytes, path: str, data: bytes) -> bytes:
    """The same container with one member added or replaced."""
    with zipfile.ZipFile(io.BytesIO(container)) as old:
        members = {name: old.read(name) for name in old.namelist()}
    return zipped({**members, path: data})


def jsonl(rows: Sequence[Mapping[str, object]]) -> bytes:
    """JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
