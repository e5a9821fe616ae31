"""What kind of message is it? About the documents, small talk, about the assistant, or a task."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from functools import cache
from importlib import resources
from statistics import fmean

from assistant.evidence.identifiers import codes
from assistant.evidence.relevance import Similarity
from assistant.evidence.words import is_chinese
from assistant.schema import Language


class Kind(StrEnum):
    """What a message wants."""

    DOCUMENTS = "documents"
    """Something that documents could hold."""
    SMALL_TALK = "small_talk"
    ASSISTANT = "assistant"
    """Who it is, what it can do."""
    LIBRARY = "library"
    """Which documents there are."""
    TASK = "task"
    """Work on a named document or on the last answer."""


_CERTAIN = re.compile(
    r"(?:hi|hello|hey|good (?:morning|afternoon|evening)|bye|goodbye|ok(?:ay)?|great|perfect|cool"
    r"|(?:ok(?:ay)?|great|perfect)?[,!. ]*"
    r"(?:many )?(?:thanks|thank you|thx|cheers)(?: a lot| so much| very much)?"
    r"|你好[啊呀]?|您好|嗨|哈喽|(?:早上|上午|下午|晚上)好|再见|拜拜|好的?|嗯+|知道了|明白了?"
    r"|(?:好的?|嗯)?[,， ]*(?:多谢|谢谢|感谢)(?:你|您|啦|了)?)"
)
"""Small talk of which there is no doubt, whatever the embedder."""
_LONGEST = 120
"""Characters from which a message is about the documents."""
_NEAREST = 3
"""Examples of a kind that a message is held against."""


def answer_language(text: str) -> Language:
    """The language that a message is answered in."""
    return "zh" if is_chinese(text) else "en"


@cache
def examples() -> dict[Kind, tuple[str, ...]]:
    """What people type, by what they want, in both languages."""
    text = (resources.files("assistant.tools") / "messages.json").read_text(encoding="utf-8")
    return {Kind(kind): tuple(messages) for kind, messages in json.loads(text).items()}


def kind_of(message: str, similarity: Similarity, margin: float) -> Kind:
    """Tell what a message wants, by the examples that it is nearest to.

    A small reader's own likelihoods were tried and tell less: of 94 messages the 1.5B took a quarter of the
    plain questions for something else.

    Args:
        message: The new message.
        similarity: The embedder's.
        margin: Cosine by which another kind must be nearer than questions before it is believed.
    """
    text = message.strip().strip("!！.。?？~～,， ").casefold()
    if text and _CERTAIN.fullmatch(text):
        return Kind.SMALL_TALK
    if not text or len(message) > _LONGEST or codes(message):
        return Kind.DOCUMENTS
    near = _nearness(message, similarity)
    best = max((kind for kind in near if kind is not Kind.DOCUMENTS), key=lambda kind: near[kind])
    return best if near[best] > near[Kind.DOCUMENTS] + margin else Kind.DOCUMENTS


def _nearness(message: str, similarity: Similarity) -> dict[Kind, float]:
    """Of each kind the mean cosine of its nearest examples."""
    known = examples()
    (cosines,) = similarity([message], [text for texts in known.values() for text in texts])
    found = iter(cosines)
    own = {kind: sorted((next(found) for _ in texts), reverse=True) for kind, texts in known.items()}
    return {kind: fmean(values[:_NEAREST]) for kind, values in own.items()}
