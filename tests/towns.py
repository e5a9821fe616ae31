"""An assistant over four documents of one town each, with a model that reads them: for measurements."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fakes import FakeGenerator, WordEmbedder, opened

from assistant import config, refusals
from assistant.assistant import Assistant
from assistant.evidence.refusal import Refusal
from assistant.schema import Message
from assistant.store import Collection, User

TOWNS = ("Arlen", "Borvik", "Corran", "Dunmore")
FACTS = {
    town: f"The harbour of {town} was built by engineer {name}. The pier of {town} is {length} metres long."
    for town, name, length in zip(TOWNS, ("Ulla Brand", "Per Moe", "Ina Falk", "Tom Ray"), (41, 52, 63, 74), strict=True)
}  # fmt: skip


def replies(messages: Sequence[Message]) -> str:
    """Drafts a question about the pier of a text's town; answers with the length that stands in the passages."""
    said = messages[-1].text
    if "Write 2 short questions" in said:
        town = next(town for town in TOWNS if town in said)
        return f"1. How many metres is the pier of {town}?\n2. What does the text above say?"
    town = next(town for town in TOWNS if f"pier of {town}?" in said)
    length = FACTS[town].split("is ")[1].split(" ")[0]
    return f"The pier of {town} is {length} metres long. [1]"


def scores(messages: Sequence[Message], reply: str) -> float:
    """Yes where the passages speak of the town that is asked about."""
    said = messages[-1].text
    town = next((town for town in TOWNS if f"pier of {town}?" in said), "")
    holds = bool(town) and f"The pier of {town} is" in said.split("Question:")[0]
    return 8.0 if reply == ("yes" if holds else "no") else 0.0


class Shelf:
    """An assistant over four towns, a document each."""

    def __init__(self, home: Path, documents: int = 4, **settings: str) -> None:
        self.assistant: Assistant = opened(
            config.load(home=home, **{"model": "qwen2.5-coder-1.5b", **settings}),
            embedder=WordEmbedder(),
            generator=FakeGenerator(replies, scores=scores),
        )
        workspace = self.assistant.workspace
        self.user: User = workspace.store.users.local()
        self.place: Collection = workspace.store.collections.create(self.user, "Towns")
        for town in TOWNS[:documents]:
            workspace.library.ingest(self.user, self.place.id, f"{town}.txt", FACTS[town].encode())

    def calibrate(self, **options: float) -> Refusal:
        return refusals.calibrate(
            self.assistant, self.user, self.place, **{"alpha": 0.5, "questions": 8, **options}
        )  # type: ignore[arg-type]
