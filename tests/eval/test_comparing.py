"""Planted better, equal and worse models get the right verdicts; runs that measure different things are refused."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.schema import Estimate
from eval import metrics
from eval.comparing import compare, crossed, verdict
from eval.comparison import said, save, table
from eval.errors import RunError
from eval.runs import Manifest, Run
from eval.schema import GroundedCase, Passage, Prediction, SentimentCase, Suite
from eval.statistics import mean


@dataclass(frozen=True)
class Scored:
    """A metric that reads its value from the prediction's scores."""

    name: str
    better: str = "higher"
    aggregate: Any = mean
    baseline: bool = False

    def row(self, case: Any, prediction: Prediction, suite: Suite) -> tuple[float, ...] | None:
        value = prediction.scores.get(self.name)
        return None if value is None else (value,)


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Scored]:
    """What ``metrics.of`` says; tests append."""
    found = [Scored("right")]
    monkeypatch.setattr(metrics, "of", lambda suite: found, raising=False)
    return found


def run(name: str, scores: list[dict[str, float]], documents: int = 0, **changes: Any) -> Run:
    ids = [f"c{i}" for i in range(len(scores))]
    cases = tuple(
        GroundedCase(each_id, "en", "When?", (Passage(f"d{i % documents}", "", "In 1903."),), ("1903",), True)
        if documents
        else SentimentCase(each_id, "en", "Fine.", "positive")
        for i, each_id in enumerate(ids)
    )
    suite = Suite("ours", 1, "MIT", cases, (), "0" * 64)
    manifest = Manifest(
        suite="ours", version=1, sha256="0" * 64, licence="MIT", limit=None, seed=0,
        cases=tuple(ids), subject={"adapter": name}, date="2026-11-22",
    )  # fmt: skip
    predictions = tuple(
        Prediction(each_id, "grounded" if documents else "sentiment", "", scores=each)
        for each_id, each in zip(ids, scores, strict=True)
    )
    return Run(Path(name), replace(manifest, **changes), suite, predictions)


def right(n: int, of: int = 200, name: str = "right") -> list[dict[str, float]]:
    return [{name: float(i < n)} for i in range(of)]


def mixed(won: int, lost: int, of: int) -> list[dict[str, float]]:
    """Beside ``right(of // 2, of)``: so many won and lost."""
    half = of // 2
    return [{"right": float(lost <= i < half or half <= i < half + won)} for i in range(of)]


@pytest.mark.parametrize(
    ("a", "b", "n", "expected"),
    [
        (100, 140, 200, "better"),
        (140, 100, 200, "worse"),
        (120, 120, 200, "no_worse"),
        (20, 18, 40, "unclear"),
        (20, 20, 40, "unclear"),
    ],
)
def test_planted_models_get_their_verdict(a: int, b: int, n: int, expected: str) -> None:
    (found,) = compare(run("a", right(a, n)), run("b", right(b, n))).metrics
    assert (found.a, found.b) == (a / n, b / n)
    assert found.verdict == expected
    assert (found.more is None) == (expected != "unclear")
    assert (len(found.won), len(found.lost)) == (max(0, b - a), max(0, a - b))


def test_where_lower_is_better_the_lower_is(measured: list[Scored]) -> None:
    measured[:] = [Scored("loss", "lower")]
    (found,) = compare(run("a", right(100, name="loss")), run("b", right(140, name="loss"))).metrics
    assert (found.verdict, len(found.won), len(found.lost)) == ("worse", 0, 40)


def test_where_neither_is_better_it_only_differs(measured: list[Scored]) -> None:
    measured[:] = [Scored("length", "neither")]
    shorter, longer = right(100, name="length"), right(140, name="length")
    assert compare(run("a", shorter), run("b", longer)).metrics[0].verdict == "different"
    assert compare(run("a", shorter), run("b", shorter)).metrics[0].verdict == "unclear"


@pytest.mark.parametrize(
    ("low", "high", "p", "expected"),
    [
        (0.01, 0.2, 0.01, "better"),
        (0.01, 0.2, 0.06, "no_worse"),  # the interval alone does not decide
        (-0.01, 0.2, 0.01, "no_worse"),  # nor the test
        (-0.2, -0.01, 0.01, "worse"),
        (-0.2, -0.01, 0.06, "unclear"),
        (-0.019, 0.01, 1.0, "no_worse"),
        (-0.02, 0.01, 1.0, "unclear"),
    ],
)
def test_interval_and_test_must_agree(low: float, high: float, p: float, expected: str) -> None:
    assert verdict("higher", Estimate((low + high) / 2, low, high, 60), p, 0.02) == expected


def test_the_more_metrics_the_more_it_takes(measured: list[Scored]) -> None:
    """A difference that is one alone is none among eight; metrics in which no case differs do not count."""
    a, b = right(100), right(106)
    assert compare(run("a", a), run("b", b)).metrics[0].verdict == "better"
    same = {f"same{i}": 1.0 for i in range(7)}
    measured += [Scored(name) for name in same]
    with_same = compare(run("a", [x | same for x in a]), run("b", [x | same for x in b]))
    assert with_same.metrics[0].verdict == "better"
    noise = np.random.default_rng(0).integers(2, size=(2, 200, 7)).astype(float)
    tossed = [
        [x | dict(zip(same, row, strict=True)) for x, row in zip(side, noise[i], strict=True)]
        for i, side in enumerate((a, b))
    ]
    among = compare(run("a", tossed[0]), run("b", tossed[1])).metrics[0]
    assert among.verdict != "better"
    assert among.adjusted_p == pytest.approx(8 * among.p)


def test_cases_of_one_document_are_drawn_together() -> None:
    a, b = right(100), right(106)
    together = compare(run("a", a, documents=3), run("b", b, documents=3)).metrics[0]
    assert together.test == "permutation"
    assert together.verdict != "better"


def test_only_cases_done_in_both_count() -> None:
    a, b = run("a", right(100)), run("b", right(140))
    found = compare(replace(a, predictions=a.predictions[:150]), replace(b, predictions=b.predictions[50:]))
    assert (found.n, found.left_out) == (100, 100)
    assert found.metrics[0].difference.n == 100


def test_a_case_without_a_score_in_one_takes_no_part_in_that_metric() -> None:
    a, b = right(100), right(140)
    a[0] = {}
    assert compare(run("a", a), run("b", b)).metrics[0].difference.n == 199


def test_a_metric_without_a_value_says_why(measured: list[Scored]) -> None:
    measured.append(Scored("never"))
    found = compare(run("a", right(100)), run("b", right(140)))
    assert [each.metric for each in found.metrics] == ["right"]
    assert "no case" in found.undefined["never"]
    assert "never: no value" in table(found)


def test_what_a_simple_rule_reaches_is_not_compared(measured: list[Scored]) -> None:
    measured.append(Scored("lead3", baseline=True))
    both = [each | {"lead3": 1.0} for each in right(100)]
    assert [each.metric for each in compare(run("a", both), run("b", both)).metrics] == ["right"]


@pytest.mark.parametrize("changes", [{"suite": "theirs"}, {"version": 2}, {"sha256": "1" * 64}])
def test_runs_of_different_suites_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(RunError, match="run both on the same suite"):
        compare(run("a", right(1, 9)), run("b", right(1, 9), **changes))


def test_runs_that_share_no_case_are_refused() -> None:
    a, b = run("a", right(1, 9)), run("b", right(1, 9))
    with pytest.raises(RunError, match="--limit and --seed"):
        compare(replace(a, predictions=a.predictions[:4]), replace(b, predictions=b.predictions[4:]))


def test_what_cannot_be_told_says_what_it_takes() -> None:
    found = compare(run("a", right(20, 40)), run("b", mixed(6, 4, 40)))
    words = said(found.metrics[0], found.margin)
    assert words.startswith(
        f"can't tell: about {found.metrics[0].more} more cases needed; 40 cases, 25% of them"
    )
    assert words in table(found)


def test_that_many_more_cases_do_tell() -> None:
    """The same shares on as many cases as were asked for."""
    short = compare(run("a", right(20, 40)), run("b", mixed(6, 4, 40))).metrics[0]
    assert short.more is not None
    n = 40 + short.more
    assert compare(run("a", right(n // 2, n)), run("b", mixed(n * 6 // 40, n * 4 // 40, n))).metrics[
        0
    ].verdict in (
        "better",
        "no_worse",
    )


def test_effects_of_adapter_and_retrieval_are_apart() -> None:
    found = crossed(
        base_alone=run("alone", right(40)), adapter_alone=run("tuned", right(42)),
        base=run("found", right(120)), adapter=run("both", right(160)),
    )  # fmt: skip
    gains = {name: each.metrics[0].difference.mean for name, each in found.items()}
    assert gains == pytest.approx(
        {
            "adapter, without retrieval": 0.01,
            "adapter, with retrieval": 0.2,
            "retrieval, without adapter": 0.4,
            "retrieval, with adapter": 0.59,
        }
    )


def test_comparison_json_is_plain_and_the_same_each_time(tmp_path: Path) -> None:
    found = compare(run("a", right(100)), run("b", right(140)))
    first = save(found, tmp_path).read_text()
    assert save(compare(run("a", right(100)), run("b", right(140))), tmp_path).read_text() == first
    (metric,) = json.loads(first)["metrics"]
    assert metric["verdict"] == "better"
    assert metric["won"][0] == "c100"
    assert json.loads(first)["differs"] == ["subject.adapter"]
    assert [path.name for path in tmp_path.iterdir()] == ["comparison.json"]
