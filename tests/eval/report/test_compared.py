"""Two runs as a page: verdict first, changed answers side by side, nothing of them as markup."""

from dataclasses import replace
from pathlib import Path

import pytest

from eval.comparing import compare
from eval.report import compared
from eval.runs import Manifest, Run
from eval.schema import GroundedCase, Passage, Prediction, Suite

CASES = tuple(
    GroundedCase(f"c{n}", "en", f"When was bridge {n} built?", (Passage(f"d{n}", "", "In 1903."),), ("1903",), True)
    for n in range(40)
)  # fmt: skip


def run(folder: Path, output: str) -> Run:
    folder.mkdir()
    manifest = Manifest(
        suite="ours", version=1, sha256="0", licence="MIT", limit=None, seed=0,
        cases=tuple(case.id for case in CASES), subject={"adapter": folder.name}, date="2026-11-22",
    )  # fmt: skip
    found = tuple(Prediction(case.id, "grounded", output, confidence=0.9) for case in CASES)
    return Run(folder, manifest, Suite("ours", 1, "MIT", CASES, (), "0"), found)


@pytest.fixture
def page(tmp_path: Path) -> str:
    base, tuned = run(tmp_path / "base", "<script>alert(1)</script>"), run(tmp_path / "tuned", "1903")
    return compared.save(compare(base, tuned), [base, tuned], tuned.folder).read_text(encoding="utf-8")


def test_the_verdict_stands_beside_the_metric(page: str) -> None:
    row = next(part for part in page.split("<tr>") if "contains_answer" in part)
    assert row.index("better") < row.index("+1.000")


def test_changed_answers_stand_side_by_side(page: str) -> None:
    assert "Answers that became better" in page
    assert "When was bridge 3 built?" in page


def test_an_answer_is_never_markup(page: str) -> None:
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_equal_runs_show_no_changed_answers(tmp_path: Path) -> None:
    one = run(tmp_path / "one", "1903")
    other = replace(run(tmp_path / "other", "1903"))
    found = compared.save(compare(one, other), [one, other], other.folder).read_text(encoding="utf-8")
    assert "Answers that became" not in found
