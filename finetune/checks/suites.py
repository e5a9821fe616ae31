"""What must not be trained on: the cases of suites, and the documents of the index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from assistant.commands.options import acting, opened
from assistant.config import Settings
from assistant.errors import TrainingDataError
from finetune.checks.overlap import Known
from finetune.checks.rows import rows
from finetune.data.loading import load


def built_in() -> list[Path]:
    """The suites that come with Youju: found as files, as training does not import measuring."""
    spec = find_spec("eval")
    folders = (spec.submodule_search_locations if spec else None) or ()
    return sorted(path for folder in folders for path in Path(folder, "suites").glob("*.jsonl"))


def cases(suites: Sequence[Path]) -> Iterator[Known]:
    """All texts of the cases of suites: questions, texts, documents, messages, references.

    Raises:
        TrainingDataError: A suite that is not there, or holds no case.
    """
    for suite in suites:
        loaded = load([str(suite)])
        if not loaded.examples:
            reason = loaded.faults[0].reason if loaded.faults else "holds no case"
            raise TrainingDataError(
                field=f"suite {suite}", reason=reason, remedy="give a suite that eval runs"
            )
        for example, row in zip(loaded.examples, rows(loaded), strict=False):
            for piece in row.pieces:
                yield Known(f"case {example.id} of {suite.name}", piece.text)


def documents(settings: Settings) -> Iterator[str]:
    """The texts of the local user's documents; none, and nothing made, where there never were any."""
    if not (settings.home / "files").is_dir():
        return
    with opened(settings) as runtime:
        user = acting(runtime, None)
        for record in runtime.workspace.store.documents.list(user):
            if record.state == "ready":
                yield runtime.workspace.library.document(user, record.id).text
