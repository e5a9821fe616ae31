"""Make a follow-up question stand alone before it is searched for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant import prompts
from assistant.evidence.words import is_chinese, terms
from assistant.schema import Message, Sampling
from assistant.tools.reader import Reader

_OPENS = re.compile(
    r"^\s*(?:and\b|but\b|so\b|also\b|or\b|then\b|what about|how about|what if|why(?: not)?\s*\?|how so|"
    r"really|那么?|还有|另外|如果是|换成|为什么[？?]?$|然后|接着|再|以及|其中)",
    re.I,
)
_REFERS = re.compile(
    r"\b(?:it|its|they|them|their|that|those|these|this|he|she|his|her|him|one|ones|there|same|else|former|latter|"
    r"both|either|another|other)\b"
    r"|它|他们?|她们?|这个|那个|这些|那些|这样|那样|这里|那里|上述|刚才|前面|前者|后者|此|呢[？?]?$",
    re.I,
)
_SELF_CONTAINED = 4
"""Content words from which a question without a pronoun is taken to stand alone."""
_REMEMBERED = 2
"""Earlier questions whose words are added where the model cannot rewrite."""
_SHOWN = 4
"""Earlier messages that the reader is shown."""
_MESSAGE = 400
"""Characters of each; what a question refers to stands at the beginning of an answer."""
_TOKENS = 64
"""Most tokens of a rewriting."""


def is_followup(question: str) -> bool:
    """True when the question leans on what was said before."""
    count = len(set(terms(question)))
    return _leans(question) or bool(_REFERS.search(question) and count < 2 * _SELF_CONTAINED)


def _leans(question: str) -> bool:
    """It cannot be understood alone: "and from abroad?"."""
    return bool(_OPENS.search(question)) or len(set(terms(question))) < 2


def may_be_followup(question: str) -> bool:
    """True unless the question surely stands alone: it names enough, and points at nothing."""
    enough = 6 if is_chinese(question) else _SELF_CONTAINED  # pairs of characters overlap
    return is_followup(question) or len(set(terms(question))) < enough


def standalone(reader: Reader, history: Sequence[Message], question: str) -> str:
    """What to search for.

    Args:
        reader: Rewrites what may lean on the conversation; of one that does not write, the words of the last
            questions go before the new one.
        history: Earlier turns, oldest first.
        question: The new message.

    Returns:
        The question itself where it stands alone, else its rewriting.
    """
    asked = [message.text for message in history if message.role == "user"]
    if not asked or not may_be_followup(question):
        return question
    if not reader.writes:
        return _with_words(asked, question) if is_followup(question) else question
    rewritten = _rewritten(reader, history, question)
    if _sound(rewritten, history, question):
        return rewritten
    return _with_words(asked, question) if is_followup(question) else question


def _with_words(asked: Sequence[str], question: str) -> str:
    """The last question that stands alone and those after it, then the new one."""
    kept: list[str] = []
    for text in reversed(asked[-_REMEMBERED:]):
        kept.insert(0, text.strip())
        if not is_followup(text):
            break
    return " ".join([*kept, question.strip()])


def _rewritten(reader: Reader, history: Sequence[Message], question: str) -> str:
    shown = [Message(message.role, message.text[:_MESSAGE]) for message in history[-_SHOWN:]]
    messages = prompts.rewrite(shown, question.strip(), "zh" if is_chinese(question) else "en")
    if not reader.fits(messages, _TOKENS):
        return ""
    return reader.write(messages, Sampling(max_new_tokens=_TOKENS, stop=("\n",))).strip(" \"'“”")


def _sound(rewritten: str, history: Sequence[Message], question: str) -> bool:
    """A rewriting speaks of the conversation alone and keeps the question, most of one that leans on it."""
    own, new = set(terms(question)), set(terms(rewritten))
    said = own.union(*(terms(message.text) for message in history))
    lost = len(own - new)
    kept = lost <= len(own) / 2 if is_followup(question) else not lost
    if _leans(question) and new <= own:  # it was left as it is
        return False
    return bool(new) and kept and len(new - said) <= 1 and len(rewritten) < len(question) + 240
