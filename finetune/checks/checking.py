"""All checks over all rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from assistant.rendering import Renderer
from finetune.checks import conflicts, control, duplicates, lengths, order, overlap, personal, sample
from finetune.checks.report import Report
from finetune.checks.rows import rows
from finetune.checks.suites import cases
from finetune.data.loading import Loaded
from finetune.schema import Fault, Origin


def check(
    loaded: Loaded,
    *,
    renderer: Renderer | None,
    max_length: int,
    suites: Sequence[Path],
    documents: Iterable[str],
) -> Report:
    """Look for what is wrong with examples before anything is spent on them. Nothing is written.

    Args:
        loaded: What was read, with the faults of the rows that could not be.
        renderer: Of the model that is to be trained; without one, lengths and masks are left out.
        max_length: Tokens of a row that are trained on.
        suites: That the adapter will be measured with; their cases must not be among the rows.
        documents: Texts of the index.

    Raises:
        TrainingDataError: A suite cannot be read.
    """
    every = rows(loaded)
    repeated, once = duplicates.exact(every)
    cut, found = lengths.check(every, renderer, max_length)
    unfit, shown = sample.show(loaded.examples, renderer)
    faults = [
        *loaded.faults, *_nothing(loaded), *order.roles(every), *order.empty(every), *cut, *unfit, *repeated,
        *control.check(every, renderer), *duplicates.near(once), *conflicts.check(once),
        *overlap.check(once, cases(suites), documents), *personal.check(every), *order.languages(once),
    ]  # fmt: skip
    files = {file.path: place for place, file in enumerate(loaded.files)}
    faults.sort(key=lambda fault: (files.get(fault.origin.file, -1), fault.origin.row))
    languages = Counter(example.language for example in loaded.examples)
    return Report(tuple(faults), _counts(loaded, faults), dict(languages.most_common()), found, tuple(shown))


def _nothing(loaded: Loaded) -> list[Fault]:
    """A fault of its own where everything was read and there is nothing to learn."""
    if loaded.examples or loaded.preferences or any(fault.hard for fault in loaded.faults):
        return []
    place = loaded.files[0].path if loaded.files else "data"
    return [
        Fault(Origin(place, 0), "file", "holds nothing to learn from: write at least one example", "empty")
    ]


def _counts(loaded: Loaded, faults: Sequence[Fault]) -> dict[str, int | dict[str, int]]:
    bad = {fault.origin for fault in loaded.faults if fault.origin.row}
    hard = sum(fault.hard for fault in faults)
    return {
        "rows": sum(file.rows for file in loaded.files) + len(bad),
        "examples": len(loaded.examples),
        "preferences": len(loaded.preferences),
        "hard": hard,
        "soft": len(faults) - hard,
        "tasks": dict(Counter(example.task for example in loaded.examples).most_common()),
    }
