"""How well the decision to answer or decline holds, and the fit of its weights.

The questions are parted in three by their own text: on the first the weights are fitted, on the second
features and threshold are chosen, on the third all is measured, once.
``python -m eval.bench.abstention`` measures; ``--fit`` fits and chooses, prints the constants for
``assistant/evidence/abstention.py`` and never looks at the third.

Answerable: a question with its document in the collection. Unanswerable: the same question with that document
left out, and questions about something else. A left-out document can leave others that answer as well, so the
true error of a refusal is smaller than what is measured here.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from zlib import crc32

from assistant import config
from assistant.evidence import abstention, relevance
from assistant.evidence.abstention import Decision, Features, Weights
from assistant.evidence.relevance import Candidate
from assistant.runtime import Runtime
from assistant.schema import Hit
from eval.bench.results import Row, save

PASSAGES = 90
"""Drawn from each collection, the same of parallel ones: reading all takes an hour on two cores."""
QUESTIONS = 40
"""Drawn from those on these passages."""
COLLECTIONS = ("xquad-en", "xquad-zh", "debian-faq-en", "debian-faq-zh", "python-faq-en")
SUITES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("xquad-en", ("xquad-en",), ("debian-faq-en", "python-faq-en")),
    ("xquad-zh", ("xquad-zh",), ("debian-faq-zh",)),
    ("debian-faq-en", ("debian-faq-en",), ("xquad-en",)),
    ("debian-faq-zh", ("debian-faq-zh",), ("xquad-zh",)),
    ("python-faq-en", ("python-faq-en",), ("xquad-en",)),
    ("xquad-zh", ("xquad-en",), ("debian-faq-zh",)),
    ("debian-faq-zh", ("debian-faq-en",), ("xquad-zh",)),
    ("xquad-zh", ("xquad-en", "debian-faq-zh"), ()),
    ("debian-faq-zh", ("debian-faq-en", "xquad-zh"), ()),
)
"""Questions of the first; searched among the second; questions about something else from the third.
Collections are parallel by id: in the last four the answer is in English, in two among Chinese texts.
"""

WEIGHTS = {"answerable": 1.0, "not found": 0.0, "left out": 0.3, "elsewhere": 0.7}
"""In the fit. What was left out often is answered by its neighbours as well, so it counts least. Across
languages, where less is to be seen, another subject counts as much as an answer."""
ANSWERED = 0.92
"""Share of the answerable questions that must be answered; as many others as possible are declined then."""
FIT, CHOOSE, TEST = range(3)
USED = {False: ("dense", "found", "lead"), True: ("gap", "lead")}
"""Features for questions in the script of the passage, and in another, where words cannot match."""


@dataclass(frozen=True, slots=True)
class Case:
    """One question asked of some collections."""

    suite: str
    kind: str
    """``answerable``, ``not found`` (the search missed the passage), ``left out`` or ``elsewhere``."""
    question: str
    hits: tuple[Hit, ...]
    candidates: tuple[Candidate, ...]

    @property
    def answerable(self) -> bool:
        """The label."""
        return self.kind == "answerable"

    @property
    def third(self) -> int:
        """``FIT``, ``CHOOSE`` or ``TEST``: one question is in one of them, wherever it is asked."""
        return crc32(self.question.encode()) % 3

    @property
    def other_script(self) -> bool:
        """Question and answer are in different scripts."""
        return abstention.other_script(self.question, self.hits, self.candidates)

    @property
    def features(self) -> Features:
        """What the decision is taken on."""
        return abstention.features(self.question, self.hits, self.candidates)

    @property
    def decision(self) -> Decision:
        """What the product decides."""
        return abstention.decide(self.question, self.hits, self.candidates)


def main() -> None:
    """Measure, or fit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("YOUJU_DATA"), help="folder of the data sets"
    )
    parser.add_argument("--fit", action="store_true", help="fit the weights and print them")
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="asked in each suite")
    options = parser.parse_args()
    if options.data is None:
        parser.error("name the data folder with --data or YOUJU_DATA")
    cases = list(_cases(Path(options.data) / "retrieval", options.questions))
    if options.fit:
        _print_fit(cases)
    else:
        save("abstention", list(rows([case for case in cases if case.third == TEST])))


def _cases(folder: Path, count: int) -> Iterator[Case]:
    with tempfile.TemporaryDirectory() as home:
        runtime = Runtime(config.load(home=Path(home)), exclusive=True)
        shelves = {name: _Shelf(runtime, folder / name) for name in COLLECTIONS}
        for asked, searched, elsewhere in SUITES:
            suite = f"{asked} in {' and '.join(searched)}"
            among = [shelves[name] for name in searched]
            for query in shelves[asked].asked(count):
                case = _ask(runtime, suite, "answerable", str(query["query"]), among)
                wanted = {shelf.records.get(name) for shelf in among for name in query["relevant"]}
                found = {hit.chunk.document_id for hit in case.hits[: relevance.LOOKED_AT]}
                yield case if wanted & found else replace(case, kind="not found")
                yield _ask(runtime, suite, "left out", str(query["query"]), among, query["relevant"])
            for name in elsewhere:
                for query in shelves[name].asked(count // len(elsewhere)):
                    yield _ask(runtime, suite, "elsewhere", str(query["query"]), among)
        runtime.close()


class _Shelf:
    """Part of a collection in the library, and which record holds which passage."""

    def __init__(self, runtime: Runtime, folder: Path) -> None:
        passages = sorted(_read(folder / "corpus.jsonl"), key=lambda row: str(row["id"]))
        passages = random.Random(7).sample(passages, min(PASSAGES, len(passages)))
        user = runtime.store.users.local()
        collection = runtime.store.collections.create(user, folder.name)
        lines = [json.dumps({"title": row["title"], "text": row["text"]}) for row in passages]
        found = runtime.library.ingest(user, collection.id, f"{folder.name}.jsonl", "\n".join(lines).encode())
        if len(found) != len(passages):
            raise SystemExit(f"{folder}: {len(passages)} passages became {len(found)} documents")
        self.records = {row["id"]: record.id for row, record in zip(passages, found, strict=True)}
        queries = _read(folder / "queries.jsonl")
        self._queries = [query for query in queries if set(query["relevant"]) <= set(self.records)]

    def asked(self, count: int) -> list[dict[str, Any]]:
        """Questions that a passage here answers."""
        return random.Random(7).sample(self._queries, min(count, len(self._queries)))


def _ask(
    runtime: Runtime,
    suite: str,
    kind: str,
    question: str,
    among: Sequence[_Shelf],
    without: Sequence[str] = (),
) -> Case:
    ids = [record for shelf in among for name, record in shelf.records.items() if name not in without]
    user = runtime.store.users.local()
    hits = runtime.library.search(user, question, document_ids=ids, k=runtime.settings.hits).hits
    candidates = relevance.candidates(question, hits, runtime.similarity)
    return Case(suite, kind, question, hits, tuple(candidates))


def rows(cases: Sequence[Case]) -> Iterator[Row]:
    """Errors and ranking quality for each suite, and how far confidence is from the truth."""
    for suite in dict.fromkeys(case.suite for case in cases):
        own = [case for case in cases if case.suite == suite]
        for kind in ("answerable", "not found", "left out", "elsewhere"):
            asked = [case for case in own if case.kind == kind]
            if not asked:
                continue
            right = [case.decision.answer == case.answerable for case in asked]
            name = f"{suite}: {kind}, " + ("answered" if kind == "answerable" else "declined")
            yield Row(name, sum(right) / len(right), n=len(right))
    for kind in ("answerable", "left out", "elsewhere"):
        answers = [case.decision.answer for case in cases if case.kind == kind]
        share = sum(answers) / len(answers)
        if kind == "answerable":
            yield Row("all: answerable, answered", share, n=len(answers))
        else:
            yield Row(f"all: {kind}, declined", 1 - share, n=len(answers))
    confidence = [case.decision.confidence for case in cases]
    yield Row(
        "all: area under the curve", _auc(confidence, [case.answerable for case in cases]), n=len(cases)
    )
    clear = [i for i, case in enumerate(cases) if case.kind in {"answerable", "elsewhere"}]
    yield Row(
        "all: area under the curve, other subjects only",
        _auc([confidence[i] for i in clear], [cases[i].answerable for i in clear]),
        n=len(clear),
    )


def _auc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores))


def _print_fit(cases: Sequence[Case]) -> None:
    cases = [case for case in cases if case.hits]
    weights = {other: _fit([case for case in cases if case.other_script == other], other) for other in USED}
    chosen = [case for case in cases if case.third == CHOOSE]
    confidence = [abstention.probability(case.features, weights[case.other_script]) for case in chosen]
    answerable = sorted(value for value, case in zip(confidence, chosen, strict=True) if case.answerable)
    threshold = answerable[math.floor(len(answerable) * (1 - ANSWERED))]
    for other, name in ((False, "SAME_SCRIPT"), (True, "OTHER_SCRIPT")):
        print(f"{name} = {weights[other]}")
    print(f"THRESHOLD = {math.floor(threshold * 1000) / 1000}")
    for kind in ("answerable", "not found", "left out", "elsewhere"):
        answered = [
            value >= threshold for value, case in zip(confidence, chosen, strict=True) if case.kind == kind
        ]
        print(f"second third, {kind}: answered {sum(answered)} of {len(answered)}")
    print(f"second third, area under the curve: {_auc(confidence, [case.answerable for case in chosen]):.3f}")


def _fit(cases: Sequence[Case], other: bool) -> Weights:
    """Logistic regression; refusals together weigh as much as answers."""
    from sklearn.linear_model import LogisticRegression

    own = [case for case in cases if case.third == FIT]
    x = [[getattr(case.features, name) for name in USED[other]] for case in own]
    weight = [1.0 if other and case.kind == "elsewhere" else WEIGHTS[case.kind] for case in own]
    model = LogisticRegression(C=100.0, max_iter=10000).fit(x, [case.answerable for case in own], weight)
    fitted = dict(zip(USED[other], model.coef_[0], strict=True))
    named = {field.name: round(float(fitted.get(field.name, 0.0)), 3) for field in fields(Features)}
    return Weights(bias=round(float(model.intercept_[0]), 3), **named)


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


if __name__ == "__main__":
    main()
