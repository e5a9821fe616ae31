"""Measure on a collection itself how sure an answer from it has to be: ``youju calibrate COLLECTION``.

Nobody has to label anything. The reader drafts questions from passages; each is put to the collection as it
is and with its document left out, and where it names anything, once more about something else of the same
kind, with what speaks of that left out. The first has an answer, which is checked against the passage that
it was drafted from; what is answered to the others is wrong. Questions that people added themselves are asked
first, and alone where they are enough. `risk` makes the threshold of all.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

from assistant import prompts
from assistant.assistant import Assistant
from assistant.errors import BadRequestError, ConfigError
from assistant.evidence import answering, citing, own_questions, refusal, risk
from assistant.evidence.own_questions import OwnQuestion
from assistant.evidence.refusal import Refusal, Step
from assistant.evidence.risk import Outcome
from assistant.retrieval.search import SearchResult
from assistant.schema import Hit, Verdict
from assistant.store import Collection, DocumentRecord, User
from assistant.tools import drafting, grounded, reading
from assistant.tools.messages import answer_language
from assistant.tools.reader import Reader

LEAST_DOCUMENTS = 3
"""With fewer there is nothing to find once one of them is left out."""
ALPHA = 0.1
"""Wrong answers among those given, at most, where nothing else is asked for."""
QUESTIONS = 60
"""Drafted by default: half an hour for the default reader on two cores."""
_SOUND = {Verdict.SUPPORTED, Verdict.PARTLY}
Progress = Callable[[str, float], None]
"""Told what is being done and how far it is, 0..1."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A question, and the passage that it was drafted from."""

    question: str
    hit: Hit


def calibrate(
    assistant: Assistant,
    user: User,
    collection: Collection,
    *,
    alpha: float = ALPHA,
    questions: int = QUESTIONS,
    progress: Progress = lambda *_: None,
) -> Refusal:
    """Measure a collection with the reader in use, and keep what was found; minutes.

    Args:
        assistant: Whose reader, embedder and documents are used.
        user: Who may read the collection.
        collection: Whose questions are drafted.
        alpha: Wrong answers among those given, at most; above 0 and below 1.
        questions: Asked at most, people's own first; as many drafted ones again with their document left out.
        progress: Told how far it is.

    Raises:
        BadRequestError: ``alpha`` is no share, the model only quotes, or there are too few documents.
    """
    check(assistant, user, collection, alpha)
    found = _Measuring(assistant, user, collection)
    own = own_questions.load(assistant.settings.home, collection.id)[:questions]
    wanted = 0 if len(own) >= own_questions.ENOUGH else questions - len(own)
    drafts = list(found.drafts(wanted, progress))
    outcomes = [*found.own_outcomes(own, progress), *found.outcomes(drafts, progress)]
    points = risk.curve(outcomes)
    held = risk.controlled(points, alpha)
    able = sum(outcome.answerable for outcome in outcomes)
    measured = Refusal(
        collection=collection.id,
        calibration=found.name,
        alpha=alpha,
        threshold=held.threshold if held else None,
        own=found.reader.calibration.answer.threshold,
        answerable=able,
        unanswerable=len(outcomes) - able,
        documents=tuple(sorted(record.id for record in found.documents)),
        made=time.time(),
        curve=tuple(Step(**asdict(point)) for point in points),
        chosen=found.chosen(),
    )
    refusal.save(assistant.settings.home, measured)
    return measured


def check(assistant: Assistant, user: User, collection: Collection, alpha: float = ALPHA) -> None:
    """Say what stands in the way of a measurement, before anything is computed.

    Raises:
        BadRequestError: As `calibrate` says.
    """
    if not 0.0 < alpha < 1.0:
        remedy = "give a share above 0 and below 1, such as 0.1 for one wrong answer in ten"
        raise BadRequestError(field="alpha", value=str(alpha), remedy=remedy)
    there = len(ready(assistant, user, collection))
    if there < LEAST_DOCUMENTS:
        remedy = f"add documents until there are {LEAST_DOCUMENTS}; the reader's own threshold stays"
        value = f"{collection.name}, {there} documents"
        raise BadRequestError(field="collection", value=value, remedy=remedy)
    if not assistant.models.reads():
        remedy = "it finds and quotes, and declines by the search alone: choose a model that reads"
        raise BadRequestError(field="model", value=assistant.settings.model, remedy=remedy)


def ready(assistant: Assistant, user: User, collection: Collection) -> list[DocumentRecord]:
    """The documents of a collection that can be asked about."""
    rows = assistant.workspace.store.documents.list(user, collection.id)
    return [row for row in rows if row.state == "ready"]


class _Measuring:
    """One collection with the reader that is asked about it."""

    def __init__(self, assistant: Assistant, user: User, collection: Collection) -> None:
        self._assistant, self._user, self._collection = assistant, user, collection
        self.documents = ready(assistant, user, collection)
        self.name = assistant.models.calibration_name(assistant.models.adapter_name(None))

    @property
    def reader(self) -> Reader:
        """As it is in use now."""
        return self._assistant.models.reader(user=self._user.id)

    def chosen(self) -> float | None:
        """What people set by hand before."""
        try:
            before = refusal.load(self._assistant.settings.home, self._collection.id, self.name)
        except ConfigError:  # damaged: this measurement replaces it
            return None
        return before.chosen if before else None

    def drafts(self, wanted: int, progress: Progress) -> Iterator[_Draft]:
        """Questions of every document in turn, so that a long one does not speak for all."""
        made = 0
        for hit in self._passages() if wanted else ():
            for question in drafting.drafted(self.reader, reading.passage(hit)):
                if made == wanted:
                    return
                made += 1
                progress(f"drafting questions: {made} of {wanted}", 0.2 * made / wanted)
                yield _Draft(question, hit)

    def _passages(self) -> Iterator[Hit]:
        draw = random.Random(0)
        piles: list[list[Hit]] = []
        for record in self.documents:
            chunks = self._assistant.workspace.library.chunks(self._user, record.id)
            piles.append(draw.sample([Hit(chunk, record.title, 0.0) for chunk in chunks], len(chunks)))
        while any(piles):
            yield from (pile.pop() for pile in piles if pile)

    def own_outcomes(self, questions: Sequence[OwnQuestion], progress: Progress) -> Iterator[Outcome]:
        """People's own, each as it is; an answer is right where it holds the words that they gave."""
        for done, own in enumerate(questions):
            progress(f"asking your own: {done} of {len(questions)}", 0.2)
            weighed = self._weighed(own.question, frozenset())
            confidence = weighed.confidence(self.reader.calibration)
            yield Outcome(confidence, own.is_right(weighed.text), answerable=bool(own.answer))

    def outcomes(self, drafts: Sequence[_Draft], progress: Progress) -> Iterator[Outcome]:
        """Each question as it is, with its document left out, and about something else of the same kind."""
        for done, draft in enumerate(drafts):
            progress(f"asking: {done} of {len(drafts)}", 0.2 + 0.8 * done / len(drafts))
            weighed = self._weighed(draft.question, frozenset())
            right = bool(weighed.text) and self._is_right(draft, weighed.text)
            yield Outcome(weighed.confidence(self.reader.calibration), right, answerable=True)
            yield self._declinable(draft.question, frozenset([draft.hit.chunk.document_id]))
            other, name = self._about_another(draft, drafts)
            if other:
                yield self._declinable(other, self._holding(name))

    def _declinable(self, question: str, but: frozenset[str]) -> Outcome:
        """What is answered without these documents is wrong."""
        weighed = self._weighed(question, but)
        return Outcome(weighed.confidence(self.reader.calibration), right=False, answerable=False)

    def _weighed(self, question: str, but: frozenset[str]) -> grounded.Weighed:
        kept = [record.id for record in self.documents if record.id not in but]

        def search(query: str, *rephrased: str) -> SearchResult:
            return self._assistant.workspace.library.search(
                self._user, query, rephrased=rephrased, document_ids=kept, k=self._assistant.settings.hits
            )

        return grounded.weigh(self.reader, question, search, self._assistant.models.similarity)

    def _is_right(self, draft: _Draft, text: str) -> bool:
        """By the passage it was drafted from: the reader finds the answer there, and no fact differs."""
        bare, language = citing.bare(text), answer_language(draft.question)
        asked = prompts.grounded(draft.question, [reading.passage(draft.hit)], language)
        yes, no = self.reader.likelihoods(
            prompts.verified(asked, language, bare), prompts.VERIFIED_REPLIES[language]
        )
        _, _, sentences = answering.examine(bare, [draft.hit], draft.question)
        return yes > no and bool(sentences) and all(sentence.verdict in _SOUND for sentence in sentences)

    def _about_another(self, draft: _Draft, drafts: Sequence[_Draft]) -> tuple[str, str]:
        own = draft.hit.chunk.document_id
        others = [other.question for other in drafts if other.hit.chunk.document_id != own]
        return drafting.near_miss(draft.question, self._texts[own], others)

    def _holding(self, name: str) -> frozenset[str]:
        return frozenset(id_ for id_, text in self._texts.items() if name.casefold() in text.casefold())

    @cached_property
    def _texts(self) -> dict[str, str]:
        library = self._assistant.workspace.library
        return {record.id: library.document(self._user, record.id).text for record in self.documents}
