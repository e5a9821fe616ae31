"""``youju translate``."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.commands.options import AsJson, note, opened, print_json, progress, with_settings
from assistant.config import Settings
from assistant.errors import BadRequestError
from assistant.schema import Doubt, Language, Translation, TranslationProgress

translate = typer.Typer(add_completion=False)
STANDARD_INPUT = "-"
_DOUBTS = {
    "number": "the number {} is missing",
    "added": "the number {} is not in the source",
    "term": "the glossary's {} is missing",
    "mixed": "Chinese words were left in it",
    "short": "something seems left out",
    "kept": "not translated: the source was kept",
}


@translate.command()
@with_settings
def _translate(
    settings: Settings,
    file: Annotated[
        str, typer.Argument(help="Any file that can be added; - reads text from standard input.")
    ],
    *,
    to: Annotated[
        Language | None,
        typer.Option(help="The language to write; the one that the text is not in by default."),
    ] = None,
    glossary: Annotated[
        Path | None, typer.Option(help="A file with a pair a line: term = 译名", metavar="FILE")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Where it goes; a .csv gets the sentences side by side.", metavar="FILE"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Translate a text between English and Chinese; what should be checked is told on standard error."""
    from assistant.tools import glossary as terms

    pairs = terms.parse(_file("--glossary", str(glossary)).read_text("utf-8-sig")) if glossary else {}
    text = sys.stdin.read() if file == STANDARD_INPUT else _text(_file("file", file))
    with opened(settings) as runtime, progress("translation") as update:
        translated = None
        for event in runtime.translate(runtime.workspace.store.users.local(), text, target=to, terms=pairs):
            if isinstance(event, TranslationProgress):
                update(f"sentence {event.done} of {event.total}", event.done / max(event.total, 1))
            elif isinstance(event, Translation):
                translated = event
    assert translated is not None
    _write(translated, output, as_json=as_json)


def _file(field: str, name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise BadRequestError(field=field, value=name, remedy="there is no such file; - reads standard input")
    return path


def _text(path: Path) -> str:
    from assistant.retrieval.documents import as_written

    return as_written(path.name, path)


def _write(translated: Translation, output: Path | None, *, as_json: bool) -> None:
    if output is not None and output.suffix.lower() == ".csv":
        from assistant.tools.table import side_by_side

        output.write_bytes(side_by_side(translated))
    elif output is not None:
        output.write_text(translated.text, "utf-8")
    if as_json:
        print_json(_object(translated))
        return
    if output is None:
        typer.echo(translated.text.rstrip("\n"))
    for sentence in translated.doubtful:
        note(f"check: {sentence.text}\n  {'; '.join(map(_words, sentence.doubts))}")


def _words(doubt: Doubt) -> str:
    return _DOUBTS[doubt.kind].format(doubt.value)


def _object(translated: Translation) -> dict[str, Any]:
    sentences = [dataclasses.asdict(sentence) for sentence in translated.sentences]
    return {"text": translated.text, "target": translated.target, "sentences": sentences}
