"""Pass a model's stream on to the reader while keeping the whole of it."""

from __future__ import annotations

import re
from collections.abc import Generator as PythonGenerator
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from assistant.evidence import citing
from assistant.evidence.sentences import split
from assistant.schema import Delta, Finish, Message, Sampling, Status
from assistant.tools.reader import Reader

_ENDS = frozenset('.!?。！？]］】"”')
_NUMBERING = re.compile(r"^\s*(?:[-*•·]|\d{1,2}[.)、])\s*")


@dataclass(frozen=True, slots=True)
class Written:
    """A finished stream."""

    text: str
    finish: Finish
    tokens: int
    prompt_tokens: int = 0


def tidy(text: str, *, cut_off: bool) -> str:
    """Drop sentences said before, as small models go round in circles, and a last one that was cut off."""
    spans = split(text)
    if cut_off and len(spans) > 1 and text[spans[-1][1] - 1] not in _ENDS:
        spans.pop()
    said: set[str] = set()
    kept: list[str] = []
    at = 0
    for start, end in spans:
        words = _NUMBERING.sub("", citing.bare(text[start:end])).casefold()
        if words and words not in said:
            kept.append(text[at:end])
        said.add(words)
        at = end
    return "".join(kept).strip()


def relay(
    reader: Reader, messages: Sequence[Message], sampling: Sampling, *, shown: bool = True
) -> PythonGenerator[Status | Delta, None, Written]:
    """Yield what the model writes, and a `Status` whenever the place in line changes.

    With ``shown`` false only heartbeats come: the caller shows the words once they are known to hold.

    Returns:
        The `Written` whole, as the generator's return value (``written = yield from relay(...)``). Closing
        this generator closes the model's stream, which frees the model.
    """
    pieces: list[str] = []
    finish, tokens, position = Finish.STOP, 0, 0
    stream = reader.stream(messages, sampling)
    with closing(stream):
        for delta in stream:
            if delta.queue_position != position:
                position = delta.queue_position
                yield Status("queued", position) if position else Status("writing")
            pieces.append(delta.text)
            tokens = max(tokens, delta.tokens)
            finish = delta.finish or finish
            yield delta if shown else replace(delta, text="", finish=None)
    return Written("".join(pieces), finish, tokens, reader.model.count(messages))
