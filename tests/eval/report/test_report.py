"""A report of a run that is known to the last case."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from assistant.schema import Estimate
from eval import predictions, report, runs
from eval.metrics import (
    chat,
    dialogues,
    grounded,
    plain,
    retrieval,
    rewrites,
    sentiment,
    summarize,
    verdicts,
)
from eval.report import charts, curves, words
from eval.runs import Manifest, Run, Session
from eval.schema import Cited, GroundedCase, Passage, Prediction, SentimentCase, Suite, Undefined

TASKS = (sentiment, plain, grounded, dialogues, rewrites, verdicts, retrieval, summarize)
EVIL = "<script>alert(1)</script> $x$ \"'><img src=x onerror=alert(2)>"


def _case(n: int, answerable: bool) -> tuple[GroundedCase, Passage]:
    passage = Passage(f"p{n}", f"Title {n} {EVIL}", f"The answer is {n}. {EVIL}")
    answers = (str(n),) if answerable else ()
    return GroundedCase(f"c{n}", "en", f"What is {n}? {EVIL}", (passage,), answers, answerable), passage


def _found(case: GroundedCase, n: int) -> Prediction:
    if n == 7:
        return Prediction(case.id, "grounded", "", error=f"engine {EVIL}")
    declined = n % 4 == 3
    return Prediction(
        case.id,
        "grounded",
        "" if declined else f"{n} [1] {EVIL}",
        retrieved=(f"p{n}",),
        citations=() if declined else (Cited(1, f"p{n}", 0, 15),),
        verdicts=() if declined else ("supported",),
        declined=declined,
        confidence=n / 20,
        scores={"f1": float(n % 2)},
        tokens=10,
        seconds=float(n),
        first_token_s=0.5,
    )


class Seen(HTMLParser):
    """What a page points to, and what it would run."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = [_case(n, answerable=n % 4 != 3) for n in range(20)]
    cases = tuple(case for case, _ in made)
    suite = Suite(f"small {EVIL}", 3, "CC0", cases, tuple(passage for _, passage in made), "a" * 64)
    subject = {"base": "tiny", "adapter": None, "options": {"retrieval": False, "oracle": False}}
    ids = tuple(case.id for case in cases)
    date = "2026-11-22T10:00:00+00:00"
    runs.begin(tmp_path, Manifest(suite.name, 3, suite.sha256, "CC0", 20, 5, ids, subject, date), suite)
    with predictions.Predictions(tmp_path) as file:
        for n, case in enumerate(cases):
            file.add(_found(case, n))
    seconds = {"prepare": 1.0, "predict": 95.0, "own": 0.95}
    runs.add_session(tmp_path, Session("x", 20, 190, seconds, 500.0))
    return runs.read(tmp_path)


def test_the_json_has_the_promised_shape_and_no_zero_for_the_undefined(run: Run) -> None:
    written = report.write(run)
    found = json.loads((run.folder / "report.json").read_text(encoding="utf-8"))
    assert (found["suite"], found["n"], found["version"]) == (run.suite.name, 20, 3)
    for name, value in found["metrics"].items():
        if isinstance(written.metrics[name], Undefined):
            assert value["mean"] is None, name
            assert value["reason"], name
        else:
            assert set(value) == {"mean", "low", "high", "n"}
            assert value["low"] <= value["mean"] <= value["high"]
    assert "f1[answerable=yes]" in found["metrics"]
    assert list(found["failed"]) == ["c7"]
    assert found["confusion"]["counts"] == [[15, 0], [0, 4]]


def test_speed_is_told_of_the_cases_that_did_not_fail(run: Run) -> None:
    cost = report.find(run).cost
    assert cost["tokens_s"] == pytest.approx(2.0)
    assert cost["own_share"] == pytest.approx(0.01)
    assert cost["seconds_p50"] == 10
    assert cost["peak_memory_mb"] == 500.0


def test_nothing_foreign_in_the_page_is_more_than_text(run: Run) -> None:
    report.write(run)
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page
    seen = Seen()
    seen.feed(page)
    assert seen.addresses
    assert all(address.startswith("#") for address in seen.addresses)
    assert not seen.handlers
    assert "url(http" not in page
    assert "default-src &#39;none&#39;" in page
    assert len(page) < 1_000_000


def test_the_markdown_tells_what_why_not_and_how_again(run: Run) -> None:
    report.write(run)
    text = (run.folder / "report.md").read_text(encoding="utf-8")
    assert "| `f1` |" in text
    assert "1 failed and count as wrong (c7)" in text
    assert "--seed 5 --limit 20 --base tiny --adapter none --no-retrieval" in text
    assert "<script" not in text.replace("\\<script", "").partition("## Measured again")[0]


def test_the_worst_come_first_failures_before_all_and_the_sure_before_the_unsure(run: Run) -> None:
    worst = report.find(run).worst
    assert worst[0].case.id == "c7"
    assert all(bad.score == 0 for bad in worst[1:])
    confidences = [bad.found.confidence or 0 for bad in worst[1:]]
    assert confidences == sorted(confidences, reverse=True)
    assert worst[1].cited == ((1, worst[1].retrieved[0].id, worst[1].retrieved[0].text[:15]),)


def test_an_unfinished_run_says_how_much_is_missing(run: Run) -> None:
    lines = (run.folder / "predictions.jsonl").read_bytes().splitlines(keepends=True)
    (run.folder / "predictions.jsonl").write_bytes(b"".join(lines[:12]))
    report.write(runs.read(run.folder))
    assert "8 cases are not done" in (run.folder / "report.md").read_text(encoding="utf-8")


def test_risk_falls_to_the_error_of_all() -> None:
    pairs = [(_case(n, answerable=True)[0], Prediction(f"c{n}", "grounded", "x", confidence=c, scores={"f1": f}))
             for n, (c, f) in enumerate([(0.9, 1.0), (0.8, 1.0), (0.3, 0.0), (0.1, 0.0)])]  # fmt: skip
    curve = curves.risk_coverage(pairs)
    assert curve is not None
    assert curve.coverage == (0.25, 0.5, 0.75, 1.0)
    assert curve.risk == pytest.approx((0, 0, 1 / 3, 1 / 2))


def test_reliability_groups_by_confidence() -> None:
    def judged(n: int, right: bool) -> tuple[SentimentCase, Prediction]:
        label = "positive" if right else "negative"
        case = SentimentCase(f"s{n}", "zh", "好", label)  # type: ignore[arg-type]
        return case, Prediction(case.id, "sentiment", "positive", probabilities=(0.1, 0.05, 0.85))

    (point,) = curves.reliability([judged(n, n < 3) for n in range(4)])
    assert (point.confidence, point.share, point.n) == (pytest.approx(0.85), 0.75, 4)
    assert point.low < 0.75 < point.high


def test_charts_are_whole_svg_in_the_colours_of_the_page_and_in_the_readers_words() -> None:
    metrics = {"f1": Estimate(0.5, 0.4, 0.6, 9), "f1[lang=zh]": Estimate(0.4, 0.2, 0.6, 4)}
    svg = charts.slices("f1", metrics, "zh")
    ET.fromstring(svg)
    assert "var(--accent)" in svg
    assert "#0" not in svg
    assert "中文" in svg
    assert "lang=zh" not in svg
    assert "lang=zh" in charts.slices("f1", metrics)


def test_every_fixed_name_has_words_in_both_languages() -> None:
    suite = Suite("all", 1, "", (), (), "a" * 64)
    every = [metric for task in TASKS for metric in task.metrics()]
    every += chat.metrics(suite)
    for metric in every:
        name = metric.name
        assert words.is_baseline(name) == metric.baseline, name
        assert words.title(name) != name
        assert re.search("[\u4e00-\u9fff]", words.title(name, "zh"))
    assert words.said(Estimate(0.78, 0.73, 0.82, 60)) == "0.78, between 0.73 and 0.82"
    assert words.said(Undefined("no case"), "zh").endswith("no case")
