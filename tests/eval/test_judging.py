"""A judge counts only where it says the same in both orders."""

import json
import re
from pathlib import Path

import pytest
from fakes import FakeGenerator

from assistant.schema import Estimate, Message
from eval import judging
from eval.errors import RunError
from eval.runs import Manifest, Run
from eval.schema import ChatCase, Prediction, SentimentCase, Suite, Undefined


def run(name: str, *outputs: str, error: str = "") -> Run:
    cases = tuple(ChatCase(f"c{n}", "en", (Message("user", f"Question {n}?"),)) for n in range(len(outputs)))
    suite = Suite("talk", 1, "MIT", cases, (), "0")
    manifest = Manifest(
        suite="talk", version=1, sha256="0", licence="MIT", limit=None, seed=0,
        cases=tuple(case.id for case in cases), subject={}, date="2026-11-22",
    )  # fmt: skip
    found = [Prediction(f"c{n}", "chat", text, error=error) for n, text in enumerate(outputs)]
    return Run(Path(name), manifest, suite, tuple(found))


def fair(messages: list[Message]) -> str:
    """Prefers the longer answer, wherever it stands."""
    first, second = re.findall(r"--- answer \d\n(.*)", messages[-1].text)
    return "0" if len(first) == len(second) else "1" if len(first) > len(second) else "2."


def test_a_fair_judge_is_heard() -> None:
    judged = judging.judge(run("a", "x", "xxx", "x"), run("b", "yy", "y", "z"), FakeGenerator(fair))
    assert (judged.won, judged.lost, judged.n) == (("c0",), ("c1",), 3)
    assert isinstance(judged.agreement, Estimate)
    assert judged.agreement.mean == 1.0
    assert isinstance(judged.preference, Estimate)
    assert judged.preference.mean == pytest.approx(0.0)


def test_one_that_favours_what_it_reads_first_decides_nothing() -> None:
    judged = judging.judge(run("a", "x", "xx"), run("b", "y", "yy"), FakeGenerator("1"))
    assert (judged.won, judged.lost) == ((), ())
    assert isinstance(judged.agreement, Estimate)
    assert judged.agreement.mean == 0.0


def test_a_reply_that_names_nothing_is_a_tie_and_counted() -> None:
    judged = judging.judge(run("a", "x"), run("b", "y"), FakeGenerator("Both are lovely."))
    assert (judged.won, judged.lost, judged.unread) == ((), (), 2)


def test_equal_answers_are_not_asked() -> None:
    judge = FakeGenerator("1")
    judged = judging.judge(run("a", "same"), run("b", "same"), judge)
    assert judge.prompts == []
    assert isinstance(judged.agreement, Undefined)
    assert "no two answers differ" in judging.said(judged)


def test_both_orders_are_shown() -> None:
    judge = FakeGenerator("0")
    judging.judge(run("a", "left"), run("b", "right"), judge)
    one, other = (prompt[-1].text for prompt in judge.prompts)
    assert one.index("left") < one.index("right")
    assert other.index("right") < other.index("left")
    assert "Question 0?" in one


def test_failed_cases_and_labels_are_not_judged() -> None:
    with pytest.raises(RunError, match="no case of chat"):
        judging.judge(run("a", "x", error="gone"), run("b", "y"), FakeGenerator("1"))
    labels = run("a", "positive")
    case = SentimentCase("c0", "en", "Fine.", "positive")
    labels = Run(labels.folder, labels.manifest, Suite("s", 1, "", (case,), (), ""), labels.predictions)
    with pytest.raises(RunError):
        judging.judge(labels, labels, FakeGenerator("1"))


def test_it_is_written_whole(tmp_path: Path) -> None:
    judged = judging.judge(run("a", "x"), run("b", "yy"), FakeGenerator(fair))
    found = json.loads(judging.save(judged, tmp_path).read_text())
    assert (found["judge"], found["won"], found["unread"]) == ("fake", ["c0"], 0)
