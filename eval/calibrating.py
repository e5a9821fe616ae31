"""Fit how sure an answer has to be: ``youju eval calibrate`` on questions with their documents.

Every question is searched for, read and answered as in a chat, and no answer is given (`weighing`).
Half of the documents fit weights and thresholds and the other half measures them; then all fit those of the
file, which says what was measured. Questions of one document never stand on both sides.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from assistant.config import Settings
from assistant.errors import BadRequestError
from assistant.evidence.calibration import FOLDER, Calibration, Signs, Weights, file_name, load
from assistant.models.catalog import resolve, settled
from eval import claims
from eval.metrics.grounded import auroc
from eval.schema import Suite, VerdictCase
from eval.subjects import local
from eval.weighing import Progress, Weighed, halves, opened, weigh

KEPT = 0.99
"""Share of the answerable questions that the search alone keeps."""
_LENIENT = 0.5
"""What the search's threshold is multiplied by: other documents' questions are put in other words."""
_HOPELESS = 0.125
"""The same of the reader before it writes: it only saves the writing of what is hopeless, for what it says of
an answer that it wrote tells more."""
READ = 0.97
"""Share of them that the reader goes on to write for."""
GIVEN = 0.8
"""Share of the right answers that are given."""
_SEARCH = ("lead", "found", "named", "across", "chinese")
_READING = ("lead", "chinese", "reader")
_ANSWER = ("lead", "found", "chinese", "reader", "verified", "fluent")
SURE = 0.9
"""Share of right ones among the answers that are shown as supported without reserve."""
SURE_OF = 10
"""Answers from which that share is believed."""
SHOWN = 0.9
"""Share of answers given in the end among those that are shown while they are written."""


def calibrate(
    settings: Settings, suite: Suite, work: Path, adapter: str | None, seed: int, progress: Progress
) -> tuple[Calibration, Path]:
    """Fit for the model, adapter and embedder in use, and write the file to the data folder.

    Args:
        settings: The user's.
        suite: Plain questions to the documents in use, or grounded cases, answerable and not; or claims with
            their evidence, which fit only how the reader's judgement of a sentence counts.
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
    model = settings.model if settings.base_url else resolve(settled(settings).model).name
    names = {"reader": model, "adapter": tuned.name if tuned else "", "embedder": settings.embedder}
    before = load(settings.home, model, tuned.name if tuned else None, settings.embedder)
    stated = [case for case in suite.cases if isinstance(case, VerdictCase)]
    if stated:
        with opened(settings, suite, work, tuned) as runtime:
            reader = runtime.models.reader(tuned.name if tuned else "none")
            weights, measured = claims.fit(claims.judge(reader, stated, progress), seed)
        changed = {"verdict": weights, "fitted": {**before.fitted, **measured}}
        found = before.model_copy(update={**names, **changed})
    else:
        fresh = fit(weigh(settings, suite, work, tuned, progress), seed)
        told = {key: value for key, value in before.fitted.items() if key.startswith("verdict")}
        kept = {"verdict": before.verdict, "fitted": {**fresh.fitted, **told}}
        found = fresh.model_copy(update={**names, **kept})
    return found, write(found, settings.home)


def fit(weighed: Sequence[Weighed], seed: int = 0) -> Calibration:
    """Measure a fit of half of the sources on the other half, then fit on all.

    Args:
        weighed: Of one reader, adapter and embedder; their names are the caller's to add.
        seed: Of the split.

    Raises:
        BadRequestError: Too few documents to split.
    """
    fitted, held = halves(weighed, seed)
    if not any(one.right for one in fitted):
        remedy = "try a larger model, or easier questions: nothing tells when it is right"
        raise BadRequestError(field="reader", value="no right answer to half of the documents", remedy=remedy)
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
    written = [one for one in weighed if not one.refused]
    answer = _logistic(written, [one.right for one in written], _ANSWER)
    found = Calibration(
        search=_search(weighed),
        reading=_scaled(_keeping(reading, able, READ), _HOPELESS),
        answer=_keeping(answer, right, GIVEN),
    )
    return found.model_copy(
        update={"shown_from": _shown_from(found, weighed), "sure_from": _sure_from(found, weighed)}
    )


def _shown_from(found: Calibration, weighed: Sequence[Weighed]) -> float:
    """The lowest probability of the reading from which nearly all are given; 1 where there is none."""
    ranked = sorted(weighed, key=lambda one: -found.reading.probability(one.signs))
    given = np.cumsum([_given(found, one) for one in ranked]) / np.arange(1, len(ranked) + 1)
    enough = np.flatnonzero(given >= SHOWN)
    if not enough.size:
        return 1.0
    return round(found.reading.probability(ranked[int(enough[-1])].signs), 4)


def _sure_from(found: Calibration, weighed: Sequence[Weighed]) -> float:
    """The lowest probability of an answer from which those given are right often enough.

    0 where that holds of all that are given, or never of as many as `SURE_OF`.
    """
    given = [one for one in weighed if _given(found, one)]
    ranked = sorted(given, key=lambda one: -found.answer.probability(one.signs))
    right = np.cumsum([one.right for one in ranked]) / np.arange(1, len(ranked) + 1)
    enough = [n for n in np.flatnonzero(right >= SURE) if n + 1 >= SURE_OF]
    if not enough or enough[-1] + 1 == len(ranked):
        return 0.0
    return round(found.answer.probability(ranked[int(enough[-1])].signs), 4)


def _search(weighed: Sequence[Weighed]) -> Weights:
    """What is plainly unrelated: answerable questions beside all questions whose document is left out."""
    near = [one for one in weighed if one.answerable]
    far = [replace(one, answerable=False, signs=one.far) for one in weighed]
    both = [*near, *far]
    found = _keeping(_logistic(both, [one.answerable for one in both], _SEARCH), near, KEPT)
    return _scaled(found, _LENIENT)


def _scaled(weights: Weights, share: float) -> Weights:
    return weights.model_copy(update={"threshold": round(weights.threshold * share, 4)})


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
    steps = (found.search, found.reading, found.answer)
    return not one.refused and all(weights.accepts(one.signs) for weights in steps)


def _share(values: Sequence[bool]) -> float:
    return round(float(np.mean(values)), 4) if values else float("nan")
