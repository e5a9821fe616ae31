"""People's own questions about a collection, with words of the right answer: they go before drafted ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.errors import BadRequestError, ConfigError
from assistant.evidence.refusal import FOLDER
from assistant.evidence.words import normalize

MOST = 200
"""Questions of one collection."""
ENOUGH = 40
"""From so many on they alone are asked, and none is drafted."""
_FILE = "questions.json"
_LONGEST = {"question": 500, "answer": 200}
"""Characters."""


class OwnQuestion(BaseModel):
    """A question, and words of its answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str = Field(min_length=1, max_length=_LONGEST["question"])
    answer: str = Field(default="", max_length=_LONGEST["answer"])
    """Words that a right answer holds; empty where the documents hold none."""

    def is_right(self, text: str) -> bool:
        """Whether a text holds the words, letter case and spaces aside."""
        return bool(self.answer) and _folded(self.answer) in _folded(text)


def load(home: Path, collection: str) -> list[OwnQuestion]:
    """The questions of a collection, oldest first.

    Raises:
        ConfigError: The file is there and cannot be used.
    """
    path = _path(home, collection)
    if not path.is_file():
        return []
    try:
        return [OwnQuestion.model_validate(row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except (ValueError, TypeError, ValidationError) as fault:
        remedy = f"mend or remove it ({str(fault)[:200]})"
        raise ConfigError(field="questions", value=str(path), remedy=remedy) from None


def add(home: Path, collection: str, question: str, answer: str) -> None:
    """Keep one more; one of the same words is replaced.

    Raises:
        BadRequestError: The question is blank, one of the two is too long, or there are `MOST` already.
    """
    texts = {"question": " ".join(question.split()), "answer": " ".join(answer.split())}
    if not texts["question"]:
        raise BadRequestError(field="question", value="", remedy="write what a colleague would ask")
    for name, text in texts.items():
        if len(text) > _LONGEST[name]:
            value, remedy = f"{len(text)} characters", f"at most {_LONGEST[name]}"
            raise BadRequestError(field=name, value=value, remedy=remedy)
    kept = [own for own in load(home, collection) if own.question != texts["question"]]
    if len(kept) >= MOST:
        remedy = f"remove some: at most {MOST} are kept"
        raise BadRequestError(field="question", value=f"number {len(kept) + 1}", remedy=remedy)
    _save(home, collection, [*kept, OwnQuestion(**texts)])


def remove(home: Path, collection: str, question: str) -> None:
    """Forget one; harmless where it is not there."""
    _save(home, collection, [own for own in load(home, collection) if own.question != question])


def _save(home: Path, collection: str, questions: Sequence[OwnQuestion]) -> None:
    """Whole or not at all."""
    path = _path(home, collection)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".part")
    rows = [own.model_dump() for own in questions]
    draft.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)


def _path(home: Path, collection: str) -> Path:
    return home / FOLDER / Path(collection).name / _FILE


def _folded(text: str) -> str:
    return "".join(normalize(text).casefold().split())
