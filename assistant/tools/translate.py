"""Translate a text between English and Chinese, sentence by sentence, and check each beside its source.

Numbers, the terms of a glossary and Markdown must come out as they went in. A sentence that fails a check is
translated once more, with what went wrong in the request; what still fails is told, never hidden.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from collections.abc import Generator as PythonGenerator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate

from assistant import prompts
from assistant.engine.protocol import Generator
from assistant.errors import BadRequestError, ContextOverflowError, EmptyInputError, TooLargeError
from assistant.evidence import parallel
from assistant.evidence.languages import language_of
from assistant.evidence.sentences import split
from assistant.evidence.words import han_share, is_chinese
from assistant.schema import (
    Delta,
    Doubt,
    Finish,
    Language,
    Message,
    Sampling,
    TranslatedSentence,
    Translation,
    TranslationProgress,
)
from assistant.tools import glossary, layout
from assistant.tools.cutting import pieces
from assistant.tools.glossary import Glossary
from assistant.tools.lanes import patiently, together

TranslationEvent = TranslationProgress | Delta | Translation

CHARACTERS = 100_000
"""Longest text: some hours of the embedded model's work on two cores."""
LANGUAGES = ("en", "zh")
LANES = 3
"""Paragraphs translated at once; one less than a user may have running, so that a chat goes on beside it."""
_ROOM = 400
"""Most tokens translated in one call; hardly a sentence is longer."""
_LEAST_ROOM = 16
_SHORT = 0.3
"""Tokens of a translation over those of its source below which something was left out."""
_FEW = 20
"""Tokens up to which that share says nothing."""
_NAMES = 4
"""Words of a name, a title or a command, which may stay as they are."""
_WAIT_S = 600.0
"""Seconds that a sentence may wait in line: nobody sits and waits for the first word of a long text."""
_QUOTES = {"“": "”", '"': '"', "「": "」"}


@dataclass(frozen=True, slots=True)
class _Task:
    """What is wanted, who does it, and what was translated already."""

    generator: Generator
    target: Language
    glossary: Glossary
    adapter: str | None
    user: str
    known: dict[str, TranslatedSentence] = field(default_factory=dict)
    """By source: a table says the same in many cells."""

    @property
    def room(self) -> int:
        """Most tokens of one sentence: it, the one before with its translation, and the reply must fit."""
        frame = 2 * self.generator.count(prompts.translation("", self.target))
        return min(_ROOM, (self.generator.window - frame) // 8)

    def size(self, text: str) -> int:
        """Tokens of a text; of one that is a single endless word more, so that it is cut."""
        return max(self.generator.count_text(text), len(text) // 8)


def translate(
    text: str,
    generator: Generator,
    *,
    target: Language | None = None,
    terms: Mapping[str, str] | None = None,
    adapter: str | None = None,
    user: str = "",
) -> Iterator[TranslationEvent]:
    """Translate a text between English and Chinese.

    Args:
        text: Plain or Markdown, up to ``CHARACTERS``.
        generator: The model.
        target: The language to write; the one that the text is not in, where not given.
        terms: A glossary: terms with their translations, in either direction.
        adapter: Adapter to use.
        user: Whose request this is.

    Yields:
        Progress for every sentence, with it; empty deltas as heartbeats; at last the `Translation`.

    Raises:
        EmptyInputError: The text holds nothing.
        TooLargeError: The text, the glossary or a term is too long.
        BadRequestError: The text is in another language, or in the target's already.
        ContextOverflowError: The model's window is too small for any sentence.
        QueueFullError, TooManyRequestsError: The line is full at the start, or for very long later.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    wanted = _direction(text, target)
    task = _Task(generator, wanted, Glossary.towards(wanted, terms or {}), adapter, user)
    if task.room < _LEAST_ROOM:
        needed = generator.window + 8 * (_LEAST_ROOM - task.room)
        raise ContextOverflowError(needed=needed, limit=generator.window)
    units = layout.units(text)
    parts = {unit.text: _sentences(unit.text, task) for unit in units}
    if all(_is_done(sentence, wanted) for part in parts.values() for sentence in part):
        raise BadRequestError(
            field="target", value=repr(wanted), remedy="the text is in this language already"
        )
    translated = yield from _all(parts, task)
    rows = [translated[unit.text] for unit in units]
    whole = layout.put(text, units, [_joined(row, wanted) for row in rows])
    yield Translation(whole, wanted, tuple(one for row in rows for one in row))


def _all(
    parts: Mapping[str, list[str]], task: _Task
) -> PythonGenerator[TranslationEvent, None, dict[str, list[TranslatedSentence]]]:
    """Translate the units, several at once; one that comes again is translated once."""
    total, done = sum(map(len, parts.values())), set[int]()
    firsts = dict(zip(parts, accumulate(map(len, parts.values()), initial=0), strict=False))
    work = {unit: partial(_unit, part, firsts[unit], task) for unit, part in parts.items()}
    yield TranslationProgress(0, total)
    with closing(together(work, LANES)) as lanes:
        while True:
            try:
                event = next(lanes)
            except StopIteration as end:
                return dict(end.value)
            if isinstance(event, Delta):
                yield event
            elif event[0] not in done:  # a paragraph that begins anew tells its first sentences again
                done.add(event[0])
                yield TranslationProgress(len(done), total, *event)


def _unit(
    part: list[str], first: int, task: _Task
) -> PythonGenerator[Delta | tuple[int, TranslatedSentence], None, list[TranslatedSentence]]:
    """The sentences of a unit in order, each with the one before in view."""
    rows: list[TranslatedSentence] = []
    before: tuple[str, str] | None = None
    for place, sentence in enumerate(part, first):
        one = yield from _translated(sentence, task, before)
        before = None if _is_kept(one) else (one.source, one.text)
        rows.append(one)
        yield place, one
    return rows


def _direction(text: str, target: Language | None) -> Language:
    if not any(map(str.isalpha, text)):
        raise EmptyInputError(field="text", remedy="paste a text or choose a document")
    if len(text) > CHARACTERS:
        raise TooLargeError(
            field="text", value=f"{len(text):,} characters", limit=f"{CHARACTERS:,}", remedy="split it"
        )
    if target not in (None, *LANGUAGES):
        raise BadRequestError(field="target", value=repr(target), remedy="use one of en, zh")
    found = language_of(text)
    if found is None:
        raise BadRequestError(
            field="text", value="its language", remedy="texts in English and Chinese are translated"
        )
    return target or ("en" if found == "zh" else "zh")


def _is_done(words: str, target: Language) -> bool:
    """Nothing in it is to be translated: it has no words, or is in the target's language."""
    if not layout.has_words(words):
        return True
    return is_chinese(words) if target == "zh" else han_share(words) == 0


def _sentences(unit: str, task: _Task) -> list[str]:
    """The sentences of a unit; one that is too long for a call is cut."""
    found = [unit[start:end] for start, end in split(unit)]
    return [
        sentence[start:end].strip()
        for sentence in found
        for start, end in pieces(sentence, task.size, task.room)
    ]


def _joined(part: list[TranslatedSentence], target: Language) -> str:
    return ("" if target == "zh" else " ").join(one.text for one in part)


def _is_kept(one: TranslatedSentence) -> bool:
    return any(doubt.kind == "kept" for doubt in one.doubts)


def _translated(
    sentence: str, task: _Task, before: tuple[str, str] | None
) -> PythonGenerator[Delta, None, TranslatedSentence]:
    """One sentence, tried twice at most, then piece by piece where its Markdown did not come through."""
    if _is_done(sentence, task.target):
        return TranslatedSentence(sentence, sentence)
    if sentence not in task.known:
        first = yield from _first(sentence, task, before)
        best = first
        if first.doubts:
            again = yield from _again(sentence, task, first)
            best = min(first, again, key=_weight)
        if not _same_markup(best):
            best = yield from _around_markup(sentence, task)
        task.known[sentence] = best
    return task.known[sentence]


def _first(
    sentence: str, task: _Task, before: tuple[str, str] | None
) -> PythonGenerator[Delta, None, TranslatedSentence]:
    terms = task.glossary.within(sentence)
    return (
        yield from _try(
            sentence, task, prompts.translation(sentence, task.target, before=before, terms=terms)
        )
    )


def _again(
    sentence: str, task: _Task, first: TranslatedSentence
) -> PythonGenerator[Delta, None, TranslatedSentence]:
    """With the numbers that were lost named, the terms already in their places, and nothing before it."""
    numbers = [doubt.value for doubt in first.doubts if doubt.kind == "number"]
    terms = task.glossary.within(sentence)
    lost = {term: other for term, other in terms.items() if Doubt("term", other) in first.doubts}
    asked = prompts.translation(glossary.put_in(lost, sentence), task.target, terms=terms, numbers=numbers)
    return (yield from _try(sentence, task, asked))


def _try(
    sentence: str, task: _Task, messages: list[Message]
) -> PythonGenerator[Delta, None, TranslatedSentence]:
    """Ask once, and check."""
    most = 2 * task.generator.count_text(sentence) + 32
    written, whole = [], True
    sampling = Sampling(max_new_tokens=most, first_token_s=_WAIT_S)
    begin = partial(task.generator.stream, messages, sampling, adapter=task.adapter, user=task.user)
    # Refused at the start, it can be asked for again; later everything before would be lost.
    with closing(patiently(begin, _WAIT_S if task.known else 0)) as stream:
        for delta in stream:
            written.append(delta.text)
            whole = whole and delta.finish in (None, Finish.STOP)
            yield replace(delta, text="")
    text = _tidy("".join(written), sentence)
    if not whole or not _is_usable(text, sentence, task.target):
        return TranslatedSentence(sentence, sentence, (Doubt("kept"),))
    return TranslatedSentence(sentence, text, tuple(_doubts(sentence, text, task)))


def _tidy(written: str, sentence: str) -> str:
    """One line, without the quotes that models put around what they were given."""
    text = written.strip().partition("\n")[0].strip()
    if len(text) > 1 and sentence[:1] not in _QUOTES and _QUOTES.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    return text


def _is_usable(text: str, sentence: str, target: Language) -> bool:
    """Whether it is in the language that was asked for; names and commands may stay as they are."""
    if not text:
        return False
    if target == "en":
        return not is_chinese(text)
    is_name = len(sentence.split()) <= _NAMES and sentence[-1] not in ".!?"
    return is_chinese(text) or (text == sentence and is_name)


def _doubts(sentence: str, text: str, task: _Task) -> Iterator[Doubt]:
    for number in parallel.lost(sentence, text):
        yield Doubt("number", number)
    for number in parallel.lost(text, sentence):
        yield Doubt("added", number)
    for other in glossary.missing(task.glossary.within(sentence), text):
        yield Doubt("term", other)
    if task.target == "en" and han_share(_without(task.glossary.within(sentence).values(), text)):
        yield Doubt("mixed")
    size = task.generator.count_text(sentence)
    if size > _FEW and task.generator.count_text(text) < _SHORT * size:
        yield Doubt("short")


def _without(terms: Collection[str], text: str) -> str:
    for term in terms:
        text = text.replace(term, "")
    return text


def _weight(one: TranslatedSentence) -> tuple[bool, bool, int]:
    return _is_kept(one), not _same_markup(one), len(one.doubts)


def _same_markup(one: TranslatedSentence) -> bool:
    return layout.markup(one.source) == layout.markup(one.text)


def _around_markup(sentence: str, task: _Task) -> PythonGenerator[Delta, None, TranslatedSentence]:
    """Translate only what stands between the marks: stiffer, but every mark is in its place."""
    parts: list[str] = []
    doubts: list[Doubt] = []
    for piece, said in layout.cut_at_markup(sentence):
        words = piece.strip()
        if not said or _is_done(words, task.target):
            parts.append(piece)
            continue
        one = yield from _first(words, task, None)
        head, tail = piece[: len(piece) - len(piece.lstrip())], piece[len(piece.rstrip()) :]
        parts += [head, one.text if layout.markup(one.text) == layout.markup(words) else words, tail]
        doubts += one.doubts
    return TranslatedSentence(sentence, "".join(parts), tuple(dict.fromkeys(doubts)))
