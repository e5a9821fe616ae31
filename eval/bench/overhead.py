"""What measuring costs beside the model: eval's own share of a run, and a run beside bare calls.

The same texts go through the runner and through ``Assistant`` alone, in turns; the second is what a loop
without manifest, files, progress and scores would take.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from assistant import config
from assistant.assistant import Assistant
from eval import loading, runner
from eval.bench.results import Row, save
from eval.runs import Run
from eval.schema import SentimentCase, Suite
from eval.subjects.local import LocalSubject
from eval.subjects.protocol import Progress

SUITE = "sentiment-en"
CASES = 24
TURNS = 3
"""The two take turns, and the median of the turns' ratios counts: other work slows single ones."""


def main() -> None:
    """Measure and save."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--cases", type=int, default=CASES)
    cases = asked.parse_args().cases
    suite = loading.load(SUITE)
    runs: list[Run] = []
    ratios: list[float] = []
    for turn in range(TURNS):
        part = runner.draw(suite, cases, seed=turn)
        bare = alone(part)
        found = through(part)
        runs.append(found)
        ratios.append(found.sessions[0].seconds["predict"] / bare)
    own = sum(run.sessions[0].seconds["own"] for run in runs)
    whole = sum(run.sessions[0].seconds["predict"] for run in runs)
    n = TURNS * cases
    save(
        "overhead",
        [
            Row("own share of a run", own / (whole - own), "", "<= 0.05", "the model's time", n),
            Row(
                "run beside bare calls",
                statistics.median(ratios),
                "x",
                "",
                "Assistant.sentiment in a loop",
                n,
            ),
        ],
    )


def alone(suite: Suite) -> float:
    """Seconds of a bare loop over the assistant, models loaded before."""
    with tempfile.TemporaryDirectory() as home:
        runtime = Assistant.open(config.load().model_copy(update={"home": Path(home), "samples": False}))
        try:
            user = runtime.workspace.store.users.local()
            list(runtime.sentiment(user, ["Warm up."]))
            begin = time.perf_counter()
            for case in suite.cases:
                if isinstance(case, SentimentCase):
                    list(runtime.sentiment(user, [case.text]))
            return time.perf_counter() - begin
        finally:
            runtime.close()


def through(suite: Suite) -> Run:
    """The same through the runner."""
    with tempfile.TemporaryDirectory() as folder:
        subject = _Warm(config.load().model_copy(update={"home": Path(folder) / "home"}))
        return runner.run(suite, subject, Path(folder) / "run")


class _Warm(LocalSubject):
    """Reads the scale of sentiments before the clock runs, as the bare loop does."""

    def prepare(self, suite: Suite, work: Path, progress: Progress) -> None:
        super().prepare(suite, work, progress)
        self.predict(SentimentCase("warm", "en", "Warm up.", "neutral"))


if __name__ == "__main__":
    main()
