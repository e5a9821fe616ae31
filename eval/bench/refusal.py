"""How far to believe an adapter that learnt to refuse: the fit for its ``skills.json``, and what it reaches.

``python -m eval.bench.refusal ROWS … --adapter NAME --fit`` asks each question three times, of its own
passage, of all passages, and of all but its own; weighs the search's log-odds against the model's on the
first ROWS, and prints the weights. The threshold is the highest that keeps the answers of all ROWS: what a
model learnt from one kind of text makes it refuse too much in another, so give questions to manuals beside
those to articles. Without ``--fit`` it measures the weights that the adapter has, on rows that were not
fitted on. The questions must not have been trained on.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from assistant import config, prompts
from assistant.evidence import abstention, relevance
from assistant.evidence.abstention import Decision
from assistant.evidence.attribution import shown
from assistant.evidence.words import is_chinese
from assistant.models import adapters, skills
from assistant.models.skills import Refusal
from assistant.runtime import Runtime
from assistant.schema import Language
from assistant.tools import grounded, quoting
from eval.bench.results import Row, save
from eval.loading import load
from eval.schema import GroundedCase, Suite
from eval.subjects import shelf

SHARE = 0.95
"""Of the answerable questions that the search answers, so many stay answered in each kind of text, whatever
the model says, unless another share is wanted."""
GIVEN, SEARCHED, LEFT_OUT = "passage given", "searched", "left out"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, and what search and model say of it."""

    kind: str
    answerable: bool
    search: float
    """The search's probability of an answer."""
    refusing: float
    """The model's log-likelihood of a refusal, nats."""

    def weighed(self, refusal: Refusal) -> Decision:
        """What the product decides."""
        return abstention.weigh(Decision(True, self.search, 0.5), self.refusing, refusal)

    @property
    def found(self) -> bool:
        """The search alone would answer."""
        return self.search >= abstention.THRESHOLD

    @property
    def features(self) -> tuple[float, float]:
        """Log-odds of the search and of the model."""
        alike = Refusal(search=0.0, model=1.0)
        return _logit(self.search), _logit(self.weighed(alike).confidence)


def main() -> None:
    """Fit, or measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="+", help="grounded cases, as suites")
    parser.add_argument("--adapter", required=True, help="name of the adapter")
    parser.add_argument("--fit", action="store_true", help="fit the weights and print them")
    parser.add_argument("--limit", type=int, default=300, help="questions asked of each kind")
    parser.add_argument("--share", type=float, default=SHARE, help="of what is answerable stays answered")
    parser.add_argument("--keep", type=Path, help="write what was asked there")
    options = parser.parse_args()
    asked = [list(_ask(load(suite), options.adapter, options.limit)) for suite in options.rows]
    if options.keep:
        lines = [json.dumps([n, *astuple(each)]) for n, some in enumerate(asked) for each in some]
        options.keep.write_text("\n".join(lines), encoding="utf-8")
    if options.fit:
        sys.stdout.write(fit(*asked, share=options.share).model_dump_json(indent=2) + "\n")
    else:
        own = skills.of(adapters.find(config.load().home, options.adapter)).refusal or Refusal()
        save("refusal", list(rows([each for some in asked for each in some], own)))


def _ask(suite: Suite, adapter: str, limit: int) -> Iterator[Asked]:
    cases = [case for case in suite.cases if isinstance(case, GroundedCase)]
    with tempfile.TemporaryDirectory() as home:
        settings = config.load()
        runtime = Runtime(settings.model_copy(update={"home": Path(home), "samples": False}), exclusive=True)
        ref = adapters.find(settings.home, adapter)
        if not adapters.is_shipped(ref):
            (Path(home) / "adapters").mkdir(exist_ok=True)
            (Path(home) / "adapters" / adapter).symlink_to(Path(ref.path).resolve())
        name = runtime.adapter_name(adapter)
        user = runtime.store.users.local()
        stock = shelf.add(runtime, user, suite.passages, lambda *_: None)
        everything = [found for case in cases for found in stock.documents(case) or ()]
        for case in random.Random(7).sample(cases, min(limit, len(cases))):
            own = stock.documents(case) or ()
            among: dict[str, Sequence[str]] = {GIVEN: own}
            if case.answerable:
                others = [found for found in dict.fromkeys(everything) if found not in own]
                among |= {SEARCHED: (*others, *own), LEFT_OUT: tuple(others)}
            for kind, documents in among.items():
                found = _one(runtime, user, case.question, documents, name)
                if found is not None:
                    yield Asked(kind, case.answerable and kind != LEFT_OUT, *found)
        runtime.close()


def _one(
    runtime: Runtime, user: Any, question: str, documents: Sequence[str], adapter: str | None
) -> tuple[float, float] | None:
    hits = runtime.library.search(user, question, document_ids=documents, k=runtime.settings.hits).hits
    if not hits:
        return None
    candidates = relevance.candidates(question, hits, runtime.similarity)
    decision = abstention.decide(question, hits, candidates)
    most = runtime.skills(adapter).passages
    language: Language = "zh" if is_chinese(question) else "en"
    shown_to_it = [[shown(hit)[0] for hit in hits[:most]]]
    if most == 1:
        shown_to_it = [
            [one.text]
            for one in quoting.ranked(
                question, hits, candidates, grounded.CONSIDERED, room=grounded.READ[language]
            )
        ] or shown_to_it
    asked = [prompts.grounded_trained(question, passages, language) for passages in shown_to_it]
    _, refusing = grounded.least_refused(runtime.generator(), asked, language, adapter)
    return decision.confidence, refusing


def fit(asked: Sequence[Asked], *others: Sequence[Asked], share: float = SHARE) -> Refusal:
    """The logistic that tells answerable questions best in ``asked``, and its threshold.

    That is the highest which keeps ``share`` in each kind of text, ``asked`` and ``others``.
    """
    from sklearn.linear_model import LogisticRegression

    x = [one.features for one in asked]
    model = LogisticRegression(C=100.0, max_iter=10_000, class_weight="balanced")
    model.fit(x, [one.answerable for one in asked])
    (search, own), bias = model.coef_[0], float(model.intercept_[0])
    found = Refusal(bias=round(bias, 4), search=round(float(search), 4), model=round(float(own), 4))
    return found.model_copy(
        update={"threshold": min(_keeping(each, found, share) for each in (asked, *others))}
    )


def _keeping(asked: Sequence[Asked], refusal: Refusal, share: float) -> float:
    """The highest threshold that keeps ``share`` of what should be answered, and is."""
    sure = sorted(one.weighed(refusal).confidence for one in asked if one.answerable and one.found)
    return math.floor(sure[int(len(sure) * (1 - share))] * 1000) / 1000 if sure else 1.0


def rows(asked: Sequence[Asked], refusal: Refusal) -> Iterator[Row]:
    """How well answerable is told from not, and how often each kind is answered."""
    from sklearn.metrics import roc_auc_score

    given = [one for one in asked if one.kind == GIVEN]
    searched = [one for one in asked if one.kind != GIVEN]
    for name, own in ((GIVEN, given), ("searched, own passage there or left out", searched)):
        truth = [one.answerable for one in own]
        for source, scores in (
            ("both", [one.weighed(refusal).confidence for one in own]),
            ("search alone", [one.search for one in own]),
            ("model alone", [-one.refusing for one in own]),
        ):
            yield Row(
                f"{name}: area under the curve, {source}", float(roc_auc_score(truth, scores)), n=len(own)
            )
        for answerable in (True, False):
            some = [one.found and one.weighed(refusal).answer for one in own if one.answerable == answerable]
            label = "answerable" if answerable else "unanswerable"
            yield Row(f"{name}: {label}, answered", sum(some) / len(some), n=len(some))


def _logit(probability: float) -> float:
    sure = min(max(probability, 1e-9), 1 - 1e-9)
    return math.log(sure / (1 - sure))


if __name__ == "__main__":
    main()
