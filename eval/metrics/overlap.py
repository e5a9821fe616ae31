"""How much of one text stands in another."""

from __future__ import annotations

from functools import lru_cache

from eval.metrics.words import units


@lru_cache(maxsize=4_096)
def chrf(references: tuple[str, ...], text: str) -> float:
    """The chrF of sacrebleu against the reference that fits best, 0..1."""
    import sacrebleu

    return float(sacrebleu.sentence_chrf(text, list(references)).score / 100)


def share(text: str, source: str) -> float:
    """The share of a text's different words and Han characters that stand in the source, 0..1."""
    wanted = set(units(text))
    return len(wanted & set(units(source))) / len(wanted) if wanted else 0.0
