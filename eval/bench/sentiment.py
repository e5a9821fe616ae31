"""Sentiment of the embedded model: accuracy, calibration and the prior's share in it.

``python -m eval.bench.sentiment`` judges rows of the dev sets, which nothing was tuned on. The prior is read
from `assistant.tools.sentiment_scale`'s own texts, never from the rows judged.
"""

from __future__ import annotations

import argparse
import json
import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from assistant.config import load
from assistant.engine.protocol import Generator
from assistant.evidence.words import is_chinese
from assistant.schema import LABELS, Label, Language
from assistant.tools.sentiment_scale import Fit, Reading, Scale, read, scale_of
from eval.bench.results import Row, save

FILM = "vader-movie"
BATCH = 32
PER_SOURCE = 100
"""Rows drawn from each source; of films, which the bar is on, three times as many."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One row and what was read of it."""

    source: str
    label: Label
    reading: Reading
    shares: tuple[float, float, float]

    @property
    def best(self) -> Label:
        """The most probable of three."""
        return LABELS[max(range(3), key=lambda i: self.shares[i])]

    @property
    def side(self) -> Label:
        """The better of negative and positive."""
        return "positive" if self.shares[2] >= self.shares[0] else "negative"

    def said(self, whole: bool) -> tuple[float, bool]:
        """Probability of the best of three labels, or of the better of two, and whether it is right."""
        if whole:
            return max(self.shares), self.best == self.label
        negative, _, positive = self.shares
        return max(negative, positive) / (negative + positive), self.side == self.label


def main() -> None:
    """Measure and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("YOUJU_DATA"), help="folder of the data sets"
    )
    parser.add_argument(
        "--model", default=None, help="catalog name, Hub id or folder; the settings' model if not given"
    )
    parser.add_argument(
        "--rows", type=int, default=PER_SOURCE, help="drawn from each source; of films three times as many"
    )
    parser.add_argument(
        "--split", default="dev", choices=["dev", "train"], help="train is for fitting, with --fit"
    )
    parser.add_argument("--fit", action="store_true", help="fit the scale of a model and print it")
    options = parser.parse_args()
    if options.data is None:
        parser.error("name the data folder with --data or YOUJU_DATA")
    rows = list(
        _rows(Path(options.data) / "sentiment", "train" if options.fit else options.split, options.rows)
    )
    generator = _generator(options.model)
    try:
        judged = judge(rows, generator)
        if options.fit:
            _fit(judged, generator)
        else:
            save("sentiment", list(figures(judged)))
    finally:
        generator.close()


def _generator(name: str | None) -> Generator:
    from assistant.loaded import Models

    return Models(load(model=name)).generator()


def _rows(folder: Path, split: str, count: int) -> Iterator[dict[str, str]]:
    """Drawn from every source of both languages; the files are sorted by label in places."""
    found = [
        json.loads(line)
        for lang in ("en", "zh")
        for line in (folder / f"{lang}.{split}.jsonl").open(encoding="utf-8")
    ]
    for source in sorted({_source(row) for row in found}):
        own = [row for row in found if _source(row) == source]
        wanted = 3 * count if source == FILM else count
        if source == FILM:
            own = [row for row in own if row["label"] != "neutral"]
        yield from random.Random(7).sample(own, min(wanted, len(own)))


def _source(row: dict[str, str]) -> str:
    """``vader-movieReviewSnippets-12`` -> ``vader-movie``."""
    name = "-".join(row["id"].split("-")[:2]) if row["id"].startswith("vader") else row["id"].split("-")[0]
    return FILM if name.startswith(FILM) else name


def judge(rows: Sequence[dict[str, str]], generator: Generator) -> list[Judged]:
    """Read all rows, in batches of like length."""
    rows = sorted(rows, key=lambda row: len(row["text"]))
    judged: list[Judged] = []
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        for row, reading in zip(batch, read([row["text"] for row in batch], generator), strict=True):
            scale = scale_of(generator, _language(row), None)
            judged.append(Judged(_source(row), row["label"], reading, scale.probabilities(reading)))  # type: ignore[arg-type]
        print(f"\r{len(judged)}/{len(rows)} rows", end="", flush=True)
    print()
    return judged


def _language(row: dict[str, str]) -> Language:
    return "zh" if is_chinese(row["text"]) else "en"


def figures(judged: Sequence[Judged]) -> Iterator[Row]:
    """Two-way accuracy with and without the correction, three-way accuracy, and calibration, by source."""
    for source in sorted({one.source for one in judged}):
        own = [one for one in judged if one.source == source]
        sided = [one for one in own if one.label != "neutral"]
        plain = sum((one.reading.balance > 0) == (one.label == "positive") for one in sided)
        right = sum(one.side == one.label for one in sided)
        target = ">= 0.76" if source == FILM else ""
        beside = f"{_interval(right, len(sided))}, plain likelihood {plain / len(sided):.3f}"
        yield Row(
            f"{source}: positive or negative", right / len(sided), "accuracy", target, beside, len(sided)
        )
        if len(sided) < len(own):
            three = sum(one.best == one.label for one in own)
            yield Row(
                f"{source}: with neutral",
                three / len(own),
                "accuracy",
                "",
                _interval(three, len(own)),
                len(own),
            )
    for language, own in (
        ("en", [o for o in judged if o.source.startswith("vader")]),
        ("zh", [o for o in judged if not o.source.startswith("vader")]),
    ):
        whole = any(one.label == "neutral" for one in own)
        yield Row(
            f"{language}: calibration error",
            _calibration_error([one.said(whole) for one in own]),
            "",
            "",
            "10 bins of the best of three labels"
            if whole
            else "10 bins of the better of two; no neutral rows",
            len(own),
        )
        sure = [one for one in own if max(one.shares) >= 0.5]
        hits = sum(one.best == one.label for one in sure)
        yield Row(
            f"{language}: accuracy where it is sure",
            hits / max(len(sure), 1),
            "",
            "",
            f"sure on {len(sure) / len(own):.2f} of rows",
            len(sure),
        )


def _calibration_error(said: Sequence[tuple[float, bool]]) -> float:
    error = 0.0
    for low in range(10):
        own = [one for one in said if low / 10 <= min(one[0], 0.9999) < (low + 1) / 10]
        if own:
            sure = sum(share for share, _ in own) / len(own)
            right = sum(true for _, true in own) / len(own)
            error += abs(sure - right) * len(own) / len(said)
    return error


def _interval(right: int, count: int) -> str:
    from scipy.stats import binomtest

    found = binomtest(right, count).proportion_ci(method="wilson")
    return f"95 % {found.low:.3f}..{found.high:.3f}"


def _fit(judged: Sequence[Judged], generator: Generator) -> None:
    """Fit by maximum likelihood on training rows, every source and label of equal weight, and print."""
    neutral = (0.0, 0.3)
    for language in ("en", "zh"):
        own = [one for one in judged if one.source.startswith("vader") == (language == "en")]
        whole = any(one.label == "neutral" for one in own)
        base = replace(scale_of(generator, language, None), **asdict(Fit(0.0, 1.0, *neutral)))
        found = _best(own, base, whole)
        neutral = (float(found.neutral_bias), float(found.neutral_slope if whole else 0.0))
        fit = Fit(found.shift, found.slope, *neutral)
        print(f"({generator.name!r}, {language!r}): {fit}")


def _best(own: Sequence[Judged], base: Scale, whole: bool) -> Scale:
    """The likeliest scale; without neutral rows only shift and slope are fitted, between the other two."""
    from scipy.optimize import minimize

    counts = Counter((one.source, one.label) for one in own)
    sources = Counter(label for _, label in counts)

    def scale(values: Sequence[float]) -> Scale:
        names = ("shift", "slope", "neutral_bias", "neutral_slope")
        return replace(base, **dict(zip(names, map(float, values), strict=False)))

    def loss(values: Sequence[float]) -> float:
        tried = scale(values) if whole else replace(scale(values), neutral_bias=-50.0)
        return sum(_surprise(tried, one) / counts[one.source, one.label] / sources[one.label] for one in own)

    start = [0.0, 1.0, base.neutral_bias, base.neutral_slope][: 4 if whole else 2]
    return scale(minimize(loss, start, method="Nelder-Mead", options={"maxiter": 2000}).x)


def _surprise(scale: Scale, one: Judged) -> float:
    from math import log

    return -log(max(scale.probabilities(one.reading)[LABELS.index(one.label)], 1e-9))


if __name__ == "__main__":
    main()
