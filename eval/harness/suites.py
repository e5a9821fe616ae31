"""Built-in suites in the form that lm-evaluation-harness reads: its tasks here name these functions."""

from __future__ import annotations

from typing import Any

from assistant import prompts
from assistant.schema import LABELS
from eval import loading
from eval.schema import GroundedCase, SentimentCase


def sentiment(**_: Any) -> dict[str, Any]:
    """English texts with the label as one of three replies."""
    from datasets import Dataset

    rows = [
        {
            "prompt": prompts.sentiment(case.text)[-1].text,
            "choices": list(prompts.SENTIMENT_REPLIES),
            "label": LABELS.index(case.label),
        }
        for case in loading.load("sentiment-en").cases
        if isinstance(case, SentimentCase)
    ]
    return {"test": Dataset.from_list(rows)}


def grounded(**_: Any) -> dict[str, Any]:
    """English questions that their documents answer, the documents in the prompt as serving shows them."""
    from datasets import Dataset

    rows = [
        {
            "prompt": prompts.grounded(case.question, [each.text for each in case.documents], "en")[-1].text,
            "answers": list(case.answers),
        }
        for case in loading.load("grounded-en").cases
        if isinstance(case, GroundedCase) and case.answerable
    ]
    return {"test": Dataset.from_list(rows)}


def contains(doc: dict[str, Any], results: list[str]) -> dict[str, float]:
    """Whether the reply holds one of the right answers."""
    from eval.metrics import answers

    return {"contains_answer": float(answers.holds(results[0], doc["answers"], "en"))}
