"""``youju summarize`` and ``youju translate``: a text goes in, another comes out."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from assistant.commands.options import AsJson, doubts, note, opened, print_json, progress, with_settings
from assistant.config import Settings
from assistant.errors import BadRequestError
from assistant.prompts import Form, Length
from assistant.schema import Doubt, Language, Summary, SummaryProgress, Translation, TranslationProgress

T = TypeVar("T")
summarize = typer.Typer(add_completion=False)
translate = typer.Typer(add_completion=False)
STANDARD_INPUT = "-"
AnyFile = Annotated[str, typer.Argument(help="Any file that can be added; - reads text from standard input.")]
_DOUBTS = {
    "number": "the number {} is missing",
    "added": "the number {} is not in the source",
    "term": "the glossary's {} is missing",
    "mixed": "Chinese words were left in it",
    "short": "something seems left out",
    "kept": "not translated: the source was kept",
}


@summarize.command()
@with_settings
def _summarize(
    settings: Settings,
    file: AnyFile,
    *,
    length: Annotated[Length, typer.Option(help="How long.")] = "paragraph",
    form: Annotated[Form, typer.Option(help="Prose or bullets.")] = "prose",
    as_json: AsJson = False,
) -> None:
    """Summarize a text of any length; each sentence is linked to where it came from."""
    text = _words(file, _parsed)
    with opened(settings) as runtime, progress("summary") as update:
        events = runtime.summarize(runtime.workspace.store.users.local(), text, length=length, form=form)
        summary = _followed(events, Summary, update, "piece")
    if as_json:
        print_json(_summarized(summary, text))
    else:
        typer.echo(summary.text)
        if doubtful := doubts((s.verdict, s.text) for s in summary.sentences):
            typer.echo("\n" + "\n".join(doubtful))


@translate.command()
@with_settings
def _translate(
    settings: Settings,
    file: AnyFile,
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
    from assistant.retrieval.documents import as_written
    from assistant.tools import glossary as terms

    pairs = terms.parse(_file("--glossary", str(glossary)).read_text("utf-8-sig")) if glossary else {}
    text = _words(file, as_written)
    with opened(settings) as runtime, progress("translation") as update:
        events = runtime.translate(runtime.workspace.store.users.local(), text, target=to, terms=pairs)
        translated = _followed(events, Translation, update, "sentence")
    _write(translated, output, as_json=as_json)


def _file(field: str, name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise BadRequestError(field=field, value=name, remedy="there is no such file; - reads standard input")
    return path


def _words(file: str, read: Callable[[str, Path], str]) -> str:
    """What ``read`` takes from a file of this name, or standard input."""
    return sys.stdin.read() if file == STANDARD_INPUT else read(Path(file).name, _file("file", file))


def _parsed(name: str, path: Path) -> str:
    """The text of a file as that of an added document."""
    from assistant.retrieval.documents import read

    return "\n\n".join(document.text for document in read(name, path))


def _followed(events: Iterable[Any], kind: type[T], update: Callable[[str, float], None], unit: str) -> T:
    """The result, with which the events end; the bar says how many units are done meanwhile."""
    result: T | None = None
    for event in events:
        if isinstance(event, kind):
            result = event
        elif isinstance(event, SummaryProgress | TranslationProgress):
            update(f"{unit} {event.done} of {event.total}", event.done / max(event.total, 1))
    assert result is not None
    return result


def _summarized(summary: Summary, text: str) -> dict[str, Any]:
    sentences = [
        {
            "text": s.text,
            "verdict": s.verdict.value,
            "sources": [{"start": x.start, "end": x.end, "text": text[x.start : x.end]} for x in s.sources],
        }
        for s in summary.sentences
    ]
    return {"text": summary.text, "sentences": sentences, "pieces": summary.pieces, "rounds": summary.rounds}


def _write(translated: Translation, output: Path | None, *, as_json: bool) -> None:
    if output is not None and output.suffix.lower() == ".csv":
        from assistant.tools.table import side_by_side

        output.write_bytes(side_by_side(translated))
    elif output is not None:
        output.write_text(translated.text, "utf-8")
    if as_json:
        print_json(_translated(translated))
        return
    if output is None:
        typer.echo(translated.text.rstrip("\n"))
    for sentence in translated.doubtful:
        note(f"check: {sentence.text}\n  {'; '.join(map(_doubt, sentence.doubts))}")


def _doubt(doubt: Doubt) -> str:
    return _DOUBTS[doubt.kind].format(doubt.value)


def _translated(translated: Translation) -> dict[str, Any]:
    sentences = [dataclasses.asdict(sentence) for sentence in translated.sentences]
    return {"text": translated.text, "target": translated.target, "sentences": sentences}
