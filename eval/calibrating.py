"""Fit how sure an answer has to be: ``youju eval calibrate`` on questions with their documents.

Every question is searched among the documents of all cases and read as in a chat, without writing an answer.
Half of the documents fit weights and thresholds and the other half measures them; then all fit those of the
file, which says what was measured. Questions of one document never stand on both sides.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from assistant.assistant import Assistant
from assistant.config import Settings
from assistant.errors import BadRequestError
from assistant.evidence.calibration import FOLDER, Calibration, Signs, Weights, file_name
from assistant.models import adapters
from assistant.models.catalog import resolve, settled
from assistant.schema import AdapterRef
from assistant.store import User
from eval.metrics.answers import f1
from eval.metrics.grounded import auroc
from eval.metrics.normal_form import normal
from eval.schema import GroundedCase, Suite
from eval.subjects import local, shelf

if TYPE_CHECKING:
    from assistant.retrieval.search import SearchResult
    from assistant.tools.reader import Reader
    from assistant.tools.sources import Search

Progress = Callable[[str, float], None]
KEPT = 0.99
"""Share of the answerable questions that the search alone keeps."""
_LENIENT = 0.5
"""What the search's threshold is multiplied by: other documents' questions are put in other words."""
_HOPELESS = 0.125
"""The same of the reader before it writes: it only saves the writing of what is hopeless, for what it says of
an answer that it wrote tells more."""
READ = 0.97
"""Share of them that the reader goes on to write for."""
GIVEN = 0.9
"""Share of the right answers that are given."""
_LEAST = 20
"""Questions of each kind without which nothing is fitted."""
_SEARCH = ("lead", "found", "named", "across", "chinese")
_READING = ("lead", "chinese", "reader")
_ANSWER = ("lead", "chinese", "reader", "verified")
"""Shared words, named things and fluency told more on the questions fitted on, and less on questions that
colleagues put in words of their own (AUROC .70 with them, .75 without, on 29 questions)."""
_RIGHT = 0.5
"""Token F1 with a person's answer from which an answer counts as right, where it does not hold it whole."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A question with what is known before an answer is written."""

    answerable: bool
    right: bool
    """What was written holds the answer."""
    source: str
    """What it is split by: its document."""
    signs: Signs
    far: Signs
    """The search's, with the document left out: what a question about anything else looks like."""


def calibrate(
    settings: Settings, suite: Suite, work: Path, adapter: str | None, seed: int, progress: Progress
) -> tuple[Calibration, Path]:
    """Fit for the model, adapter and embedder in use, and write the file to the data folder.

    Args:
        settings: The user's.
        suite: Grounded cases, answerable and not.
        work: An empty folder, for a library of the suite's passages.
        adapter: Its name; ``None`` is the bare model.
        seed: Of the split.
        progress: Told what is done and how far it is, 0..1.

    Returns:
        The calibration and where it was written.

    Raises:
        AdapterError: There is none of that name.
        BadRequestError: Too few answerable or unanswerable questions, or too few documents to split.
    """
    tuned = local.there(settings, adapter or "none")
    weighed = weigh(settings, suite, work, tuned, progress)
    model = settings.model if settings.base_url else resolve(settled(settings).model).name
    names = {"reader": model, "adapter": tuned.name if tuned else "", "embedder": settings.embedder}
    found = fit(weighed, seed).model_copy(update=names)
    return found, write(found, settings.home)


def weigh(
    settings: Settings, suite: Suite, work: Path, adapter: AdapterRef | None, progress: Progress
) -> list[Weighed]:
    """Search and read for every grounded case of a suite, in a data folder of its own.

    Raises:
        BadRequestError: Too few answerable or unanswerable questions.
    """
    cases = [case for case in suite.cases if isinstance(case, GroundedCase)]
    for answerable in (True, False):
        count = sum(case.answerable is answerable for case in cases)
        if count < _LEAST:
            value = f"{count} {'answerable' if answerable else 'unanswerable'} questions"
            raise BadRequestError(field="cases", value=value, remedy=f"give {_LEAST} of each kind or more")
    if adapter and not adapters.is_shipped(adapter):
        shutil.copytree(adapter.path, work / "adapters" / adapter.name)
    changes = {"home": work, "database_url": "", "samples": False, "adapter": ""}
    runtime = Assistant.open(settings.model_copy(update=changes), exclusive=True)
    try:
        user = runtime.workspace.store.users.local()
        placed = shelf.add(runtime, user, suite.passages, lambda *_: None)
        reader = runtime.models.reader(adapter.name if adapter else "none", user.id)
        found: list[Weighed] = []
        for done, case in enumerate(cases):
            progress(f"{done} of {len(cases)}", done / len(cases))
            found.append(_weighed(runtime, user, reader, case, placed.documents(case)))
        return found
    finally:
        runtime.close()


def _weighed(
    runtime: Assistant, user: User, reader: Reader, case: GroundedCase, own: Sequence[str]
) -> Weighed:
    """One question: as it is asked, and searched for with its ``own`` documents left out."""
    from assistant.tools import grounded

    similarity = runtime.models.similarity
    weighed = grounded.weigh(reader, case.question, _searching(runtime, user), similarity)
    ids = [record.id for record in runtime.workspace.store.documents.list(user)]
    others = _searching(runtime, user, [one for one in ids if one not in own])
    far = grounded.look(reader, case.question, others, similarity)
    right = case.answerable and _right(weighed.text, case)
    return Weighed(case.answerable, right, own[0] if own else case.id, weighed.signs, far)


def _searching(runtime: Assistant, user: User, document_ids: Sequence[str] | None = None) -> Search:
    def search(query: str, *rephrased: str) -> SearchResult:
        return runtime.workspace.library.search(
            user, query, rephrased=rephrased, document_ids=document_ids, k=runtime.settings.hits
        )

    return search


def fit(weighed: Sequence[Weighed], seed: int = 0) -> Calibration:
    """Measure a fit of half of the sources on the other half, then fit on all.

    Args:
        weighed: Of one reader, adapter and embedder; their names are the caller's to add.
        seed: Of the split.

    Raises:
        BadRequestError: Too few documents to split.
    """
    fitted, held = _halves(weighed, seed)
    if any(len({one.answerable for one in half}) < 2 for half in (fitted, held)):
        count = len({one.source for one in weighed})
        remedy = "each half needs answerable and unanswerable questions: give those of more documents"
        raise BadRequestError(field="cases", value=f"questions on {count} documents", remedy=remedy)
    measured = _measured(_fitted(fitted), held)
    return _fitted(weighed).model_copy(update={"fitted": {"fitted_on": len(weighed), **measured}})


def _fitted(weighed: Sequence[Weighed]) -> Calibration:
    able = [one for one in weighed if one.answerable]
    right = [one for one in weighed if one.right]
    reading = _logistic(weighed, [one.answerable for one in weighed], _READING)
    answer = _logistic(weighed, [one.right for one in weighed], _ANSWER)
    return Calibration(
        search=_search(weighed),
        reading=_scaled(_keeping(reading, able, READ), _HOPELESS),
        answer=_keeping(answer, right, GIVEN),
    )


def _search(weighed: Sequence[Weighed]) -> Weights:
    """What is plainly unrelated: answerable questions beside all questions whose document is left out."""
    near = [one for one in weighed if one.answerable]
    far = [replace(one, answerable=False, signs=one.far) for one in weighed]
    both = [*near, *far]
    found = _keeping(_logistic(both, [one.answerable for one in both], _SEARCH), near, KEPT)
    return _scaled(found, _LENIENT)


def _scaled(weights: Weights, share: float) -> Weights:
    return weights.model_copy(update={"threshold": round(weights.threshold * share, 4)})


def _right(text: str, case: GroundedCase) -> bool:
    held = any(normal(one) in normal(text) for one in case.answers)
    return held or f1(text, case.answers, case.lang) >= _RIGHT


def write(calibration: Calibration, home: Path) -> Path:
    """Write the file that ``calibration.load`` finds; returns its path."""
    name = file_name(calibration.reader, calibration.adapter or None, calibration.embedder)
    path = home / FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(calibration.model_dump(), indent=1, ensure_ascii=False) + "\n"
    draft = path.with_suffix(".part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    return path


def _halves(weighed: Sequence[Weighed], seed: int) -> tuple[list[Weighed], list[Weighed]]:
    sources = sorted({one.source for one in weighed})
    chosen = set(np.random.default_rng(seed).permutation(sources)[: len(sources) // 2].tolist())
    return [one for one in weighed if one.source in chosen], [
        one for one in weighed if one.source not in chosen
    ]


def _logistic(weighed: Sequence[Weighed], wanted: Sequence[bool], names: Sequence[str]) -> Weights:
    """Fitted with both kinds weighing the same; a sign that counts against its meaning is left out."""
    from sklearn.linear_model import LogisticRegression

    rows = np.array([[_value(one.signs, name) for name in names] for one in weighed])
    scale = rows.std(0)
    used = [n for n in range(len(names)) if scale[n] > 1e-9]
    if not used:
        return Weights()
    model = LogisticRegression(C=1.0, class_weight="balanced", max_iter=1000)
    model.fit(rows[:, used] / scale[used], wanted)
    slopes = {names[n]: float(slope / scale[n]) for n, slope in zip(used, model.coef_[0], strict=True)}
    wrong = [name for name, slope in slopes.items() if slope < 0 and name not in ("across", "chinese")]
    if wrong:
        return _logistic(weighed, wanted, [name for name in names if name not in wrong])
    return Weights(bias=round(float(model.intercept_[0]), 4), **{k: round(v, 4) for k, v in slopes.items()})


def _value(signs: Signs, name: str) -> float:
    return 0.0 if name == "found" and signs.across else float(getattr(signs, name))


def _keeping(weights: Weights, weighed: Sequence[Weighed], share: float) -> Weights:
    """With the highest threshold that keeps this share of them."""
    sure = sorted(weights.probability(one.signs) for one in weighed)
    threshold = np.floor(1e4 * sure[int((1 - share) * len(sure))]) / 1e4 if sure else 0.5
    return weights.model_copy(update={"threshold": float(threshold)})


def _measured(found: Calibration, held: Sequence[Weighed]) -> dict[str, float | int | str]:
    can, cannot = ([one for one in held if one.answerable is answerable] for answerable in (True, False))
    given = [one for one in held if _given(found, one)]
    sure = np.array([(found.answer.probability(one.signs), float(not one.right)) for one in held])
    return {
        "held_out": len(held),
        "search_keeps": _share([found.search.accepts(one.signs) for one in can]),
        "answerable_right": _share([one.right and _given(found, one) for one in can]),
        "unanswerable_declined": _share([not _given(found, one) for one in cannot]),
        "given_wrong": _share([not one.right for one in given]),
        "auroc": round(auroc(sure), 4),
    }


def _given(found: Calibration, one: Weighed) -> bool:
    return all(weights.accepts(one.signs) for weights in (found.search, found.reading, found.answer))


def _share(values: Sequence[bool]) -> float:
    return round(float(np.mean(values)), 4) if values else float("nan")
