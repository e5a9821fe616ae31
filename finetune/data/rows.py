"""A row as it stands in a file, and how its fields are taken out: rightly, or with a reason why not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant import strict_json
from assistant.evidence.words import is_chinese, normalize
from assistant.schema import Language
from finetune.schema import Fault, Origin

ROW_LIMIT = 16_000_000
"""Bytes of a row; a longer one is no example but a file without line ends."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file.

    Attributes:
        origin: Where it stands.
        fields: By column or key.
    """

    origin: Origin
    fields: Mapping[str, Any]


class RowError(Exception):
    """What is wrong with a row; it never leaves this package, a `Fault` does.

    Args:
        field: The column or key.
        reason: What is wrong and what would be right.
        kind: Short name of the check.
        hard: False where the row is left out and the others are still good to train on.
    """

    def __init__(self, field: str, reason: str, kind: str, *, hard: bool = True) -> None:
        super().__init__(reason)
        self.field, self.reason, self.kind, self.hard = field, reason, kind, hard

    def at(self, origin: Origin) -> Fault:
        """As a fault of the row."""
        return Fault(origin, self.field, self.reason, self.kind, self.hard)


def text(value: Any, field: str) -> str:
    """A text that says something, as it was written.

    Raises:
        RowError: Missing, no text, empty, or with characters that no tokenizer takes.
    """
    if value is None:
        raise RowError(field, "is missing: write a text", "missing")
    if not isinstance(value, str):
        raise RowError(field, f"is {_kind(value)}, must be a text: {short(value)}", "type")
    if not value.strip():
        raise RowError(field, "is empty: write a text, or leave the row out", "empty")
    if "\0" in value:
        raise RowError(field, f"holds a NUL character: remove it from {short(value)}", "text")
    if any("\ud800" <= character <= "\udfff" for character in value):
        reason = "holds half of a character (a lone surrogate): save the file again as UTF-8"
        raise RowError(field, reason, "text")
    return value


def optional(row: Mapping[str, Any], field: str) -> str:
    """A text that may be missing or empty, then ``""``."""
    value = row.get(field)
    return "" if value is None or value == "" else text(value, field)


def items(value: Any, field: str) -> Sequence[Any]:
    """A list that is not empty.

    Raises:
        RowError: It is something else.
    """
    if value is None:
        raise RowError(field, "is missing: write a list", "missing")
    if not isinstance(value, list | tuple):
        raise RowError(field, f"is {_kind(value)}, must be a list: {short(value)}", "type")
    if not value:
        raise RowError(field, "is an empty list", "empty")
    return value


def record(value: Any, field: str) -> Mapping[str, Any]:
    """An object of named fields.

    Raises:
        RowError: It is something else.
    """
    if not isinstance(value, Mapping):
        raise RowError(field, f"is {_kind(value)}, must be an object: {short(value)}", "type")
    return value


def decoded(written: str, field: str) -> Any:
    """The value that a JSON text holds.

    Raises:
        RowError: It is none, names a field twice, or holds NaN.
    """
    try:
        return strict_json.loads(written)
    except RecursionError:
        raise RowError(field, "is nested too deeply", "json") from None
    except ValueError as fault:
        raise RowError(field, f"is no JSON ({fault}): {short(written.strip())}", "json") from None


def name(row: Row) -> str:
    """The row's own id, else file and number."""
    given = row.fields.get("id")
    if isinstance(given, int) and not isinstance(given, bool):
        return str(given)
    if isinstance(given, str) and given.strip():
        return text(given, "id")
    stem = row.origin.file.replace("\\", "/").rpartition("/")[2]
    return f"{stem}-{row.origin.row}"


def language(row: Mapping[str, Any], reply: str) -> Language:
    """What ``lang`` or ``language`` says, else what the reply is written in.

    Raises:
        RowError: Another language than English or Chinese is named.
    """
    field = "language" if "language" in row else "lang"
    given = row.get(field)
    if given is None or given == "":
        return "zh" if is_chinese(reply) else "en"
    known = str(given).lower().replace("_", "-").partition("-")[0]
    if known in ("en", "zh"):
        return "zh" if known == "zh" else "en"
    raise RowError(field, f"is {short(given)}: use en or zh", "language")


def digest(*texts: str) -> str:
    """What stays the same for the same texts, whatever their spacing, width and letter case."""
    plain = "\0".join(" ".join(normalize(part).split()).casefold() for part in texts)
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()[:16]


def short(value: object) -> str:
    """A value in a sentence."""
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    kinds = {int: "a number", float: "a number", str: "a text", list: "a list", type(None): "empty"}
    return kinds.get(type(value), "an object" if isinstance(value, Mapping) else type(value).__name__)
