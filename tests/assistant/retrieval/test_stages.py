"""Each signal can win by itself: meaning in either language, words, identifiers, another phrasing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from assistant.retrieval import search
from assistant.retrieval.index import Entry, Index, Scope
from assistant.retrieval.language import is_chinese
from assistant.schema import Chunk

SUBJECTS = ("home", "在家", "refund", "退款", "pension", "社保")


class Subjects:
    """A subject for each pair of SUBJECTS, and a language; what is about none of them lies between."""

    id, dim, window = "subjects", 5, 64

    def count(self, text: str) -> int:
        return len(text)

    def embed_query(self, text: str) -> np.ndarray:
        return self.embed_documents([text])[0]

    def embed_documents(self, texts: Sequence[str]) -> np.ndarray:
        rows = np.full((len(texts), self.dim), 0.1, dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[3 + is_chinese(text)] = 1.0
            row[[at // 2 for at, word in enumerate(SUBJECTS) if word in text]] = 1.0
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


TEXTS = [
    *(f"Our pension plan, page {n}, says what the company pays." for n in range(12)),
    *(f"社保说明第{n}页。" for n in range(12)),
    "公积金由公司和员工各交百分之七。",
    "You may work from home on two days.",
    "退款在三天内到账。",
    *(f"no: H-{n}\nitem: tool {n}" for n in range(690, 720)),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder: Path = tmp_path_factory.mktemp("index")
    made, model = Index(folder), Subjects()
    made.prepare(model.id, model.dim)
    chunks = [Chunk(f"d{at}", 0, len(text), text) for at, text in enumerate(TEXTS)]
    made.add([Entry("u", "c", "", chunk) for chunk in chunks], model.embed_documents(TEXTS))
    return made


@pytest.mark.parametrize(
    ("queries", "wanted"),
    [
        (["社保里公积金公司交几个点"], "公积金由公司和员工各交百分之七。"),
        (["几天可以在家上班？"], "You may work from home on two days."),
        (["when does the refund arrive"], "退款在三天内到账。"),
        (["What is H-704?"], "no: H-704\nitem: tool 704"),
        (["H-704是什么"], "no: H-704\nitem: tool 704"),
        (["social security share of the employer", "公积金公司交多少"], "公积金由公司和员工各交百分之七。"),
    ],
    ids=["words", "into english", "into chinese", "a code", "a code in chinese", "a translation"],
)
def test_the_answer_is_among_the_first_three(index: Index, queries: list[str], wanted: str) -> None:
    found = search.stages(index, Subjects(), queries, Scope("u"), lambda _: True).fused
    assert wanted in [hit.chunk.text for hit in found[:3]]


def test_ranks_and_scores_are_those_of_the_best_list(index: Index) -> None:
    found = search.stages(index, Subjects(), ["refund", "退款"], Scope("u"), lambda _: True)
    (hit,) = [hit for hit in found.fused if hit.chunk.text.startswith("退款")]
    assert (hit.dense_rank, hit.lexical_rank) == (1, 1)
    assert hit.dense == pytest.approx(float(Subjects().embed_query("退款") @ Subjects().embed_query("退款")))
    assert [hit.dense_rank for hit in found.dense] == sorted(hit.dense_rank or 0 for hit in found.dense)
    assert [hit.score for hit in found.fused] == sorted((hit.score for hit in found.fused), reverse=True)


def test_without_an_embedder_words_and_identifiers_serve(index: Index) -> None:
    found = search.stages(index, None, ["H-704"], Scope("u"), lambda _: True)
    assert found.dense == ()
    assert found.fused[0].chunk.text == "no: H-704\nitem: tool 704"
