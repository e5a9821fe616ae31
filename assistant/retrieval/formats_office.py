"""Word, PowerPoint and Excel, each by the library that knows it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from assistant.retrieval.formats import Heading, Page, Piece
from assistant.retrieval.formats_markup import render_markup
from assistant.retrieval.formats_tables import table
from assistant.retrieval.limits import Limits

_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='标题'] => h1:fresh
"""


def parse_docx(name: str, data: bytes, limits: Limits) -> Iterator[Piece]:
    """Headings, paragraphs, lists, tables, footnotes; no pictures."""
    import mammoth  # type: ignore[import-untyped]

    converted = mammoth.convert_to_html(
        io.BytesIO(data), style_map=_STYLES, convert_image=lambda _image: [], include_embedded_style_map=False
    )
    yield from render_markup(name, converted.value)


def parse_pptx(name: str, data: bytes, limits: Limits) -> Iterator[Piece]:
    """A slide is a page, its title a heading; notes come last."""
    from pptx import Presentation

    for number, slide in enumerate(Presentation(io.BytesIO(data)).slides, 1):
        yield Page(number)
        title = slide.shapes.title
        if title is not None and title.text_frame.text.strip():
            yield Heading(" ".join(title.text_frame.text.split()))
        for shape in slide.shapes:
            if title is None or shape.shape_id != title.shape_id:
                yield _shape(shape)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            yield slide.notes_slide.notes_text_frame.text


def parse_xlsx(name: str, data: bytes, limits: Limits) -> Iterator[Piece]:
    """A sheet is a heading, a row a paragraph of ``header: value`` lines."""
    from openpyxl import load_workbook  # type: ignore[import-untyped]

    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    for sheet in book.worksheets:
        if sheet.sheet_state != "visible":
            continue
        rows = ([_cell(value) for value in row] for row in sheet.iter_rows(values_only=True))
        pieces = table(row for row in map(_trimmed, rows) if any(row))
        first = next(pieces, "")
        if first:
            yield Heading(sheet.title)
            yield first
            yield from pieces


def _shape(shape: Any) -> str:
    """Text of a shape, its group or its table."""
    if shape.has_text_frame:
        return "\n".join(paragraph.text for paragraph in shape.text_frame.paragraphs)
    if getattr(shape, "has_table", False):
        return "\n".join(
            " | ".join(" ".join(cell.text.split()) for cell in row.cells) for row in shape.table.rows
        )
    waiting, parts = list(getattr(shape, "shapes", ())), []
    while waiting:
        inner = waiting.pop(0)
        waiting = [*getattr(inner, "shapes", ()), *waiting]
        if inner.has_text_frame:
            parts.append(inner.text_frame.text)
    return "\n".join(parts)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value)


def _trimmed(row: list[str]) -> list[str]:
    while row and not row[-1].strip():
        row.pop()
    return row
