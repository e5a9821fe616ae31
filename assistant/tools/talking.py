"""Messages about no document: greetings, thanks, the assistant itself, and which documents there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assistant import prompts
from assistant.request import Request
from assistant.schema import Answer, Delta, Finish, Language, TurnEvent
from assistant.tools import chat
from assistant.tools.messages import Kind, answer_language
from assistant.tools.reader import Reader
from assistant.tools.sources import Title

_REMEMBERED = 4
"""Earlier messages that the reader sees: thanks are for something."""
_LISTED = 30
"""Documents named in a list of them."""


def reply(reader: Reader, request: Request, kind: Kind, titles: Sequence[Title]) -> Iterator[TurnEvent]:
    """Reply as a person would; facts about the library are never left to the model.

    Args:
        reader: Writes, if it can; else a sentence of ours stands in.
        request: The message with its conversation.
        kind: What it wants: ``SMALL_TALK``, ``ASSISTANT`` or ``LIBRARY``.
        titles: The documents in scope.
    """
    language = answer_language(request.question)
    if kind is Kind.LIBRARY:
        return said(library(titles, language))
    if not reader.writes:
        return said(prompts.GREETING[language] if kind is Kind.SMALL_TALK else prompts.ABOUT[language])
    names = [title.title for title in titles]
    past = request.history[-_REMEMBERED:]
    messages = prompts.small_talk(past, request.question, names, language, request.system)
    return chat.written(reader, messages, request.sampling)


def said(text: str) -> Iterator[TurnEvent]:
    """Words of our own as a turn."""
    yield Delta(text, finish=Finish.STOP)
    yield Answer(text=text, finish=Finish.STOP)


def library(titles: Sequence[Title], language: Language) -> str:
    """Which documents there are, or how to add some."""
    if not titles:
        return prompts.EMPTY_LIBRARY[language]
    listed = "\n".join(f"- {title.title}" for title in titles[:_LISTED])
    more = len(titles) - _LISTED
    rest = "\n" + prompts.MORE_DOCUMENTS[language].format(count=more) if more > 0 else ""
    return f"{prompts.DOCUMENTS[language].format(count=len(titles))}\n\n{listed}{rest}"
