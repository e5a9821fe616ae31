"""Pieces from a parser, cleaned and laid end to end: one text with marks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from assistant.errors import TooLargeError
from assistant.retrieval.cleaning import clean, one_line
from assistant.retrieval.formats import Heading, Page, Piece, Row, Title
from assistant.retrieval.limits import Limits

TITLE_LIMIT = 200


@dataclass(slots=True)
class Parsed:
    """A document before it has an identity."""

    title: str = ""
    text: str = ""
    marks: list[tuple[int, str, str]] = field(default_factory=list)
    """Start, kind, label: as ``schema.Mark``."""
    removed: int = 0
    pages: int = 0


def assemble(name: str, pieces: Iterable[Piece], limits: Limits) -> list[Parsed]:
    """Documents from pieces; without a ``Row`` there is exactly one.

    Args:
        name: For messages.
        pieces: In reading order.
        limits: ``characters`` bounds all texts together.

    Raises:
        TooLargeError: More text than that; raised before all of it is held.
    """
    builder = _Builder(name, limits.characters)
    documents: list[Parsed] = []
    for piece in pieces:
        if isinstance(piece, Row):
            documents.append(builder.finish())
        builder.add(piece)
    return [*documents, builder.finish()]


class _Builder:
    def __init__(self, name: str, limit: int) -> None:
        self._name = name
        self._limit = limit
        self._total = 0
        self._start()

    def _start(self) -> None:
        self._parsed = Parsed()
        self._parts: list[str] = []
        self._length = 0
        self._page = ""

    def add(self, piece: Piece) -> None:
        if isinstance(piece, (Row, Title)):
            self._parsed.title = one_line(piece.title if isinstance(piece, Row) else piece.text, TITLE_LIMIT)
        elif isinstance(piece, Page):
            self._parsed.pages = max(self._parsed.pages, piece.number)
            self._page = str(piece.number)
        elif isinstance(piece, Heading):
            if label := one_line(piece.text, TITLE_LIMIT):
                # Only the words, without "#" or "<h1>": the text is for reading and citing.
                self._append(label, "heading", label)
        else:
            self._append(piece)

    def finish(self) -> Parsed:
        self._parsed.text = "".join(self._parts)
        done = self._parsed
        self._start()
        return done

    def _append(self, text: str, kind: str = "", label: str = "") -> None:
        self._total += len(text)
        if self._total > self._limit:
            raise TooLargeError(
                field=f"{self._name} (text)",
                value=f"over {self._limit} characters",
                limit=self._limit,
                remedy="split it into smaller files",
            )
        text, removed = clean(text)
        self._parsed.removed += removed
        text = text.strip("\n").rstrip()
        if not text.strip():
            return
        if self._parts:
            self._parts.append("\n\n")
            self._length += 2
        if self._page:
            self._parsed.marks.append((self._length, "page", self._page))
            self._page = ""
        if kind:
            self._parsed.marks.append((self._length, kind, label))
        self._parts.append(text)
        self._length += len(text)
