"""Examples and preferences as the checks look at them: what a person wrote, under the names they gave it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from assistant.schema import Language, Message
from finetune.data.loading import Loaded
from finetune.schema import Example, Fault, Origin, Preference


@dataclass(frozen=True, slots=True)
class Piece:
    """A text of a row.

    Attributes:
        field: Where it stands.
        text: As it was read.
        learnt: The model learns to write it; otherwise it reads it.
    """

    field: str
    text: str
    learnt: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One example or preference.

    Attributes:
        origin: Where it was read.
        task: As in `Example`; ``preference`` for a preference.
        source: As in `Example`.
        language: Of the reply; ``None`` where nobody said.
        asked: The conversation up to the reply.
        replies: The reply, or the better and the worse one.
        reply_field: Where the (better) reply stands.
        pieces: The person's own texts, without the prompts around them.
    """

    origin: Origin
    task: str
    source: str
    language: Language | None
    asked: tuple[Message, ...]
    replies: tuple[str, ...]
    reply_field: str
    pieces: tuple[Piece, ...]

    def fault(self, field: str, reason: str, kind: str, *, hard: bool = True) -> Fault:
        """Something wrong with this row."""
        return Fault(self.origin, field, reason, kind, hard)

    def seen_from(self, other: Row) -> str:
        """Where this row stands, in a message about another one."""
        file = "" if self.origin.file == other.origin.file else f" of {self.origin.file}"
        return f"row {self.origin.row}{file}"

    @property
    def reply(self) -> str:
        """The (better) reply as the person wrote it, or what stands for it."""
        own = (piece.text for piece in self.pieces if piece.field == self.reply_field)
        return next(own, self.replies[0])

    @property
    def gist(self) -> str:
        """What tells this row from others of its kind: the question, the text, or the last turn and reply."""
        own = {piece.field: piece.text for piece in self.pieces}
        if self.task in ("grounded", "sentiment") and (known := own.get("question") or own.get("text")):
            return known
        last = self.asked[-1].text if self.asked else ""
        return " ".join((own.get("text", last), *self.replies))


def rows(loaded: Loaded) -> list[Row]:
    """All that was read, examples first."""
    return [*map(_example, loaded.examples), *map(_preference, loaded.preferences)]


def _example(example: Example) -> Row:
    asked, reply = example.messages[:-1], example.messages[-1].text
    pieces = tuple(_of_case(example.case) if example.case else _of_messages(example.messages))
    learnt = [piece.field for piece in pieces if piece.learnt]
    return Row(
        example.origin, example.task, example.source, example.language, asked, (reply,),
        learnt[-1] if learnt else "answerable", pieces,
    )  # fmt: skip


def _preference(preference: Preference) -> Row:
    replies = (preference.chosen, preference.rejected)
    pieces = (
        *(Piece(f"prompt[{n}]", message.text, False) for n, message in enumerate(preference.prompt)),
        Piece("chosen", preference.chosen, True),
        Piece("rejected", preference.rejected, True),
    )
    return Row(
        preference.origin, "preference", preference.source, None, preference.prompt, replies, "chosen", pieces
    )


def _of_messages(messages: Iterable[Message]) -> Iterator[Piece]:
    for n, message in enumerate(messages):
        yield Piece(f"messages[{n}]", message.text, message.role == "assistant")


def _of_case(case: Mapping[str, Any]) -> Iterator[Piece]:
    """The texts of a suite's row, of any task."""
    for field in ("question", "text"):
        if field in case:
            yield Piece(field, str(case[field]), False)
    for n, document in enumerate(case.get("documents") or ()):
        yield Piece(f"documents[{n}].text", str(document["text"]), False)
    for n, message in enumerate(case.get("messages") or ()):
        yield Piece(f"messages[{n}].content", str(message.get("content", "")), False)
    for field in ("answers", "references"):
        for n, text in enumerate((case.get(field) or ())[:1]):
            yield Piece(f"{field}[{n}]", str(text), True)
    if "label" in case:
        yield Piece("label", str(case["label"]), True)
