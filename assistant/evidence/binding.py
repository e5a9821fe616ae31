"""Values and names bound to what they are said of: what one line says of this is not said of that.

A sentence whose words, numbers and names all stand in a passage can still be false, because they stand in
different places of it: the price of the next row, the deadline of the other case, the town of another person.
So a passage is read in pieces, clause by clause and row by row, and a fact has to stand in the piece that
speaks of the sentence's subject. It is careful: what it cannot tell apart stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from assistant.evidence import quantities
from assistant.evidence.lexicon import STOPWORDS, UNITS
from assistant.evidence.names import names
from assistant.evidence.quantities import Date, Quantity
from assistant.evidence.sentences import split
from assistant.evidence.words import normalize, stem

_CLAUSE = re.compile(r"[;；，,]\s*|\s(?:and|but|while|whereas)\s|(?<=[一-鿿])(?:而|但)(?=[一-鿿])")
_FIELD = re.compile(r"^[^:：|]{1,40}[:：]\s*\S")
_ROW = re.compile(r"\|.*\||(?:[^:：;；|]{1,40}[:：][^:：;；]*[;；]\s*){2}")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9'’-]*|[一-鿿]+|\d+(?:[.:,]\d+)*")
_HAN = re.compile(r"[一-鿿]")
_FUNCTION = re.compile("[的可应须需得能会将了在是为有与和及或]")
_CLOCK = re.compile(r"(?<![\d:.])(\d{1,2})[:：](\d{2})(?![\d:])")
_CLASS = re.compile(r"\b(first|second|third)[ -]class\b|([一二三四五])(?=[等级类]座?)", re.I)
"""Grades: a value like any other, written without a figure."""
_NEGATED = re.compile(
    r"\b(?:no|not|never|none|nor|neither|cannot|without|except|outside|unless)\b|n't\b"
    r"|不(?!得?超过|少于|低于|高于|多于|早于|晚于)|没|无|非|除",
    re.I,
)
"""A sentence that sets itself apart from what the source says of something else."""
_BOUND = re.compile(
    r"\b(?:above|over|below|under|beyond|exceed\w*|(?:more|less|fewer|later|earlier) than)\b"
    r"|(?<!不)(?<!不得)(?:超过|高于|低于)|以上|以下|不到",
    re.I,
)
"""A value that is a bound here need not stand beside what is said."""
_POINTS_BACK = re.compile(
    r"\b(?:it|its|they|their|them|he|she|his|her|this|that|these|those|the company)\b|它|其|该|他|她", re.I
)
_ONLY = re.compile(r"\b(?:only|solely|exclusively)\b|仅|只有|只在|只限", re.I)
_TIME = frozenset({"second", "minute", "hour", "day", "week", "month", "year"})
_SAME = 0.75
"""Share of the rest of a sentence from which a piece says the same of something else."""
_ONLY_SAME = 0.5


@dataclass(frozen=True)
class _Piece:
    """A clause, a sentence or a row."""

    text: str
    row: bool = False

    @cached_property
    def marks(self) -> frozenset[str]:
        return _marks(self.text)

    @cached_property
    def facts(self) -> tuple[list[Quantity], list[Date]]:
        return quantities.read(_CLOCK.sub(" ", self.text))

    @cached_property
    def times(self) -> frozenset[str]:
        return _times(self.text)

    @cached_property
    def grades(self) -> frozenset[str]:
        return _grades(self.text)

    @cached_property
    def key(self) -> str:
        """The first cell of a row: what the row is about."""
        first = next((cell for cell in self.text.split("|") if cell.strip()), "").strip()
        return first if self.row and "|" in self.text and _HAN.search(first) is None else ""

    @property
    def tells(self) -> bool:
        """A value stands here."""
        return any((*self.facts, self.times, self.grades))

    def holds(self, value: object) -> bool:
        numbers, dates = self.facts
        if isinstance(value, Quantity):
            return any(value.agrees(other) for other in numbers)
        if isinstance(value, Date):
            return any(value.agrees(other) for other in dates)
        return value in self.times or value in self.grades

    def has_rival(self, value: object) -> bool:
        """Another value of the same kind stands here."""
        numbers, dates = self.facts
        if isinstance(value, Quantity):
            return any(
                _comparable(value, other, counted=self.row) and not value.agrees(other) for other in numbers
            )
        if isinstance(value, Date):
            return bool(dates)
        return bool(self.times if ":" in str(value) else self.grades)


def exchanged(sentence: str, source: str) -> str:
    """What the source says of something else than the sentence does; ``""`` where nothing is exchanged.

    Args:
        sentence: All of its facts stand somewhere in the source.
        source: In the same language.
    """
    if _NEGATED.search(sentence):
        return ""
    clauses, wholes = list(_clauses(source)), list(_wholes(source))
    return _value(sentence, clauses) or _subject(sentence, wholes) or _cell(sentence, wholes)


def _value(sentence: str, pieces: Sequence[_Piece]) -> str:
    """A value that stands only where less of the sentence stands than beside another one of its kind."""
    telling = [piece for piece in pieces if piece.tells]
    wanted = _marks(sentence) & frozenset[str]().union(*(piece.marks for piece in telling))
    values = _values(sentence)
    for value in values if not _BOUND.search(sentence) else ():
        if any(_alike(value, other) for other in values if other is not value):
            continue  # a list or a comparison: which value is of what, clauses do not tell
        where = [piece for piece in telling if piece.holds(value)]
        if not where or any(_POINTS_BACK.search(piece.text) for piece in where):
            continue  # "after it" may mean what the sentence names
        holders = [piece.marks & wanted for piece in where]
        for piece in telling:
            shared = piece.marks & wanted
            enough = 2 * len(shared) >= len(wanted)
            if (
                enough
                and piece.has_rival(value)
                and not piece.holds(value)
                and all(h < shared for h in holders)
            ):
                return str(value)
    return ""


def _subject(sentence: str, pieces: Sequence[_Piece]) -> str:
    """A name in whose place another one stands, in a piece that says all the rest."""
    wanted, values = _marks(sentence), _values(sentence)
    for name in names(sentence):
        rest = wanted - _marks(name)
        named = [piece for piece in pieces if _stands(name, piece.text)]
        others = [p for p in pieces if p not in named and all(p.holds(value) for value in values)]
        if len(rest) < 2 or not named:  # what the source never speaks of is another fault
            continue
        if any(
            len(p.marks & rest) >= _SAME * len(rest) and all(p.holds(value) for value in values)
            for p in named
        ):
            continue
        for piece in others:
            share = len(piece.marks & rest) / len(rest)
            rivals = [other for other in names(piece.text) if not _stands(other, sentence)]
            alone = share >= _ONLY_SAME and rivals and _ONLY.search(piece.text)
            if alone or (share >= _SAME and _takes_its_place(name, sentence, rivals, piece)):
                return name
    return ""


def _cell(sentence: str, pieces: Sequence[_Piece]) -> str:
    """A word that stands in other rows of a table alone than in the one row that the sentence names."""
    rows = [piece for piece in pieces if piece.row]
    own = [row for row in rows[1:] if row.key and _stands(row.key, sentence)]
    rules = [row for row in rows if set(row.text) <= set("|-: ")]
    if len(own) != 1 or len(rules) != 1:  # of two tables the second one's header would be taken for a row
        return ""
    header, elsewhere = rows[0], [piece.marks for piece in pieces if not piece.row]
    said = frozenset[str]().union(own[0].marks, header.marks, *elsewhere)
    others = frozenset[str]().union(*(row.marks for row in rows if row is not own[0]))
    odd = (_marks(sentence) & others) - said
    return next((word.casefold() for word in _WORD.findall(sentence) if _marks(word) & odd), "")


def _takes_its_place(name: str, sentence: str, rivals: Sequence[str], piece: _Piece) -> bool:
    if _POINTS_BACK.search(piece.text):
        return False  # it may speak of the name without saying it
    before, after = _beside(name, sentence)
    for rival in rivals:
        left, right = _beside(rival, piece.text)
        if (before and before == left) or (after and after == right):
            return True
    return False


def _values(sentence: str) -> list[object]:
    numbers, dates = quantities.read(_CLOCK.sub(" ", sentence))
    counted = [number for number in numbers if not number.vague]
    return [*counted, *dates, *sorted(_times(sentence)), *sorted(_grades(sentence))]


def _times(text: str) -> frozenset[str]:
    return frozenset(f"{int(hour)}:{minute}" for hour, minute in _CLOCK.findall(text))


def _grades(text: str) -> frozenset[str]:
    return frozenset((english or chinese).casefold() for english, chinese in _CLASS.findall(text))


def _alike(one: object, other: object) -> bool:
    if isinstance(one, Quantity) and isinstance(other, Quantity):
        return _comparable(one, other, counted=True)
    return type(one) is type(other)


def _comparable(one: Quantity, other: Quantity, *, counted: bool) -> bool:
    """Two values of one kind; in a row, where the column's name is the unit, two bare numbers too."""
    both_time = one.unit in _TIME and other.unit in _TIME
    if not one.unit:
        return counted and not other.unit and not other.vague
    return not other.vague and (one.unit == other.unit or both_time)


def _wholes(source: str) -> Iterator[_Piece]:
    """Rows and sentences."""
    fields: list[str] = []
    for line in [*source.splitlines(), ""]:
        if _FIELD.match(line) and not _ROW.search(line) and len(line) < 120:
            fields.append(line)
            continue
        if len(fields) > 1:
            yield _Piece("\n".join(fields), row=True)
        else:
            yield from (_Piece(text) for text in fields)
        fields = []
        if _ROW.search(line):
            yield _Piece(line, row=True)
        else:
            yield from (_Piece(line[start:end]) for start, end in split(line))


def _clauses(source: str) -> Iterator[_Piece]:
    """Rows, and the parts of sentences."""
    for piece in _wholes(source):
        if piece.row:
            yield piece
        else:
            yield from (_Piece(part) for part in _CLAUSE.split(piece.text) if part and part.strip())


def _marks(text: str) -> frozenset[str]:
    """Stems of English words, pairs of Chinese characters as they stand; no values and no units."""
    found: set[str] = set()
    for word in _WORD.findall(_CLASS.sub(" ", normalize(text))):
        if _HAN.match(word):
            for part in _FUNCTION.split(word):
                found.update(left + right for left, right in pairwise(part))
        elif not word[0].isdigit() and word.casefold() not in STOPWORDS and word.casefold() not in UNITS:
            found.add(stem(word.casefold().removesuffix("'s")))
    return frozenset(found)


def _stands(name: str, text: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", text, re.I) is not None


def _beside(name: str, text: str) -> tuple[str, str]:
    """The content words before and after a name, as stems; empty where there is none."""
    found = re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", text, re.I)
    if found is None:
        return "", ""
    before, after = _content(text[: found.start()]), _content(text[found.end() :])
    return (before[-1] if before else ""), (after[0] if after else "")


def _content(text: str) -> list[str]:
    words = (word.casefold().removesuffix("'s") for word in _WORD.findall(text))
    return [stem(word) for word in words if word not in STOPWORDS]
