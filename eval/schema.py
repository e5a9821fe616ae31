"""What is measured and what was found. Frozen, plain; the shapes of suites and of predictions.jsonl."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from assistant.schema import Label, Language, Message

Task = Literal[
    "sentiment", "grounded", "plain", "dialogue", "summarize", "chat", "retrieval", "rewrite", "verdict"
]
TASKS: tuple[Task, ...] = get_args(Task)
Answerability = Literal["answerable", "partial", "unanswerable", "underspecified"]
Support = Literal["supported", "partly", "unsupported"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A document of a suite: what is searched."""

    id: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class SentimentCase:
    """A text and what people felt in it."""

    id: str
    lang: Language
    text: str
    label: Label


@dataclass(frozen=True, slots=True)
class GroundedCase:
    """A question to documents. Those of all cases together are searched, unless each has only its own."""

    id: str
    lang: Language
    question: str
    documents: tuple[Passage, ...]
    answers: tuple[str, ...]
    """Any of them is right; empty where ``answerable`` is false."""
    answerable: bool


@dataclass(frozen=True, slots=True)
class SummarizeCase:
    """A text and summaries of it by people."""

    id: str
    lang: Language
    text: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """Something that a reply can be checked for, by IFEval's instruction id and arguments."""

    id: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChatCase:
    """A conversation to go on with."""

    id: str
    lang: Language
    messages: tuple[Message, ...]
    """The last one is the user's."""
    references: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class RetrievalCase:
    """A query and the passages that answer it."""

    id: str
    lang: Language
    query: str
    relevant: tuple[str, ...]
    """Ids of passages; never empty."""


@dataclass(frozen=True, slots=True)
class PlainCase:
    """A message as people type it, to the documents in use: those of the assistant that is measured."""

    id: str
    lang: Language
    kind: str
    """``nearmiss``, ``other``, ``premise``, ``smalltalk`` and ``task`` have rules of their own; any other
    (``direct``, ``list``, ``followup`` …) is a question that the documents answer."""
    question: str
    history: tuple[Message, ...] = ()
    answers: tuple[str, ...] = ()
    """What would be right, for people."""
    must: tuple[str, ...] = ()
    """One of these occurs in a right answer."""
    all: tuple[tuple[str, ...], ...] = ()
    """One of each group does, too."""
    must_not: tuple[str, ...] = ()
    answerable: bool | None = None
    """``None`` where the documents have nothing to do with it."""
    document: str = ""
    """The file that answers it."""
    evidence: str = ""
    """The words of it that do."""


@dataclass(frozen=True, slots=True)
class DialogueCase:
    """The next turn of a conversation, with the documents for it and what a person answered."""

    id: str
    lang: Language
    question: str
    answer: str
    answerability: Answerability
    history: tuple[Message, ...] = ()
    documents: tuple[Passage, ...] = ()
    """Only these are searched."""
    collection: str = ""
    """Where the conversation is from."""


@dataclass(frozen=True, slots=True)
class RewriteCase:
    """A question in a conversation, and a person's rewriting that stands alone."""

    id: str
    lang: Language
    question: str
    standalone: str
    earlier: tuple[str, ...] = ()
    """The questions before it, oldest first."""


@dataclass(frozen=True, slots=True)
class VerdictCase:
    """A claim beside a passage as it would be cited, and whether people find it supported."""

    id: str
    lang: Language
    claim: str
    evidence: str
    label: Support


Case = (
    SentimentCase
    | GroundedCase
    | SummarizeCase
    | ChatCase
    | RetrievalCase
    | PlainCase
    | DialogueCase
    | RewriteCase
    | VerdictCase
)


def task_of(case: Case) -> Task:
    """The task of a case."""
    names: dict[type, Task] = {
        SentimentCase: "sentiment",
        GroundedCase: "grounded",
        SummarizeCase: "summarize",
        ChatCase: "chat",
        RetrievalCase: "retrieval",
        PlainCase: "plain",
        DialogueCase: "dialogue",
        RewriteCase: "rewrite",
        VerdictCase: "verdict",
    }
    return names[type(case)]


@dataclass(frozen=True, slots=True)
class Suite:
    """A whole, checked suite."""

    name: str
    version: int
    """Scores of different versions are never compared; 0 where the file says none."""
    licence: str
    cases: tuple[Case, ...]
    passages: tuple[Passage, ...]
    """All that is searched; empty where no case has documents."""
    sha256: str
    """Of the bytes of its files."""


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation of an answer, by the suite's own passage ids."""

    n: int
    passage: str
    start: int
    """In the passage's text, inclusive."""
    end: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the assistant made of one case: a line of predictions.jsonl."""

    id: str
    task: Task
    output: str
    """The answer, summary, reply or rewriting; the label of a sentiment, the verdict on a claim."""
    retrieved: tuple[str, ...] = ()
    """Passages found, best first: what the answer could be written from."""
    passages: tuple[str, ...] = ()
    """Of a plain question: the words of those, as the documents in use are no part of the suite."""
    rankings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of a retrieval case: the first ten passages by ``dense``, ``bm25`` and ``hybrid``."""
    citations: tuple[Cited, ...] = ()
    verdicts: tuple[str, ...] = ()
    """Of each sentence, in order."""
    declined: bool = False
    quoted: bool = False
    confidence: float | None = None
    """What the decision to answer was taken on, 0..1; how well a claim is supported."""
    probabilities: tuple[float, ...] = ()
    """Of negative, neutral, positive."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Per-case scores by metric name."""
    tokens: int = 0
    """Generated."""
    seconds: float = 0.0
    first_token_s: float | None = None
    error: str = ""
    """Why there is no output. Such a case is counted as wrong."""


@dataclass(frozen=True, slots=True)
class Undefined:
    """A metric without a value on these cases, and why."""

    reason: str
    n: int = 0
