"""A run told to people and to scripts."""

from __future__ import annotations

import json
from pathlib import Path

from eval.report import page, text
from eval.report.findings import Report, find
from eval.runs import Run

__all__ = ["Report", "find", "write"]


def write(run: Run) -> Report:
    """Measure a run, and write report.json, report.md and report.html into its folder."""
    report = find(run)
    _put(run.folder / "report.json", json.dumps(report.as_dict(), ensure_ascii=False, indent=1) + "\n")
    _put(run.folder / "report.md", text.markdown(report))
    _put(run.folder / "report.html", page.html(report))
    return report


def _put(path: Path, words: str) -> None:
    """All or nothing."""
    part = path.with_suffix(path.suffix + ".part")
    part.write_text(words, encoding="utf-8")
    part.replace(path)
