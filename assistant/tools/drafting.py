"""Questions about a collection that nobody wrote: drafted from its passages, with and without an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assistant import prompts
from assistant.evidence import identifiers
from assistant.evidence.words import is_chinese, normalize
from assistant.prompts import HELD_REPLIES
from assistant.schema import Language, Sampling
from assistant.tools.reader import Reader

PER_PASSAGE = 2
"""Questions asked for at once."""
_TOKENS = 96
_SHORTEST, _LONGEST = 4, 160
"""Characters of a question."""
_NUMBERING = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)、])\s*")
_ABOUT_THE_TEXT = re.compile(r"\b(?:text|passage|document|above)\b|上文|上面|文中|本文|这段|文字", re.I)
"""A question that points at the text stands for nothing that a colleague would ask."""


def drafted(reader: Reader, passage: str) -> list[str]:
    """Questions that a passage answers, by the reader's own word, in the passage's language.

    Args:
        reader: Drafts them, and says of each whether the passage holds its answer.
        passage: As `reading.passage` shows it.
    """
    language: Language = "zh" if is_chinese(passage) else "en"
    asked = prompts.draft(passage, PER_PASSAGE, language)
    if not reader.fits(asked, _TOKENS):
        return []
    written = reader.write(asked, Sampling(max_new_tokens=_TOKENS))
    return [question for question in _lines(written) if _answered(reader, question, passage, language)]


def _lines(written: str) -> Iterator[str]:
    said: set[str] = set()
    for line in written.splitlines()[: 2 * PER_PASSAGE]:
        question = _NUMBERING.sub("", line).strip(" \"“”'")
        sound = _SHORTEST <= len(question) <= _LONGEST and not _ABOUT_THE_TEXT.search(question)
        if sound and question.casefold() not in said:
            said.add(question.casefold())
            yield question


def _answered(reader: Reader, question: str, passage: str, language: Language) -> bool:
    asked = prompts.held(prompts.grounded(question, [passage], language))
    yes, no = reader.likelihoods(asked, HELD_REPLIES)
    return yes > no


def near_miss(question: str, own: str, others: Sequence[str]) -> tuple[str, str]:
    """The question about something else of the same kind.

    A code or name of the question gives way to one of another text that its own text does not hold. Nothing
    answers it once the documents that hold the other name are left out; what is left speaks of the same.

    Args:
        question: One that ``own`` answers.
        own: Text of its whole document.
        others: Texts to take the other one from.

    Returns:
        The changed question and the name that it has now; both empty where it names nothing, or nothing fits.
    """
    held = normalize(own).casefold()
    for name in identifiers.named(question):
        for other in (found for text in others for found in identifiers.named(text)):
            if _alike(name, other) and other.casefold() not in held:
                return question.replace(name, other, 1), other
    return "", ""


def _alike(one: str, other: str) -> bool:
    """Both are codes, or both names of the same script."""
    return _shape(one) == _shape(other) and one.casefold() != other.casefold()


def _shape(text: str) -> str:
    if any(character.isdigit() for character in text):
        return "code"
    return "name" if text.isascii() else "han"
