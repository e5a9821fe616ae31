"""How near translations come to people's: chrF on parallel passages, in both directions.

``python -m eval.bench.translate`` draws passages of XQuAD, whose Chinese is a professional translation of
its English, and translates them as the page does. Beside it, in the same run, what copying the source scores.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistant.config import load
from assistant.evidence.parallel import lost
from assistant.schema import Delta, Estimate, Language, Translation
from assistant.tools.translate import translate
from eval.bench.results import Row, save
from eval.statistics.intervals import estimate
from eval.statistics.sampling import mean

PASSAGES = 20
"""Drawn once and translated in both directions; about five sentences each."""
LONGEST = 1000
"""Characters of an English passage, so that a run on two cores takes minutes."""


@dataclass(frozen=True, slots=True)
class Run:
    """Passages of one direction, and what became of them."""

    target: Language
    sources: list[str]
    references: list[str]
    translation: Translation
    seconds: float
    tokens: int


def main() -> None:
    """Translate, measure and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("YOUJU_DATA"), help="folder of the data sets"
    )
    parser.add_argument(
        "--model", default=None, help="catalog name, Hub id or folder; the settings' model if not given"
    )
    parser.add_argument("--passages", type=int, default=PASSAGES, help="drawn for both directions")
    parser.add_argument(
        "--to", choices=["zh", "en"], action="append", help="one direction; both if not given"
    )
    options = parser.parse_args()
    if options.data is None:
        parser.error("name the data folder with --data or YOUJU_DATA")
    pairs = drawn(Path(options.data) / "retrieval", options.passages)
    rows = [
        row for target in options.to or ("zh", "en") for row in figures(run(options.model, pairs, target))
    ]
    save("translate", [*rows, *alarms(drawn(Path(options.data) / "retrieval", 1000))])


def drawn(folder: Path, count: int) -> list[tuple[str, str]]:
    """English passages with their Chinese."""
    english, chinese = (_read(folder / f"xquad-{name}" / "corpus.jsonl") for name in ("en", "zh"))
    ids = [key for key in sorted(english, key=int) if key in chinese and len(english[key]) <= LONGEST]
    random.Random(7).shuffle(ids)
    return [(english[key], chinese[key]) for key in ids[:count]]


def _read(path: Path) -> dict[str, str]:
    rows = (json.loads(line) for line in path.open(encoding="utf-8"))
    return {row["id"]: " ".join(row["text"].split()) for row in rows}


def run(model: str | None, pairs: list[tuple[str, str]], target: Language) -> Run:
    """Translate all passages as one text with a paragraph each."""
    from assistant.loaded import Models

    generator = Models(load(model=model)).generator()
    sources, references = zip(*(pair if target == "zh" else pair[::-1] for pair in pairs), strict=True)
    began, tokens, last = time.monotonic(), 0, None
    try:
        for last in translate("\n\n".join(sources), generator, target=target):
            tokens += last.tokens if isinstance(last, Delta) and last.finish else 0
    finally:
        generator.close()
    assert isinstance(last, Translation)
    return Run(target, list(sources), list(references), last, time.monotonic() - began, tokens)


def figures(done: Run) -> Iterator[Row]:
    """Score of the passages beside copying, the share of sentences to check, and the speed."""
    written = done.translation.text.split("\n\n")
    name = "English to Chinese" if done.target == "zh" else "Chinese to English"
    copied = float(np.mean(_chrf(done.sources, done.references)))
    scores = np.array(_chrf(written, done.references))
    found = estimate(scores[:, None], mean)
    interval = f"95 % {found.low:.1f}..{found.high:.1f}, " if isinstance(found, Estimate) else ""
    yield Row(
        name, float(scores.mean()), "chrF", "", f"{interval}the source copied {copied:.1f}", len(written)
    )
    sentences = done.translation.sentences
    doubtful = len(done.translation.doubtful) / len(sentences)
    kinds = sorted({doubt.kind for one in sentences for doubt in one.doubts})
    yield Row(f"{name}: sentences to check", doubtful, "", "", ", ".join(kinds), len(sentences))
    yield Row(f"{name}: speed", done.tokens / done.seconds, "tokens/s", "", f"{done.seconds:.0f} s in all")


def alarms(pairs: list[tuple[str, str]]) -> Iterator[Row]:
    """How often the check of numbers doubts a passage that people translated; no model is asked."""
    for name, turn in (("English to Chinese", 1), ("Chinese to English", -1)):
        doubted = sum(bool(lost(*pair[::turn])) for pair in pairs)
        yield Row(f"{name}: people's own, numbers doubted", doubted / len(pairs), "of passages", n=len(pairs))


def _chrf(written: list[str], references: list[str]) -> list[float]:
    import sacrebleu

    return [
        sacrebleu.sentence_chrf(one, [other]).score for one, other in zip(written, references, strict=True)
    ]


if __name__ == "__main__":
    main()
