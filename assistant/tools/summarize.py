"""Summarize a text of any length: read every piece once, join what was written, again until it fits.

Each sentence of the result is checked against the text and linked to where it came from. What the text does
not support is taken out and replaced with the text's own central sentences, so no number is ever made up.
"""

from __future__ import annotations

import re
from collections.abc import Generator as PythonGenerator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import get_args

from assistant import prompts
from assistant.errors import (
    BadRequestError,
    ContextOverflowError,
    DeadlineError,
    EmptyInputError,
    EngineError,
    SummaryRoundsError,
    YoujuError,
)
from assistant.evidence import attribution, verdicts
from assistant.evidence.sentences import split
from assistant.evidence.words import is_chinese
from assistant.prompts import Form, Length
from assistant.schema import (
    Delta,
    Finish,
    Language,
    Message,
    Sampling,
    Source,
    Summary,
    SummaryProgress,
    SummarySentence,
    Verdict,
)
from assistant.tools.cutting import pieces
from assistant.tools.extracting import central
from assistant.tools.reader import Reader

SummaryEvent = SummaryProgress | Delta | Summary

MAX_ROUNDS = 6
"""A round leaves at most a third of the text, so six are enough for hundreds of windows."""
_SENTENCES: dict[Length, tuple[int, int]] = {"sentence": (1, 1), "paragraph": (3, 5), "page": (8, 15)}
"""Fewest and most sentences of each length."""
_TOKENS: dict[Length, int] = {"sentence": 80, "paragraph": 200, "page": 640}
_LEAST_ROOM = 64
"""Tokens of text beside the prompt without which no piece is worth reading."""
_WRONG = {Verdict.CONTRADICTED, Verdict.NO_SOURCE}
_BULLET = re.compile(r"^\s*(?:[-*•·]|\d{1,2}[.)、])\s*")


@dataclass(frozen=True, slots=True)
class _Task:
    """What is wanted, and who does it."""

    reader: Reader
    length: Length
    form: Form
    language: Language
    spent: list[tuple[int, int]] = field(default_factory=list)
    """Of each call, the tokens read and written."""

    @property
    def reply(self) -> int:
        """Most tokens of the result."""
        return min(_TOKENS[self.length], self.reader.model.window // 4)

    @property
    def room(self) -> int:
        """Most tokens of text in one call."""
        frame = self.reader.model.count(prompts.summary("", self.length, self.form, self.language))
        return self.reader.model.window - max(self.reply, self.note) - frame - 8

    @property
    def note(self) -> int:
        """Most tokens written about one of many pieces."""
        return min(_TOKENS["paragraph"], self.reader.model.window // 8)


def summarize(
    text: str,
    reader: Reader,
    *,
    length: Length = "paragraph",
    form: Form = "prose",
    language: Language | None = None,
) -> Iterator[SummaryEvent]:
    """Summarize a text.

    Args:
        text: Of any length.
        reader: Writes it; in a language that it does not, the text's own central sentences stand in.
        length: A sentence, a paragraph (3-5 sentences) or a page (8-15).
        form: Prose, or bullets.
        language: To write in; that of the text where not given.

    Yields:
        Progress for every piece, deltas of the last round, at last the `Summary`.

    Raises:
        EmptyInputError: The text holds nothing.
        BadRequestError: ``length`` or ``form`` is none of those named above.
        ContextOverflowError: The model's window is too small for any piece.
        SummaryRoundsError: The model's summaries do not get shorter.
        DeadlineError, EngineError: A call was cut off in the middle.
    """
    _require(text, length, form)
    task = _Task(reader, length, form, language or ("zh" if is_chinese(text) else "en"))
    draft, cut, rounds = "", 1, 1
    if task.language in reader.languages:
        draft, cut, rounds = yield from _written(text, task)
    else:
        yield SummaryProgress(1, 1, 1)
    yield _checked(draft, text, task, cut, rounds)


def as_long_as(summaries: Sequence[str]) -> Length:
    """The length to ask for where a summary is held against these: the shortest that fits the longest."""
    longest = max(len(split(summary)) for summary in summaries)
    return next((length for length, (_, most) in _SENTENCES.items() if longest <= most), "page")


def _require(text: str, length: str, form: str) -> None:
    if not text.strip():
        raise EmptyInputError(field="text", remedy="paste a text or choose a document")
    for name, value, known in (("length", length, get_args(Length)), ("form", form, get_args(Form))):
        if value not in known:
            raise BadRequestError(field=name, value=repr(value), remedy=f"use one of {', '.join(known)}")


def _written(text: str, task: _Task) -> PythonGenerator[SummaryEvent, None, tuple[str, int, int]]:
    """Map, then reduce until one; returns the draft, the pieces of the text, and the rounds."""
    if task.room < _LEAST_ROOM:
        needed = task.reader.model.window - task.room + _LEAST_ROOM
        raise ContextOverflowError(needed=needed, limit=task.reader.model.window)
    cut = 0
    for number in range(1, MAX_ROUNDS + 1):
        spans = pieces(text, task.reader.model.count_text, task.room)
        cut = cut or len(spans)
        if len(spans) == 1:
            yield SummaryProgress(0, 1, number)
            draft = yield from _write(task, text, last=True)
            yield SummaryProgress(1, 1, number)
            return draft, cut, number
        text = yield from _notes(task, text, spans, number)
    raise SummaryRoundsError(value=task.reader.model.count_text(text), rounds=MAX_ROUNDS, limit=task.room)


def _notes(
    task: _Task, text: str, spans: list[tuple[int, int]], number: int
) -> PythonGenerator[SummaryEvent, None, str]:
    """One round: what the model wrote of each piece, unsupported sentences taken out."""
    notes: list[str] = []
    for done, (start, end) in enumerate(spans):
        yield SummaryProgress(done, len(spans), number)
        piece = text[start:end]
        written = yield from _write(task, piece, last=False)
        kept = [
            sentence for sentence in _sentences(written) if verdicts.check(sentence, [piece])[0] not in _WRONG
        ]
        notes.append("\n".join(kept or [piece[slice(*span)] for span in central(piece, 2)]))
    yield SummaryProgress(len(spans), len(spans), number)
    return "\n\n".join(notes)


def _write(task: _Task, text: str, *, last: bool) -> PythonGenerator[SummaryEvent, None, str]:
    """One call. Only the last round's words are shown; before it the deltas are empty heartbeats."""
    messages: list[Message] = prompts.summary(
        text, task.length if last else "paragraph", task.form if last else "prose", task.language
    )
    sampling = Sampling(max_new_tokens=task.reply if last else task.note)
    written: list[str] = []
    tokens = 0
    for delta in task.reader.stream(messages, sampling):
        written.append(delta.text)
        tokens = max(tokens, delta.tokens)
        if fault := _broken_off(delta.finish, sampling):
            raise fault  # half a note would pass for a whole one
        yield delta if last else Delta("", queue_position=delta.queue_position)
    task.spent.append((task.reader.model.count(messages), tokens))
    return "".join(written)


def _broken_off(finish: Finish | None, sampling: Sampling) -> YoujuError | None:
    """Why a call did not end by itself, if it did not."""
    if finish is Finish.TIMEOUT:
        remedy = "try again later, or with a shorter text"
        return DeadlineError(limit=sampling.total_s, stage="whole answer", remedy=remedy)
    if finish is Finish.ERROR:
        return EngineError(reason="it stopped in the middle", remedy="try again")
    return None


def _checked(draft: str, text: str, task: _Task, cut: int, rounds: int) -> Summary:
    """Keep what the text supports, fill up with its own sentences, and write it in the wanted form."""
    fewest, most = _SENTENCES[task.length]
    own = [_trace(sentence, text) for sentence in _sentences(draft)]
    kept = [sentence for sentence in own if sentence.verdict not in _WRONG][:most]
    missing = fewest - len(kept)
    if missing > 0:
        known = [sentence.text for sentence in kept]
        kept += [_quoted(span, text) for span in central(text, missing, known)]
        kept.sort(key=lambda sentence: sentence.sources[0].start if sentence.sources else 0)
    read, wrote = (sum(tokens) for tokens in zip(*task.spent, strict=True)) if task.spent else (0, 0)
    text = _join([sentence.text for sentence in kept], task)
    return Summary(text, tuple(kept), cut, rounds, tokens=wrote, prompt_tokens=read)


def _sentences(text: str) -> list[str]:
    """Sentences without bullets, each once; no headings, and not a last one that was cut off."""
    found = [_BULLET.sub("", text[start:end]).strip() for start, end in split(text)]
    if len(found) > 1 and found[-1][-1:] not in '.!?。！？”"' and not _BULLET.match(text.splitlines()[-1]):
        found.pop()
    return [one for one in dict.fromkeys(found) if one and one[-1] not in ":：" and not one.startswith("#")]


def _trace(sentence: str, text: str) -> SummarySentence:
    sources = attribution.sources(sentence, text)
    together = "\n".join(text[source.start : source.end] for source in sources)
    verdict, _ = verdicts.check(sentence, [together] if together else [])
    return SummarySentence(sentence, sources, verdict)


def _quoted(span: tuple[int, int], text: str) -> SummarySentence:
    words = " ".join(_BULLET.sub("", text[slice(*span)]).split())
    return SummarySentence(words, (Source(*span, 1.0),), Verdict.SUPPORTED, quoted=True)


def _join(sentences: list[str], task: _Task) -> str:
    if task.form == "bullets":
        return "\n".join(f"- {sentence}" for sentence in sentences)
    return ("" if task.language == "zh" else " ").join(sentences)
