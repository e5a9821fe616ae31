"""How much of each source goes into the mixtures that our own adapters learn from, pass by pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from assistant.schema import Language


@dataclass(frozen=True, slots=True)
class Portions:
    """How much of each file goes in.

    Attributes:
        passages: Share of the passages, by language.
        sentiment: Texts by where they come from: the word in a row's id, or its language.
        summaries: Texts, by language.
        instructions: Instructions with the reply that a person wrote.
        cut: Passages stand alone, cut to the sentences that share most with the question: about what a
            reader is shown (`tools.reading`).
        manuals: Languages in which our own questions about rules, manuals and letters go in: who learns from
            articles alone refuses too much of such texts.
        formats: Forms that each English request of the chats is asked for besides (`formats.asked`).
        questions: Our own questions go in, in every form that a reader is asked in (`questions.own`).
        spans: Questions about passages whose answers are spans, by language: told and judged, not written.
        statements: Sentences judged by a passage, by where they come from: the word that an id begins with.
        rewrites: Follow-ups that people rewrote.
    """

    passages: Mapping[Language, float]
    sentiment: Mapping[str, int]
    summaries: Mapping[Language, int]
    instructions: int = 0
    cut: bool = False
    manuals: tuple[Language, ...] = ()
    formats: int = 0
    questions: bool = False
    spans: Mapping[Language, int] = field(default_factory=dict)
    statements: Mapping[str, int] = field(default_factory=dict)
    rewrites: int = 0


ENGLISH = Portions(
    passages={"en": 0.85},
    sentiment={
        "movieReviewSnippets": 5800, "tweets": 900, "amazonReviewSnippets": 400, "nytEditorialSnippets": 200,
    },
    summaries={"en": 150},
)  # fmt: skip
SECOND = Portions(
    passages={"en": 0.85},  # those of ENGLISH, so that what that one holds out stays unseen
    sentiment={"movieReviewSnippets": 6600, "tweets": 900, "amazonReviewSnippets": 300},
    summaries={"en": 50},
    cut=True,
)
THIRD = Portions(
    passages={"en": 0.2},
    sentiment={"movieReviewSnippets": 700, "tweets": 80},
    summaries={"en": 30},
    cut=True,
    manuals=("en",),
)
FOURTH = Portions(
    passages={"en": 0.1},
    sentiment={"movieReviewSnippets": 300, "tweets": 60},
    summaries={"en": 20},
    instructions=252,
    cut=True,
    manuals=("en",),
    formats=3,
)
FIFTH = Portions(
    passages={"en": 0.03},
    sentiment={"movieReviewSnippets": 1000, "tweets": 150},
    summaries={"en": 10},
    instructions=60,
    cut=True,
    formats=1,
)
BILINGUAL = Portions(
    passages={"en": 0.08, "zh": 0.25},
    sentiment={"movieReviewSnippets": 1600, "tweets": 300, "zh": 4600},
    summaries={"en": 50, "zh": 300},
    instructions=252,
)
BILINGUAL_SECOND = Portions(
    passages={"en": 0.3, "zh": 0.1},
    sentiment={"movieReviewSnippets": 1000, "tweets": 300, "zh": 800},
    summaries={"en": 50, "zh": 100},
    instructions=252,
    cut=True,
)
BILINGUAL_THIRD = Portions(
    passages={"en": 0.3, "zh": 0.2},
    sentiment={"movieReviewSnippets": 1600, "tweets": 300, "zh": 6000},
    summaries={"en": 30, "zh": 50},
    instructions=252,
    cut=True,
)
BILINGUAL_FOURTH = Portions(
    passages={"en": 0.15, "zh": 0.3},
    sentiment={"movieReviewSnippets": 600, "tweets": 80, "zh": 1200},
    summaries={"en": 20, "zh": 40},
    instructions=252,
    cut=True,
    manuals=("en", "zh"),
)
READER = Portions(
    passages={},
    sentiment={"movieReviewSnippets": 60, "tweets": 40, "zh": 60},
    summaries={"en": 12, "zh": 12},
    questions=True,
    spans={"en": 120, "zh": 50},
    statements={"begin": 200, "wice": 40, "uhg": 40},
    rewrites=100,
)
"""For a reader that can read already: what it lacks is refusing, judging and rewriting."""
PORTIONS = {
    "reader": READER,
    "english": ENGLISH, "second": SECOND, "third": THIRD, "fourth": FOURTH, "fifth": FIFTH,
    "bilingual": BILINGUAL, "bilingual-second": BILINGUAL_SECOND, "bilingual-third": BILINGUAL_THIRD,
    "bilingual-fourth": BILINGUAL_FOURTH,
}  # fmt: skip
