"""The types that cross modules. Frozen, plain, importing nothing of ours: no tensors, no dicts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Role = Literal["system", "user", "assistant"]
Language = Literal["en", "zh"]
Label = Literal["negative", "neutral", "positive"]
LABELS: tuple[Label, ...] = ("negative", "neutral", "positive")


class Finish(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    """The model closed its turn, or a stop string was met."""
    LENGTH = "length"
    """``Sampling.max_new_tokens`` was reached."""
    CANCELLED = "cancelled"
    """The reader stopped it, or went away. The text so far is kept."""
    DECLINED = "declined"
    """Nothing in the documents answers it; the model was not asked."""
    TIMEOUT = "timeout"
    """A deadline of ``Sampling`` passed. The text so far is kept."""
    ERROR = "error"
    """The engine failed; the text so far is kept."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation, as the model sees it."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How one request is decoded. Greedy when ``temperature`` is 0."""

    max_new_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    """Same seed, same prompt, same device: same text."""
    stop: tuple[str, ...] = ()
    """Text that ends the answer; never part of it."""
    first_token_s: float = 60.0
    """Seconds from submission to the first token, the wait in line included."""
    total_s: float = 600.0
    """Seconds from submission to the last token."""


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a streamed answer. An empty one is a heartbeat: at least two a second arrive."""

    text: str
    finish: Finish | None = None
    """Set on the last delta only."""
    queue_position: int = 0
    """Place in line: 1 is next, 0 runs."""
    tokens: int = 0
    """Tokens generated so far."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a page or a heading begins in a document's text."""

    start: int
    """First character, inclusive; it holds until the next mark of the same kind."""
    kind: Literal["page", "heading"]
    label: str
    """The page number (from 1) or the heading's words."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: one cleaned text, with pages and headings as marks on it."""

    id: str
    title: str
    text: str
    sha256: str
    """Of the original bytes; the same file twice is one document."""
    media_type: str
    marks: tuple[Mark, ...] = ()
    removed: int = 0
    """Hidden characters (zero-width, bidi, tags) taken out of the text."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A slice of a document: ``document.text[start:end] == text`` always holds."""

    document_id: str
    start: int
    """First character, inclusive."""
    end: int
    """Last character, exclusive."""
    text: str
    page: int | None = None
    heading: str = ""
    header: str = ""
    """Of a row of a table: the names of its columns, or whose row it is, where ``text`` does not say it."""

    @property
    def id(self) -> str:
        """Unique within an index, and stable as long as the document is."""
        return f"{self.document_id}:{self.start}-{self.end}"


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that a search found, with what each stage thought of it."""

    chunk: Chunk
    title: str
    """The document's title."""
    score: float
    """The fused score that orders the list; comparable within one search only."""
    dense: float | None = None
    """Cosine of query and chunk, -1..1; ``None`` where the dense stage did not return it."""
    dense_rank: int | None = None
    """From 1."""
    lexical: float | None = None
    """BM25, >= 0; ``None`` where the lexical stage did not return it."""
    lexical_rank: int | None = None
    context: str = ""
    """The chunk joined with its neighbours, as the model is shown it. It contains ``chunk.text``."""
    context_start: int = 0
    """Where ``context`` begins in the document's text."""

    @property
    def passage(self) -> str:
        """What a model reads: the context, under the header of its row where it does not hold that."""
        text = self.context or self.chunk.text
        header = self.chunk.header
        return f"{header}\n{text}" if header and header not in text else text


class Verdict(StrEnum):
    """What the check of one sentence against its source said."""

    SUPPORTED = "supported"
    PARTLY = "partly"
    CONTRADICTED = "contradicted"
    NO_SOURCE = "no_source"


@dataclass(frozen=True, slots=True)
class Citation:
    """``[n]`` in an answer: a span of a document that was shown to the model."""

    n: int
    document_id: str
    title: str
    start: int
    end: int
    """``document.text[start:end] == text``."""
    text: str
    page: int | None = None
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer, with its verdict."""

    text: str
    start: int
    """In ``Answer.text``, inclusive."""
    end: int
    """Exclusive."""
    verdict: Verdict
    citations: tuple[int, ...] = ()
    """The ``n`` of the citations it is checked against."""
    reason: str = ""
    """Why not ``SUPPORTED``, e.g. ``number:45`` or ``overlap:0.31``."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a turn is doing now, for the quiet line above the answer."""

    step: Literal["rewriting", "searching", "found", "writing", "checking", "queued"]
    count: int = 0
    """Documents searched, passages found, or the place in line."""


@dataclass(frozen=True, slots=True)
class Found:
    """The passages that the answer will be written from; sent before its first word."""

    hits: tuple[Hit, ...]


class Quoted(StrEnum):
    """Why an answer was taken word for word from the documents."""

    NO = ""
    """It was not: these are the model's own words, or ours."""
    UNSUPPORTED = "unsupported"
    """What the model wrote did not stand in the passages."""
    READER = "reader"
    """The model in use is too small to write: it finds and quotes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished turn. The last event of every turn, also of a stopped one."""

    text: str
    finish: Finish
    citations: tuple[Citation, ...] = ()
    """Those the text names, in order of ``n``."""
    sentences: tuple[Sentence, ...] = ()
    best: Citation | None = None
    """The passage that supports the question best; shown with every grounded answer."""
    hits: tuple[Hit, ...] = ()
    query: str = ""
    """What was searched for: the question, or its stand-alone rewriting."""
    confidence: float | None = None
    """What the decision to answer or decline was taken on, 0..1; ``None`` without documents."""
    tokens: int = 0
    """Tokens written."""
    prompt_tokens: int = 0
    """Tokens that the model read for it, instructions and passages among them; 0 where it was not asked."""
    seconds: float = 0.0
    dropped: int = 0
    """Earlier messages that did not fit the context window."""
    quotation: Quoted = Quoted.NO
    judged: bool = False
    """A model that learnt to judge took part in the verdicts; else words and numbers alone were compared."""

    @property
    def quoted(self) -> bool:
        """True when the text was taken word for word from the documents."""
        return self.quotation is not Quoted.NO

    @property
    def declined(self) -> bool:
        """True when the documents do not hold an answer."""
        return self.finish is Finish.DECLINED


TurnEvent = Status | Found | Delta | Answer


@dataclass(frozen=True, slots=True)
class Source:
    """A span of the text that a summary sentence came from."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class SummarySentence:
    """A sentence of a summary, with the spans of the source that it came from, best first."""

    text: str
    sources: tuple[Source, ...]
    verdict: Verdict
    quoted: bool = False
    """Taken word for word from the text, because the model's own sentence was not supported by it."""


@dataclass(frozen=True, slots=True)
class SummaryProgress:
    """How far a summary is."""

    done: int
    """Pieces read in this round."""
    total: int
    """Pieces of this round."""
    round: int
    """From 1; the text itself is read in round 1 only."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary and the work behind it."""

    text: str
    sentences: tuple[SummarySentence, ...]
    pieces: int
    """Pieces that the text was cut into; each was read once."""
    rounds: int
    """1 when the text fits the window at once."""
    tokens: int = 0
    """Tokens written, notes of pieces among them."""
    prompt_tokens: int = 0
    """Tokens that the model read for it, in all rounds."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """What a check found wrong with a translated sentence, and a second try did not mend."""

    kind: Literal["number", "added", "term", "mixed", "short", "kept"]
    """A number of the source is missing, or one is there that the source has not; a term of the glossary was
    not kept; Chinese words stand in the English; much of the sentence seems left out; no usable translation
    came, and the source was kept."""
    value: str = ""
    """The number, or the glossary's translation of the term."""


@dataclass(frozen=True, slots=True)
class TranslatedSentence:
    """A sentence, a heading or a cell beside its translation."""

    source: str
    text: str
    doubts: tuple[Doubt, ...] = ()
    """Empty where every check passed."""


@dataclass(frozen=True, slots=True)
class TranslationProgress:
    """How far a translation is."""

    done: int
    """Sentences translated; paragraphs are worked on side by side, so not always the first ones."""
    total: int
    place: int = 0
    """Where the newest of them stands, from 0."""
    last: TranslatedSentence | None = None
    """The newest; ``None`` before the first."""


@dataclass(frozen=True, slots=True)
class Translation:
    """A translation, and its sentences beside those of the source."""

    text: str
    """The whole, laid out as the source is."""
    target: Language
    sentences: tuple[TranslatedSentence, ...]

    @property
    def doubtful(self) -> tuple[TranslatedSentence, ...]:
        """Those that somebody should check."""
        return tuple(sentence for sentence in self.sentences if sentence.doubts)


@dataclass(frozen=True, slots=True)
class Sentiment:
    """Calibrated probabilities of the three labels; they sum to 1."""

    negative: float
    neutral: float
    positive: float
    unsure: bool
    """The best label does not lead far enough to say it in words."""
    words: tuple[tuple[str, float], ...] = field(default=())
    """The text's words with their weight, -1 (negative) .. 1 (positive); empty where not asked for."""

    @property
    def label(self) -> Label:
        """The most probable label."""
        return max(LABELS, key=lambda label: float(getattr(self, label)))


@dataclass(frozen=True, slots=True)
class SentimentRow:
    """One judged row of a table."""

    row: int
    """From 1, the header not counted."""
    text: str
    sentiment: Sentiment | None
    """``None`` where the row could not be judged."""
    error: str = ""


@dataclass(frozen=True, slots=True)
class AdapterRef:
    """A LoRA adapter on disk and the base that it was trained on."""

    name: str
    path: str
    base: str
    revision: str = ""
    sha256: str = ""
    """Of all its files that change an answer: others under the same name are another adapter."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float
    n: int
