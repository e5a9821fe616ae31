"""A suite's passages as documents of a library, and back: what a document is called in the suite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from assistant.assistant import Assistant
from assistant.schema import Answer, Citation, Hit
from assistant.store import User
from eval.schema import Case, Cited, GroundedCase, Passage, RetrievalCase
from eval.subjects.protocol import Progress


class Shelf:
    """The suite's passages as the library has them.

    Args:
        passages: By document id: all passages that are this document. Passages alike are one document.
    """

    def __init__(self, passages: Mapping[str, Sequence[Passage]]) -> None:
        self._passages = passages
        self._document = {each.id: name for name, alike in passages.items() for each in alike}

    def documents(self, case: GroundedCase) -> list[str]:
        """Ids of the documents that the case brings."""
        return list(dict.fromkeys(self._document[passage.id] for passage in case.documents))

    def passage(self, case: Case, document_id: str) -> Passage:
        """The passage that a document is; where several are alike, the one that the case names."""
        alike = self._passages[document_id]
        own = {passage.id for passage in case.documents} if isinstance(case, GroundedCase) else set()
        own |= set(case.relevant) if isinstance(case, RetrievalCase) else set()
        return next((passage for passage in alike if passage.id in own), alike[0])

    def ranked(self, case: Case, hits: Iterable[Hit]) -> tuple[str, ...]:
        """Passage ids of hits, best first, each once."""
        return tuple(dict.fromkeys(self.passage(case, hit.chunk.document_id).id for hit in hits))

    def cited(self, case: Case, answer: Answer) -> tuple[Cited, ...]:
        """The citations of an answer, in the passages' own text."""
        return tuple(cited(self.passage(case, each.document_id), each) for each in answer.citations)


def cited(passage: Passage, citation: Citation) -> Cited:
    """Where a citation stands in the passage, which may hold hidden characters that documents do not keep."""
    start, end = citation.start, citation.end
    if passage.text[start:end] != citation.text:
        at = passage.text.find(citation.text, start)
        start, end = (at, at + len(citation.text)) if at >= 0 else (start, end)
    return Cited(citation.n, passage.id, min(start, len(passage.text)), min(end, len(passage.text)))


def add(runtime: Assistant, user: User, passages: Sequence[Passage], progress: Progress) -> Shelf:
    """Add passages to the user's documents; those that are there already are left alone."""
    from assistant.retrieval import rows

    progress("prepare", 0, len(passages))
    place = runtime.workspace.store.collections.default(user).id
    texts = [(passage.title, passage.text) for passage in passages]
    told = partial(_tell, progress, len(passages))
    alike: dict[str, list[Passage]] = {}
    for record, passage in zip(
        rows.add(runtime.workspace.library, user, place, texts, told), passages, strict=True
    ):
        alike.setdefault(record.id, []).append(passage)
    progress("prepare", len(passages), len(passages))
    return Shelf(alike)


def _tell(progress: Progress, of: int, ready: int) -> None:
    progress("prepare", ready, of)
