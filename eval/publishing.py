"""``youju eval push``: a suite, or a run with its report, to the Hugging Face Hub as a dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant import __version__, hub
from assistant.commands.options import note
from assistant.errors import BadRequestError
from eval import loading, predictions, runs
from eval.schema import Suite

RUN = (runs.MANIFEST, runs.SUITE, predictions.NAME, "report.json", "report.md", "report.html")
"""What goes of a run; whatever else lies in its folder stays."""
_LICENCES = ("apache-2.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0", "mit")
"""As the Hub spells them; any other goes by its name."""


@dataclass(frozen=True, slots=True)
class _What:
    """A thing to publish."""

    sort: str
    holds: str
    """The file by which a repository of this thing is known again."""
    suite: Suite
    files: hub.Files
    text: str


def push(
    what: Annotated[str, typer.Argument(metavar="SUITE|RUN", help="A suite, or the folder of a run.")],
    repo: Annotated[str, typer.Argument(metavar="OWNER/REPO", help="A dataset; made where it is not there.")],
    *,
    private: Annotated[bool, typer.Option("--private", help="Only its owner sees it.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go; nothing is sent.")] = False,
) -> None:
    """Publish a suite, or a run with its report, as a dataset on the Hugging Face Hub.

    A run holds its questions, the documents and every answer.
    """
    hub.check_name(repo)
    found = _run(Path(what)) if (Path(what) / runs.MANIFEST).is_file() else _suite(what)
    files = {hub.CARD: _card(found).encode(), **found.files}
    parcel = hub.Parcel(repo, "dataset", files, found.holds, found.sort, private)
    if dry_run:
        typer.echo(hub.show(parcel))
        return
    note(f"published: {hub.publish(parcel, f'{found.sort.capitalize()} from Youju {__version__}')}")


def _run(folder: Path) -> _What:
    """A run, measured to its end.

    Raises:
        BadRequestError: It is not complete, or has no report yet.
    """
    found = runs.read(folder)
    missing = [name for name in RUN if not (folder / name).is_file()]
    if missing or not found.complete:
        state = f"lacks {', '.join(missing)}" if missing else "is not complete"
        remedy = "let `youju eval run` come to its end, then `youju eval report RUN`"
        raise BadRequestError(field="RUN", value=f"{folder} {state}", remedy=remedy)
    text = (folder / "report.md").read_text(encoding="utf-8")
    return _What("run", runs.MANIFEST, found.suite, _read([folder / name for name in RUN]), text)


def _suite(source: str) -> _What:
    suite, paths = loading.load(source), loading.files(source)
    counts = Counter((type(case).__name__.removesuffix("Case").lower(), case.lang) for case in suite.cases)
    rows = "\n".join(f"| {task} | {language} | {count} |" for (task, language), count in counts.items())
    text = (
        f"# {suite.name}, version {suite.version}\n\nA suite of questions with known answers for "
        f"[Youju](https://pypi.org/project/youju/): `youju eval run FILE`.\n\n"
        f"| task | language | cases |\n|---|---|---:|\n{rows}\n\nLicence: {suite.licence or 'not stated'}.\n"
    )
    return _What("suite", paths[0].name, suite, _read(paths), text)


def _read(paths: list[Path]) -> hub.Files:
    return {path.name: path.read_bytes() for path in paths}


def _card(found: _What) -> str:
    """The text with the metadata that the Hub reads."""
    from huggingface_hub import DatasetCardData

    languages: list[str] = sorted({case.lang for case in found.suite.cases})
    data = DatasetCardData(
        language=languages,
        pretty_name=f"{found.suite.name} ({found.sort})",
        tags=["youju", "evaluation", found.sort],
        **_licence(found.suite.licence),
    )
    return f"---\n{data.to_yaml()}\n---\n\n{found.text.strip()}\n"


def _licence(name: str) -> Mapping[str, Any]:
    known = name.lower().replace(" ", "-")
    if not name or known in _LICENCES:
        return {"license": known or None}
    return {"license": "other", "license_name": name}
