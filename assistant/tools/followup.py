"""Make a follow-up question stand alone before it is searched for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant import prompts
from assistant.engine.protocol import Generator
from assistant.evidence.words import is_chinese, terms
from assistant.schema import Language, Message, Sampling

_OPENS = re.compile(
    r"^\s*(?:and\b|but\b|so\b|also\b|or\b|then\b|what about|how about|what if|why(?: not)?\s*\?|how so|"
    r"really|那么?|还有|另外|如果是|换成|为什么[？?]?$|然后|接着|再|以及|其中)",
    re.I,
)
_REFERS = re.compile(
    r"\b(?:it|its|they|them|their|that|those|these|this|he|she|his|her|him|one|ones|there|same|else|former|latter)\b"
    r"|它|他们?|她们?|这个|那个|这些|那些|这样|那样|这里|那里|上述|刚才|前面|前者|后者|此",
    re.I,
)
_SELF_CONTAINED = 4
"""Content words from which a question without a pronoun is taken to stand alone."""
_REMEMBERED = 2
"""Earlier questions whose words are added."""


def is_followup(question: str) -> bool:
    """True when the question leans on what was said before."""
    count = len(set(terms(question)))
    return (
        bool(_OPENS.search(question))
        or count < 2
        or bool(_REFERS.search(question) and count < 2 * _SELF_CONTAINED)
    )


def standalone(
    history: Sequence[Message], question: str, generator: Generator | None = None, adapter: str | None = None
) -> str:
    """What to search for.

    Args:
        history: Earlier turns, oldest first.
        question: The new message.
        generator: A model that rewrites well; ``None`` where it is too small, then the words of the last
            questions go before the new one.
        adapter: Adapter to rewrite with.

    Returns:
        The question itself where it stands alone, else its rewriting.
    """
    asked = [message.text for message in history if message.role == "user"]
    if not asked or not is_followup(question):
        return question
    rewritten = _rewritten(history, question, generator, adapter) if generator else ""
    return rewritten if _keeps(rewritten, question) else _with_words(asked, question)


def _with_words(asked: Sequence[str], question: str) -> str:
    """The last question that stands alone and those after it, then the new one."""
    kept: list[str] = []
    for text in reversed(asked[-_REMEMBERED:]):
        kept.insert(0, text.strip())
        if not is_followup(text):
            break
    return " ".join([*kept, question.strip()])


def _rewritten(history: Sequence[Message], question: str, generator: Generator, adapter: str | None) -> str:
    language: Language = "zh" if is_chinese(question) else "en"
    messages = prompts.rewrite(history[-4:], question, language)
    if generator.count(messages) > generator.window - 96:
        return ""
    sampling = Sampling(max_new_tokens=96, stop=("\n",))
    return "".join(delta.text for delta in generator.stream(messages, sampling, adapter=adapter)).strip(
        " \"'“”"
    )


def _keeps(rewritten: str, question: str) -> bool:
    """A rewriting may add words, never lose those of the question, and stays one question."""
    return (
        bool(rewritten)
        and set(terms(question)) <= set(terms(rewritten))
        and len(rewritten) < len(question) + 240
    )
