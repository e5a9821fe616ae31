"""Which of our two languages a text is in, or that it is in none of them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from assistant.evidence.words import is_chinese
from assistant.schema import Language

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_UNLIKELY = 0.005
"""Probability of ours below which a text is in another language: of 300 short questions in ours, codes and
misspelt ones among them, the least is .019; "Wie viele Urlaubstage habe ich?" has .0006."""
_OURS = {"en", "zh", "wuu", "yue", "lzh"}


def language_of(text: str) -> Language | None:
    """English, Chinese, or ``None`` for any other."""
    ours = sum(float(likely) for language, likely in _identifier().rank(text) if language in _OURS)
    if ours < _UNLIKELY:
        return None
    return "zh" if is_chinese(text) else "en"


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
