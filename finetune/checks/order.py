"""Who speaks when, and whether anything is said: what a template and the loss rely on."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from assistant.evidence.words import han_share
from assistant.schema import Message
from finetune.checks.rows import Row
from finetune.checks.values import quoted
from finetune.schema import Fault

_OTHER = re.compile(r"[\u0400-\u052f\u0590-\u06ff\u0900-\u0e7f\u3040-\u30ff\uac00-\ud7af]")
"""Cyrillic, Hebrew, Arabic, Indic, Thai, kana and hangul."""
_LATIN = re.compile(r"[A-Za-z]")
_ENOUGH = 20
"""Letters from which a language can be told."""


def roles(rows: Sequence[Row]) -> Iterator[Fault]:
    """A system message only at the beginning, then the user and the assistant in turn."""
    for row in rows:
        said = [*row.asked, Message("assistant", row.replies[0])]
        first = 1 if said[0].role == "system" else 0
        for n, message in enumerate(said[first:], first):
            wanted = "assistant" if (n - first) % 2 else "user"
            if message.role != wanted:
                reason = (
                    f"is the {message.role}'s ({quoted(message.text)}), but the {wanted} speaks here: "
                    "begin with the user, let user and assistant take turns, and put a system message first"
                )
                yield row.fault(f"messages[{n}]", reason, "role")
                break


def empty(rows: Sequence[Row]) -> Iterator[Fault]:
    """A reply of blanks and punctuation teaches nothing; a character that was lost is not taught either."""
    for row in rows:
        for piece in row.pieces:
            if piece.learnt and not any(map(_says, piece.text)):
                reason = f"says nothing ({quoted(piece.text)}): write the reply, or leave the row out"
                yield row.fault(piece.field, reason, "empty")
            elif "\ufffd" in piece.text:
                lost = _around(piece.text)
                reason = f"holds characters that were lost (\ufffd) in {lost}: save the file again as UTF-8"
                yield row.fault(piece.field, reason, "text", hard=piece.learnt)


def languages(rows: Sequence[Row]) -> Iterator[Fault]:
    """A reply in another language than its row says, or in neither of ours."""
    for row in rows:
        reply = row.replies[0]
        others, letters = len(_OTHER.findall(reply)), len(_LATIN.findall(reply))
        if others >= _ENOUGH and others > letters:
            reason = f"is neither English nor Chinese ({quoted(reply)}): no answer here can be measured in it"
            yield row.fault(row.reply_field, reason, "language", hard=False)
        elif row.task != "sentiment" and _crossed(row, han_share(reply), letters, len(reply)):
            other = "English" if row.language == "zh" else "Chinese"
            reason = (
                f"is {other} ({quoted(reply)}), but the row says {row.language}: mend language, or the reply"
            )
            yield row.fault(row.reply_field, reason, "language", hard=False)


def _says(character: str) -> bool:
    """A letter, a digit, or a symbol such as an emoji; no punctuation and no blank."""
    return unicodedata.category(character)[0] in "LNS"


def _crossed(row: Row, han: float, letters: int, length: int) -> bool:
    if row.language == "zh":
        return han == 0 and letters >= _ENOUGH and " " in row.replies[0].strip()
    return row.language == "en" and han > 0.5 and length >= _ENOUGH / 2


def _around(text: str) -> str:
    at = text.index("\ufffd")
    return quoted(text[max(0, at - 20) : at + 20])
