"""How well the decision to answer or decline holds, and the fit of its weights.

``python -m eval.bench.abstention`` measures on questions that the weights were not fitted on;
``--fit`` fits them on the other half and prints the constants for ``assistant/evidence/abstention.py``.

Answerable: a question with its document in the collection. Unanswerable: the same question with that document
left out, and questions about something else. A left-out document can leave others that answer as well, so the
true error of a refusal is smaller than what is measured here.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any
from zlib import crc32

from assistant import config
from assistant.evidence import abstention
from assistant.evidence.abstention import Features
from assistant.retrieval import embedder
from assistant.retrieval.library import Library
from assistant.schema import Hit
from assistant.store import Store, User
from eval.bench.results import Row, save

QUESTIONS = 120
"""Drawn from each collection; each is asked three times."""
COLLECTIONS = ("xquad-en", "xquad-zh", "debian-faq-en", "debian-faq-zh", "python-faq-en")
CROSS = (("xquad-zh", "xquad-en"), ("debian-faq-zh", "debian-faq-en"))
"""Questions of the first, passages of the second: both are parallel by id."""


@dataclass(frozen=True, slots=True)
class Case:
    """One question asked of one collection."""

    suite: str
    kind: str
    """``answerable``, ``left out`` or ``elsewhere``."""
    question: str
    hits: tuple[Hit, ...]

    @property
    def answerable(self) -> bool:
        """The label."""
        return self.kind == "answerable"

    @property
    def held_out(self) -> bool:
        """Half of the questions, by their own text, are never fitted on."""
        return crc32(self.question.encode()) % 2 == 0


def main() -> None:
    """Measure, or fit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("YOUJU_DATA"), help="folder of the data sets"
    )
    parser.add_argument("--fit", action="store_true", help="fit the weights and print them")
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="drawn from each collection")
    options = parser.parse_args()
    if options.data is None:
        parser.error("name the data folder with --data or YOUJU_DATA")
    cases = list(_cases(Path(options.data) / "retrieval", options.questions))
    if options.fit:
        _fit(cases)
    else:
        save("abstention", list(rows([case for case in cases if case.held_out])))


def _cases(folder: Path, count: int) -> Iterator[Case]:
    settings = config.load()
    with tempfile.TemporaryDirectory() as home:
        model = embedder.load(settings.embedder, settings.models_dir)
        store = Store(f"sqlite:///{home}/bench.db")
        store.migrate()
        user = store.users.local()
        library = Library(
            store, Path(home, "index"), Path(home, "files"), Path(home, "staging"), lambda: model
        )
        known = {name: _Known(library, store, user, folder / name) for name in COLLECTIONS}
        for asked, searched in (*((name, name) for name in COLLECTIONS), *CROSS):
            yield from _ask(
                known[searched], _queries(folder / asked, count), f"{asked} in {searched}", folder, count
            )
        library.close()
        store.close()


class _Known:
    """A collection in the library, and which record holds which passage."""

    def __init__(self, library: Library, store: Store, user: User, folder: Path) -> None:
        self.name, self.library, self.user = folder.name, library, user
        self.collection = store.collections.create(user, folder.name)
        passages = _read(folder / "corpus.jsonl")
        lines = [json.dumps({"title": row["title"], "text": row["text"]}) for row in passages]
        data = "\n".join(lines).encode()
        found = library.ingest(user, self.collection.id, f"{folder.name}.jsonl", data)
        if len(found) != len(passages):
            raise SystemExit(f"{folder}: {len(passages)} passages became {len(found)} documents")
        self.records = {row["id"]: record.id for row, record in zip(passages, found, strict=True)}

    def search(self, question: str, without: Sequence[str] = ()) -> tuple[Hit, ...]:
        """The hits, as the tools get them; ``without`` leaves passages out."""
        left_out = {self.records[passage] for passage in without}
        ids = [record for record in self.records.values() if record not in left_out]
        return self.library.search(self.user, question, document_ids=ids, k=config.load().hits).hits


def _ask(
    known: _Known, queries: list[dict[str, Any]], suite: str, folder: Path, count: int
) -> Iterator[Case]:
    for query in queries:
        question = str(query["query"])
        yield Case(suite, "answerable", question, known.search(question))
        yield Case(suite, "left out", question, known.search(question, query["relevant"]))
    chinese = "zh" in suite.split(" in ")[0]
    others = {"xquad": "debian-faq", "debian": "xquad", "python": "xquad"}[known.name.split("-")[0]]
    for query in _queries(folder / f"{others}-{'zh' if chinese else 'en'}", count):
        yield Case(suite, "elsewhere", str(query["query"]), known.search(str(query["query"])))


def rows(cases: Sequence[Case]) -> Iterator[Row]:
    """Errors and ranking quality for each suite, and how far confidence is from the truth."""
    for suite in dict.fromkeys(case.suite for case in cases):
        own = [case for case in cases if case.suite == suite]
        for kind in ("answerable", "left out", "elsewhere"):
            asked = [case for case in own if case.kind == kind]
            right = [abstention.decide(case.question, case.hits).answer == case.answerable for case in asked]
            name = f"{suite}: {kind}, " + ("answered" if kind == "answerable" else "declined")
            yield Row(name, sum(right) / len(right), n=len(right))
    confidence = [abstention.decide(case.question, case.hits).confidence for case in cases]
    yield Row(
        "all: area under the curve", _auc(confidence, [case.answerable for case in cases]), n=len(cases)
    )
    clear = [i for i, case in enumerate(cases) if case.kind != "left out"]
    yield Row(
        "all: area under the curve, other subjects only",
        _auc([confidence[i] for i in clear], [cases[i].answerable for i in clear]),
        n=len(clear),
    )


def _auc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores))


def _fit(cases: Sequence[Case]) -> None:
    """Logistic regression, one for each script relation; refusals together weigh as much as answers."""
    from sklearn.linear_model import LogisticRegression

    for name, other in (("SAME_SCRIPT", False), ("OTHER_SCRIPT", True)):
        own = [case for case in cases if not case.held_out and case.hits]
        own = [case for case in own if abstention.other_script(case.question, case.hits) == other]
        x = [astuple(abstention.features(case.question, case.hits)) for case in own]
        weight = [{"answerable": 1.0, "left out": 0.4, "elsewhere": 0.6}[case.kind] for case in own]
        model = LogisticRegression(C=100.0, max_iter=10000).fit(x, [case.answerable for case in own], weight)
        named = zip((field.name for field in fields(Features)), model.coef_[0], strict=True)
        body = ", ".join(f"{key}={value:.3f}" for key, value in named)
        print(f"{name} = Weights(bias={model.intercept_[0]:.3f}, {body})  # {len(own)} cases")


def _queries(folder: Path, count: int) -> list[dict[str, Any]]:
    found = _read(folder / "queries.jsonl")
    return random.Random(7).sample(found, min(count, len(found)))


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


if __name__ == "__main__":
    main()
