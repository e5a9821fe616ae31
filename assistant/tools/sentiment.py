"""Sentiment from the likelihood of three replies: corrected for the model's prior, then calibrated.

A chat model favours one label before it has read anything. What it says about balanced texts that are not
judged here (`sentiment_scale`) is that prior; the distance from it, in their spread, is the evidence.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from assistant.engine.protocol import Generator
from assistant.errors import EmptyInputError, YoujuError
from assistant.evidence.words import is_chinese
from assistant.schema import Language, Sentiment, SentimentRow
from assistant.tools import wording
from assistant.tools.cutting import pieces
from assistant.tools.sentiment_scale import Reading, Scale, read, scale_of

UNSURE_BELOW = 0.5
"""The best label's probability under which it is not said in words."""
_PIECE = 256
"""Tokens judged at once; longer texts are averaged over pieces."""


def judge(text: str, generator: Generator, *, explain: bool = False, adapter: str | None = None) -> Sentiment:
    """Judge one text.

    Args:
        text: English or Chinese, of any length; pieces of a long one count by their tokens.
        generator: The model; its replies are scored, nothing is generated.
        explain: Also weigh each word, by judging the text again without it.
        adapter: Adapter to use.

    Raises:
        EmptyInputError: There is nothing to judge.
    """
    if not any(character.isalnum() for character in text):
        raise EmptyInputError(field="text", remedy="write a sentence to judge")
    language: Language = "zh" if is_chinese(text) else "en"
    scale = scale_of(generator, language, adapter)
    spans = pieces(text, generator.count_text, min(_PIECE, generator.window // 2))
    judged = [(text[start:end], read(text[start:end], generator, language, adapter)) for start, end in spans]
    tokens = [float(generator.count_text(piece)) for piece, _ in judged]
    shares = [scale.probabilities(reading) for _, reading in judged]
    negative, neutral, positive = (
        sum(size * share[i] for size, share in zip(tokens, shares, strict=True)) / sum(tokens)
        for i in range(3)
    )
    words: tuple[tuple[str, float], ...] = ()
    if explain:
        words = tuple(
            word
            for piece, reading in judged
            for word in _weigh(piece, reading, generator, scale, language, adapter)
        )
    return Sentiment(negative, neutral, positive, max(negative, neutral, positive) < UNSURE_BELOW, words)


def judge_many(
    texts: Sequence[str], generator: Generator, *, explain: bool = False, adapter: str | None = None
) -> Iterator[Sentiment]:
    """Judge texts one by one, in order; the first that cannot be judged ends it with its error."""
    for text in texts:
        yield judge(text, generator, explain=explain, adapter=adapter)


def judge_rows(
    texts: Sequence[str], generator: Generator, *, adapter: str | None = None
) -> Iterator[SentimentRow]:
    """Judge the rows of a table, in order; one that cannot be judged is recorded with its error."""
    for number, text in enumerate(texts, 1):
        try:
            yield SentimentRow(number, text, judge(text, generator, adapter=adapter))
        except YoujuError as fault:
            yield SentimentRow(number, text, None, str(fault))


def _weigh(
    text: str, whole: Reading, generator: Generator, scale: Scale, language: Language, adapter: str | None
) -> Iterator[tuple[str, float]]:
    """Every part of the text in order, words with what they add to the sentiment, the rest with 0."""
    for start, end, is_word in wording.parts(text):
        without = text[:start] + text[end:]
        weight = 0.0
        if is_word and any(character.isalnum() for character in without):
            lost = scale.lean(whole) - scale.lean(read(without, generator, language, adapter))
            weight = math.tanh(lost)
        yield text[start:end], round(weight, 4)
