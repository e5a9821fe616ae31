"""Whether a reply does what it was asked to: IFEval's own checks, from lm-evaluation-harness.

They run without NLTK's downloads. Two checks count by NLTK's sentence model (``number_sentences`` and
``capital_word_frequency``); here they have the same algorithm without its list of English abbreviations,
unless the model (punkt_tab) is installed.
"""

from __future__ import annotations

import os
from functools import lru_cache
from importlib.util import find_spec
from threading import RLock
from typing import Any
from unittest import mock

from eval.errors import SuiteError
from eval.schema import ChatCase, Check

NEEDED = ("lm_eval", "langdetect", "immutabledict", "nltk")
MISSING = "IFEval's checks need lm-evaluation-harness: pip install 'youju[eval]'"
_LOCK = RLock()


def available() -> bool:
    """All that the checks need is installed."""
    return all(find_spec(name) for name in NEEDED)


def passed(case: ChatCase, reply: str, *, loose: bool) -> bool:
    """All checks of a case hold, as IFEval counts a prompt.

    Args:
        case: With at least one check.
        reply: The whole reply.
        loose: Also without its first or last line, and without asterisks.

    Raises:
        SuiteError: A check has an unknown id, or arguments that it does not take.
    """
    texts = [text for text in (_readings(reply) if loose else [reply]) if text.strip()]
    with _LOCK:  # the instructions of lm-eval share a random state of langdetect
        return all(_holds(check, case, texts) for check in case.checks)


def _readings(reply: str) -> list[str]:
    lines = reply.split("\n")
    cut = [reply, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    return [*cut, *(text.replace("*", "") for text in cut)]


def _holds(check: Check, case: ChatCase, texts: list[str]) -> bool:
    kinds = _instructions()
    if check.id not in kinds:
        raise _fault(check, case, "id", check.id, f"use one of {', '.join(kinds)}")
    instruction = kinds[check.id](check.id)
    arguments = {name: value for name, value in check.arguments.items() if value}
    try:
        instruction.build_description(**arguments)
        asked = instruction.get_instruction_args()
        if asked and "prompt" in asked:
            instruction.build_description(prompt=case.messages[-1].text)
    except (TypeError, ValueError, KeyError) as fault:
        raise _fault(check, case, "arguments", dict(check.arguments), f"{check.id}: {fault}") from fault
    return any(instruction.check_following(text) for text in texts)


def _fault(check: Check, case: ChatCase, field: str, value: object, remedy: str) -> SuiteError:
    return SuiteError(file=f"case {case.id}", line="-", field=f"checks.{field}", value=value, remedy=remedy)


@lru_cache(maxsize=1)
def _instructions() -> dict[str, Any]:
    """lm-eval's classes by instruction id."""
    # Any rank but 0 keeps the import from asking the network for NLTK's model.
    with mock.patch.dict(os.environ, {"LOCAL_RANK": "1"}):
        from lm_eval.tasks.ifeval import instructions_registry, instructions_util
    import langdetect

    langdetect.DetectorFactory.seed = 0
    if not _has_model():
        _without_model(instructions_util)
    return dict(instructions_registry.INSTRUCTION_DICT)


def _has_model() -> bool:
    import nltk

    try:
        nltk.data.find("tokenizers/punkt_tab")
    except LookupError:
        return False
    return True


def _without_model(instructions_util: Any) -> None:
    """Give lm-eval's two callers of NLTK's sentence model one that needs no data."""
    import nltk
    from nltk.tokenize import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktSentenceTokenizer

    sentences, words = PunktSentenceTokenizer(), NLTKWordTokenizer()
    instructions_util._get_sentence_tokenizer = lambda: sentences

    class Nltk:
        """NLTK, but for the one function that loads the model."""

        def __getattr__(self, name: str) -> Any:
            return getattr(nltk, name)

        @staticmethod
        def word_tokenize(text: str) -> list[str]:
            return [word for each in sentences.tokenize(text) for word in words.tokenize(each)]

    instructions_util.nltk = Nltk()
