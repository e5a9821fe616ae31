"""Rankings: by hand, and as trec_eval has them."""

import math

import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics import evaluating, scores
from eval.schema import Passage, Prediction, RetrievalCase, Suite, Undefined

IDS = [f"p{i}" for i in range(14)]
CASE = RetrievalCase("q", "zh", "年假几天", ("p1", "p3"))


def judged(case: RetrievalCase, **rankings: tuple[str, ...]) -> dict[str, float]:
    suite = Suite("s", 1, "", (case,), tuple(Passage(each, "", each) for each in IDS), "")
    return scores(case, Prediction("q", "retrieval", "", rankings=rankings), suite)


def test_by_hand() -> None:
    got = judged(CASE, bm25=("p0", "p1", "p2", "p4", "p5", "p3"), dense=())
    ideal = 1 + 1 / math.log2(3)
    expected = {
        "recall@1": 0,
        "recall@5": 0.5,
        "recall@10": 1,
        "mrr@10": 0.5,
        "ndcg@10": (1 / math.log2(3) + 1 / math.log2(7)) / ideal,
    }
    assert {
        name.removeprefix("bm25."): value for name, value in got.items() if name.startswith("bm25")
    } == pytest.approx(expected, abs=1e-9)
    assert {value for name, value in got.items() if name.startswith("dense")} == {0}
    assert not any(name.startswith("hybrid") for name in got)


@given(st.permutations(IDS), st.sets(st.sampled_from(IDS), min_size=1))
def test_as_trec_eval_has_them(order: list[str], relevant: set[str]) -> None:
    case = RetrievalCase("q", "en", "?", tuple(sorted(relevant)))
    got = judged(case, hybrid=tuple(order[:10]))
    names = {"recall.1,5,10", "ndcg_cut.10", "recip_rank"}
    run = {"q": {each: 1 / (1 + place) for place, each in enumerate(order[:10])}}
    told = pytrec_eval.RelevanceEvaluator({"q": dict.fromkeys(relevant, 1)}, names).evaluate(run)["q"]
    pairs = {
        "recall@1": "recall_1",
        "recall@5": "recall_5",
        "recall@10": "recall_10",
        "ndcg@10": "ndcg_cut_10",
        "mrr@10": "recip_rank",
    }
    assert got == pytest.approx({f"hybrid.{ours}": told[theirs] for ours, theirs in pairs.items()}, abs=1e-9)


def test_only_the_first_ten_count() -> None:
    got = judged(CASE, dense=(*(f"x{i}" for i in range(10)), "p1"))
    assert set(got.values()) == {0}


def test_a_way_that_was_not_searched_has_no_value() -> None:
    two = (CASE, RetrievalCase("r", "zh", "病假", ("p2",)))
    found = [
        Prediction("q", "retrieval", "", rankings={"hybrid": ("p1",)}),
        Prediction("r", "retrieval", "", error="gone"),
    ]
    got = evaluating.measure(Suite("s", 1, "", two, (), ""), two[:1], found[:1]).metrics
    assert isinstance(got["dense.recall@1"], Undefined)
    assert evaluating.measure(Suite("s", 1, "", two, (), ""), two, found).metrics["hybrid.mrr@10"].mean == 0.5  # type: ignore[union-attr]
