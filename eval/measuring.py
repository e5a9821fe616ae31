"""Scores of plain replies, for whoever trains: metrics without a run (entry point ``youju.measures``)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from assistant import prompts
from assistant.evidence.words import is_chinese
from eval.metrics import answers

_MARK = re.compile(r"\s*\[\d+\]")
_LEVELS = ("negative", "neutral", "positive")


def score(cases: Sequence[Mapping[str, Any]], outputs: Sequence[str]) -> dict[str, float]:
    """Mean metrics of each task that occurs.

    Args:
        cases: In a suite's shape.
        outputs: What was replied to each, as the model wrote it.

    Returns:
        ``accuracy`` of sentiment, ``token_f1`` of grounded answers (SQuAD 2.0: a refusal is right where there
        is no answer), ``rouge_l`` of summaries.
    """
    rules = {
        "sentiment": ("accuracy", _label),
        "grounded": ("token_f1", _answer),
        "summarize": ("rouge_l", _summary),
    }
    found: dict[str, list[float]] = {}
    for case, output in zip(cases, outputs, strict=True):
        if (rule := rules.get(str(case.get("task")))) is not None:
            found.setdefault(rule[0], []).append(rule[1](case, output))
    return {name: fmean(values) for name, values in found.items()}


def _label(case: Mapping[str, Any], output: str) -> float:
    said = [level for level in _LEVELS if level in output.lower()]
    return float(said == [case["label"]])


def _answer(case: Mapping[str, Any], output: str) -> float:
    refused = output.strip() in prompts.NOT_FOUND.values()
    right = [str(answer) for answer in case.get("answers") or ()]
    if not case.get("answerable", bool(right)):
        return float(refused)
    if refused or not right:
        return 0.0
    return answers.f1(
        _MARK.sub("", output), right, case.get("lang") or ("zh" if is_chinese(output) else "en")
    )


def _summary(case: Mapping[str, Any], output: str) -> float:
    from eval.metrics import summarize

    references = tuple(str(reference) for reference in case.get("references") or ())
    return summarize.rouges(references, output)["rougeL"] if references else 0.0
