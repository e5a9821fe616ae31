"""Sentiment from the likelihood of three replies: corrected for the model's prior, then calibrated.

A chat model favours one label before it has read anything. What it says about balanced texts that are not
judged here (`sentiment_scale`) is that prior; the distance from it, in their spread, is the evidence.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.engine.protocol import Generator
from assistant.errors import EmptyInputError
from assistant.evidence.words import is_chinese
from assistant.schema import Language, Sentiment, SentimentRow
from assistant.tools import wording
from assistant.tools.cutting import pieces
from assistant.tools.sentiment_scale import AS_IT_STANDS, Reading, Scale, read, scale_of

UNSURE_BELOW = 0.5
"""The best label's probability under which it is not said in words."""
_PIECE = 256
"""Tokens judged at once; longer texts are averaged over pieces."""


def judge(
    text: str,
    generator: Generator,
    *,
    explain: bool = False,
    adapter: str | None = None,
    trained: bool = False,
) -> Sentiment:
    """Judge one text.

    Args:
        text: English or Chinese, of any length; pieces of a long one count by their tokens.
        generator: The model; its replies are scored, nothing is generated.
        explain: Also weigh each word, by judging the text again without it.
        adapter: Adapter to use.
        trained: It learnt the replies: nothing is corrected.

    Raises:
        EmptyInputError: There is nothing to judge.
    """
    if not any(character.isalnum() for character in text):
        raise EmptyInputError(field="text", remedy="write a sentence to judge")
    language: Language = "zh" if is_chinese(text) else "en"
    scale = AS_IT_STANDS if trained else scale_of(generator, language, adapter)
    reader = _Reader(generator, scale, adapter)
    spans = pieces(text, generator.count_text, min(_PIECE, generator.window // 2))
    parts = [text[start:end] for start, end in spans if text[start:end].strip()]
    readings = reader(parts)
    sizes = [float(generator.count_text(part)) for part in parts]
    shares = [reader.scale.probabilities(reading) for reading in readings]
    mean = [
        sum(size * share[i] for size, share in zip(sizes, shares, strict=True)) / sum(sizes) for i in range(3)
    ]
    words: list[tuple[str, float]] = []
    if explain:
        for part, reading in zip(parts, readings, strict=True):
            words += _weigh(part, reading, reader)
    return Sentiment(mean[0], mean[1], mean[2], max(mean) < UNSURE_BELOW, tuple(words))


def judge_many(
    texts: Sequence[str],
    generator: Generator,
    *,
    explain: bool = False,
    adapter: str | None = None,
    trained: bool = False,
) -> Iterator[Sentiment]:
    """Judge texts one by one, in order; the first that cannot be judged ends it with its error."""
    for text in texts:
        yield judge(text, generator, explain=explain, adapter=adapter, trained=trained)


def judge_rows(
    texts: Sequence[str], generator: Generator, *, adapter: str | None = None, trained: bool = False
) -> Iterator[SentimentRow]:
    """Judge the rows of a table, in order; one that cannot be judged is recorded with its error."""
    for number, text in enumerate(texts, 1):
        try:
            yield SentimentRow(number, text, judge(text, generator, adapter=adapter, trained=trained))
        except EmptyInputError as fault:
            yield SentimentRow(number, text, None, str(fault))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads texts of one language with one model."""

    generator: Generator
    scale: Scale
    adapter: str | None

    def __call__(self, texts: Sequence[str]) -> list[Reading]:
        return read(texts, self.generator, self.adapter)


def _weigh(text: str, whole: Reading, reader: _Reader) -> Iterator[tuple[str, float]]:
    """Every part of the text in order: words with what they add to the sentiment, the rest with 0."""
    spans = list(wording.parts(text))
    without = {
        (start, end): text[:start] + text[end:]
        for start, end, is_word in spans
        if is_word and any(character.isalnum() for character in text[:start] + text[end:])
    }
    read_again = dict(zip(without, reader(list(without.values())), strict=True)) if without else {}
    for start, end, _ in spans:
        other = read_again.get((start, end))
        lost = reader.scale.lean(whole) - reader.scale.lean(other) if other else 0.0
        yield text[start:end], round(math.tanh(lost), 4)
