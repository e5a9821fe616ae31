"""Search in one collection of both languages, tables among it: is the evidence among the first passages?

About half of the passages of XQuAD and of the Debian FAQ are there in English and the other half in
Chinese, with the Python FAQ, passages of SQuAD 2.0 and DRCD, pages of two manuals that nobody asks about,
and the tables beside this file. XQuAD and the Debian FAQ are asked in both languages, so that half of their
questions find their answer in the other one, among passages about the same subject in their own. Everything
is split by document before anything is fitted: the weights of the fusion were fitted on ``fit``, compared
on ``choose``; ``held`` is the last look.

A question counts as found when one of the first contexts comes from its document and, where the set names
them, holds the words that answer.

Tried on ``fit`` and ``choose``: the share with the chunk among the first three, own language English /
Chinese, then questions in English / Chinese about passages in the other one (means over the sets):

- one dense list, its question freed of its language, words at .8, or .3 where the nearest is in the other
  language (version 1): .914 / .847, then .437 / .446.
- two dense lists, as it stands and freed, words, identifiers, in fourteen settings: .88 to .93 / .92 to .94,
  then .32 to .44 / .20 to .40. What is nearest in the question's own language fills both dense lists.
- the freed list only from passages in the other language, at .8: .917 / .934, then .414 / .274; at 1.0:
  .905 / .929, then .614 / .355; at 1.2 (taken): .891 / .920, then .718 / .509; at 1.5: .883 / .920, then
  .767 / .563. In a collection of one language this list is empty and costs nothing.
- that list at half its weight where words and meaning agree on the first: no better a trade.
- a linear model of the ranks, centred cosines and BM25, fitted list-wise, 4 to 10 weights: no better on
  ``choose`` than ranks alone, which hang on no embedder.
- contexts of 128, 192 (taken), 256 and 448 tokens: .919, .946, .973 and 1.0 of the questions about tables in
  their own language, for 390, 530, 663 and 1,088 tokens in the first three; the prose sets do not change.
- chunks of 256 and 400 tokens, recall@5 within one language: Python FAQ .957 and .942, Debian FAQ English
  .965 and .965, Chinese .907 and .926, of 138, 57 and 54 questions.
- searched with a person's translation too, at .7: .863 / .898, then .889 / .828; at .8 .854 / .889, then
  .907 / .837, but the first passage is then the right one for .59 / .61 in place of .69 / .71 of the
  questions in their own language (XQuAD and the Debian FAQ alone, which have translations).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from assistant import config
from assistant.retrieval import embedder, rows
from assistant.retrieval.embedder import Embedder
from assistant.retrieval.language import is_chinese
from assistant.retrieval.library import Library
from assistant.schema import Hit
from assistant.store import Store
from eval.bench.results import Row, save

TABLES = Path(__file__).parent / "tables"
PARTS = ("fit", "choose", "held")
SHARES = (*["fit"] * 4, *["choose"] * 3, *["held"] * 3)
GROUNDED = (("squad", "en.dev", 122), ("drcd", "zh.train", 80))
"""Set, its file, and its passages at most."""
BYSTANDERS = (
    ("bank", "bank-help-centre", "content", slice(None, None, 24)),
    ("manual", "debian-reference-zh", "text", slice(1, None, 28)),
)
PAGE = 6_000
"""Characters of a page that nobody asks about."""
GOALS = {3: 0.92, 6: 0.97}
ACROSS_GOAL = 0.85
K = 6


@dataclass(frozen=True)
class Text:
    """One document."""

    id: str
    title: str
    text: str


@dataclass(frozen=True)
class Question:
    """A question about one document."""

    set: str
    text: str
    document: str
    part: str
    across: bool
    """The document is in the other language."""
    translation: str = ""
    """The same question in the other language, by a person."""
    evidence: tuple[str, ...] = ()
    """Words that answer."""
    whole: bool = False
    """All of the evidence has to stand in one context, not only some."""

    @property
    def group(self) -> str:
        """What it is reported with."""
        return f"{'zh' if is_chinese(self.text) else 'en'} {'across' if self.across else 'own'}"

    def found(self, hit: Hit, documents: Collection[str]) -> bool:
        """Whether this passage, of a document known by these names, answers it."""
        held = (words in hit.passage for words in self.evidence)
        return self.document in documents and (not self.evidence or (all(held) if self.whole else any(held)))


def part(document: str) -> str:
    """Which part a document belongs to."""
    return SHARES[_number(f"part{document}") % len(SHARES)]


def parallel(data: Path) -> Iterator[Text | Question]:
    """Passages in one of the two languages each, and their questions in both."""
    for name in ("xquad", "debian-faq"):
        passages = {of: _by_id(data / f"retrieval/{name}-{of}/corpus.jsonl") for of in ("en", "zh")}
        asked = {of: _by_id(data / f"retrieval/{name}-{of}/queries.jsonl") for of in ("en", "zh")}
        for id_ in passages["en"]:
            row = passages[_language(name, id_)][id_]
            yield Text(f"{name}/{id_}", row["title"], row["text"])
        first = {row["relevant"][0]: id_ for id_, row in reversed(asked["en"].items()) if id_ in asked["zh"]}
        for document, id_ in first.items():
            for own, other in (("en", "zh"), ("zh", "en")):
                key, across = f"{name}/{document}", _language(name, document) != own
                words, translation = asked[own][id_]["query"], asked[other][id_]["query"]
                yield Question(name, words, key, part(key), across, translation)


def single(data: Path) -> Iterator[Text | Question]:
    """Sets of one language, and the pages that nobody asks about."""
    for row in _read(data / "retrieval/python-faq-en/corpus.jsonl"):
        yield Text(f"python-faq/{row['id']}", row["title"], row["text"])
    for row in _read(data / "retrieval/python-faq-en/queries.jsonl"):
        key = f"python-faq/{row['relevant'][0]}"
        yield Question("python-faq", row["query"], key, part(key), across=False)
    for name, file, most in GROUNDED:
        asked = {
            row["documents"][0]["id"]: row
            for row in _read(data / f"grounded/{file}.jsonl")
            if row["answerable"]
        }
        for id_ in sorted(asked, key=_number)[:most]:
            row, key = asked[id_], f"{name}/{id_}"
            yield Text(key, row["documents"][0]["title"], row["documents"][0]["text"])
            yield Question(
                name, row["question"], key, part(key), across=False, evidence=tuple(row["answers"])
            )
    for name, file, field, which in BYSTANDERS:
        for number, row in enumerate(_read(data / f"documents/{file}.jsonl")[which]):
            yield Text(f"{name}/{number}", row["title"], row[field][:PAGE])


def tables() -> Iterator[tuple[str, Path]]:
    """Key and file of each table."""
    for name in PARTS:
        yield from ((f"{name}/{path.name}", path) for path in sorted((TABLES / name).glob("*.[cm][sd]*")))


def table_questions() -> Iterator[Question]:
    """What colleagues ask about the tables."""
    for name in PARTS:
        for row in _read(TABLES / name / "questions.jsonl"):
            text = (TABLES / name / row["document"]).read_text(encoding="utf-8")
            across = is_chinese(text) != (row["lang"] == "zh")
            key, evidence = f"{name}/{row['document']}", tuple(row["evidence"])
            yield Question("tables", row["question"], key, name, across, evidence=evidence, whole=True)


class Shelf:
    """All of it in one library."""

    def __init__(self, texts: Sequence[Text], home: Path, model: Embedder) -> None:
        store = Store(f"sqlite:///{home / 'bench.db'}")
        store.migrate()
        self._user, self._model = store.users.local(), model
        self._library = Library(store, home / "index", home / "files", home / "staging", lambda: model)
        where = store.collections.default(self._user).id
        records = rows.add(self._library, self._user, where, [(each.title, each.text) for each in texts])
        self._names: dict[str, set[str]] = defaultdict(set)
        for record, each in zip(records, texts, strict=True):
            self._names[record.id].add(each.id)
        for key, path in tables():
            (record,) = self._library.ingest(self._user, where, path.name, path)
            self._names[record.id].add(key)

    def place(self, question: Question, *rephrased: str) -> tuple[int, int]:
        """Rank of the first passage that answers, from 1 (K + 1: none does); tokens of the first three."""
        hits = self._library.search(self._user, question.text, rephrased=rephrased, k=K).hits
        ranks = (
            rank
            for rank, hit in enumerate(hits, 1)
            if question.found(hit, self._names[hit.chunk.document_id])
        )
        return next(ranks, K + 1), sum(self._model.count(hit.passage) for hit in hits[:3])


def measure(data: Path, model: Embedder, name: str) -> list[Row]:
    """The figures of one part."""
    given = [*parallel(data), *single(data)]
    texts = [each for each in given if isinstance(each, Text)]
    questions = [
        each for each in (*given, *table_questions()) if isinstance(each, Question) and each.part == name
    ]
    with tempfile.TemporaryDirectory() as home:
        shelf = Shelf(texts, Path(home), model)
        found = [(question, *shelf.place(question)) for question in questions]
        parallels = [question for question in questions if question.translation]
        both = [(question, *shelf.place(question, question.translation)) for question in parallels]
    alone = [each for each in found if each[0].translation]
    return [
        *_rows(f"{name}:", found, GOALS),
        *_rows(f"{name}, translatable:", alone, {}),
        *_rows(f"{name}, with a person's translation:", both, {}),
        *_by_set(name, found),
        Row(
            f"{name}: tokens of the first three passages",
            fmean(tokens for _, _, tokens in found),
            n=len(found),
        ),
    ]


Placed = Sequence[tuple[Question, int, int]]


def _rows(name: str, found: Placed, goals: dict[int, float]) -> Iterator[Row]:
    """Of each language, own and across: the share among the first one, three, six; means over the sets."""
    for group in sorted({question.group for question, _, _ in found}):
        ranks: dict[str, list[int]] = defaultdict(list)
        for question, rank, _ in found:
            if question.group == group:
                ranks[question.set].append(rank)
        for k in (1, 3, 6):
            goal = goals.get(k) if "own" in group else ACROSS_GOAL if goals and k == 3 else None
            share = fmean(fmean(rank <= k for rank in each) for each in ranks.values())
            yield Row(
                f"{name} {group} evidence@{k}",
                share,
                target=f">= {goal}" if goal else "",
                n=sum(map(len, ranks.values())),
            )


def _by_set(name: str, found: Placed) -> Iterator[Row]:
    """The share among the first three of each set."""
    for key in sorted({(question.set, question.group) for question, _, _ in found}):
        ranks = [rank for question, rank, _ in found if (question.set, question.group) == key]
        share = fmean(rank <= 3 for rank in ranks)
        six = fmean(rank <= 6 for rank in ranks)
        yield Row(f"{name}: {' '.join(key)} evidence@3", share, beside=f"first six {six:.3f}", n=len(ranks))


def _language(name: str, id_: str) -> str:
    return ("en", "zh")[_number(f"lang{name}{id_}") % 2]


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)


def _by_id(path: Path) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in _read(path)}


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main() -> None:
    """Measure, print, save."""
    settings = config.load()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=os.environ.get("YOUJU_DATA"), help="folder of data sets")
    parser.add_argument("--embedder", default=settings.embedder)
    parser.add_argument("--part", choices=PARTS, default="held")
    options = parser.parse_args()
    if options.data is None:
        parser.error("--data or YOUJU_DATA: where the data sets are")
    model = embedder.load(options.embedder, settings.models_dir)
    save("mixed", measure(Path(options.data), model, options.part))


if __name__ == "__main__":
    main()
