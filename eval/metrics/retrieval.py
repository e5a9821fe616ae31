"""Are the passages that answer a query found, and how high do they stand?"""

from __future__ import annotations

from functools import lru_cache, partial

from eval.metrics.metric import Metric, Row, mean, of_cases
from eval.schema import Prediction, RetrievalCase, Suite

DEPTH = 10
WAYS = ("dense", "bm25", "hybrid")
MEASURES = {
    "recall@1": "recall_1",
    "recall@5": "recall_5",
    "recall@10": "recall_10",
    "ndcg@10": "ndcg_cut_10",
    "mrr@10": "recip_rank",
}
"""Our names, and trec_eval's."""


def metrics() -> list[Metric]:
    """In report order: ``dense.recall@1`` … ``hybrid.mrr@10``, as trec_eval has them on the first ten."""
    return [
        Metric(
            f"{way}.{name}",
            "retrieval",
            of_cases(RetrievalCase, partial(_row, way, measure)),
            mean,
            "higher",
            f"no query has a ranking by {way}",
        )
        for way in WAYS
        for name, measure in MEASURES.items()
    ]


def _row(way: str, measure: str, case: RetrievalCase, found: Prediction, suite: Suite) -> Row | None:
    if found.error:
        return (0.0,)
    if way not in found.rankings:
        return None
    return (_judged(case.relevant, found.rankings[way])[measure],)


@lru_cache(maxsize=4_096)
def _judged(relevant: tuple[str, ...], ranking: tuple[str, ...]) -> dict[str, float]:
    import pytrec_eval

    if not ranking:
        return dict.fromkeys(MEASURES.values(), 0.0)
    judge = pytrec_eval.RelevanceEvaluator(
        {"query": dict.fromkeys(relevant, 1)}, {"recall.1,5,10", "ndcg_cut.10", "recip_rank"}
    )
    found = {each: float(DEPTH - place) for place, each in enumerate(ranking[:DEPTH])}
    return dict(judge.evaluate({"query": found})["query"])
