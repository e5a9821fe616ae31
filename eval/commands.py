"""``youju eval``: measure the assistant on a suite, and say which of two runs is better."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.commands.options import AsJson, note, print_json, progress, with_settings
from assistant.config import Settings
from assistant.errors import BadRequestError
from eval import loading, publishing

if TYPE_CHECKING:
    from assistant.schema import Estimate
    from eval.launching import Wanted
    from eval.runs import Run
    from eval.schema import Suite, Undefined

    Metrics = Mapping[str, Estimate | Undefined]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Measure the assistant on questions with known answers, and compare two runs.",
)
app.command()(publishing.push)
BARE = "none"
JUDGE_WINDOW = 32_768
"""Tokens that a judge is taken to read; a server that reads less says so itself."""
SuiteName = Annotated[
    str, typer.Argument(metavar="SUITE", help="A file (JSONL), a folder, or a name of `suites`.")
]


@app.command()
@with_settings
def run(
    settings: Settings,
    suite: SuiteName,
    *,
    adapter: Annotated[str | None, typer.Option(help="Adapter to measure; none: the bare model.")] = None,
    base: Annotated[str | None, typer.Option(help="Model to measure; the one in use by default.")] = None,
    retrieval: Annotated[
        bool, typer.Option("--retrieval/--no-retrieval", help="Search the documents, or ask the model alone.")
    ] = True,
    oracle: Annotated[
        bool, typer.Option("--oracle", help="Each question has its own documents only.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Draw so many cases.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of drawing and sampling.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder to write to; a new one by default.")] = None,
    url: Annotated[
        str, typer.Option(help="Measure a running server, http://…/v1; YOUJU_API_KEY holds its key.")
    ] = "",
    minimum: Annotated[
        list[str] | None, typer.Option("--min", metavar="METRIC=VALUE", help="Exit 1 where it is worse.")
    ] = None,
    base_vs_adapter: Annotated[
        str | None, typer.Option(metavar="NAME", help="Measure base and adapter, and compare them.")
    ] = None,
    two_by_two: Annotated[
        bool, typer.Option("--two-by-two", help="With it: also both without retrieval.")
    ] = False,
    margin: Annotated[float, typer.Option(min=0, help="What is no worse, in a comparison.")] = 0.02,
    as_json: AsJson = False,
) -> None:
    """Measure the assistant on a suite; started again, it goes on where it was stopped.

    A file's lines say their task (sentiment, grounded, summarize, chat, plain, dialogue, rewrite, verdict) or
    show it by their fields. Plain questions are put to your own documents, all others to their own.
    """
    from eval import launching

    whole = loading.load(suite)
    wanted = launching.Wanted(settings, whole, limit, seed, oracle, url, base or "")
    bars = _bars(minimum or [], whole)
    if base_vs_adapter is not None:
        if url or adapter is not None or not retrieval or bars:
            remedy = "leave out --url, --adapter, --no-retrieval and --min"
            raise BadRequestError(field="--base-vs-adapter", value=base_vs_adapter, remedy=remedy)
        both = _base_and(base_vs_adapter, wanted, out, two_by_two=two_by_two)
        _compare(both, margin, seed, as_json=as_json)
        return
    if two_by_two:
        remedy = "say which adapter: --base-vs-adapter NAME"
        raise BadRequestError(field="--two-by-two", value="alone", remedy=remedy)
    found = launching.launch(wanted, out, adapter=adapter, retrieval=retrieval)
    measured = _reported(found)
    _show(found, measured, as_json=as_json)
    raise typer.Exit(0 if _meets(measured, bars, whole) else 1)


@app.command()
@with_settings
def calibrate(
    settings: Settings,
    suite: SuiteName,
    *,
    adapter: Annotated[str | None, typer.Option(help="Adapter to fit for; none: the bare model.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Draw so many cases.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of drawing and of the split.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Fit how sure an answer has to be, on questions that documents answer and others that they do not.

    Half of the documents fit the weights, the other half says how well. The file goes into the data folder
    and is used from the next start on, for this model, adapter and embedder only.
    """
    from eval import calibrating, runner

    drawn = runner.draw(loading.load(suite), limit, seed)
    with tempfile.TemporaryDirectory(prefix="youju-calibrate-") as work, progress("reading") as told:
        found, path = calibrating.calibrate(settings, drawn, Path(work), adapter, seed, told)
    if as_json:
        print_json(found.model_dump())
        return
    for name, value in found.fitted.items():
        note(f"{name}: {value}")
    note(f"written to {path}")


@app.command()
def compare(
    run_a: Annotated[Path, typer.Argument(help="The folder of a run.")],
    run_b: Annotated[Path, typer.Argument(help="Another one, of the same suite.")],
    margin: Annotated[float, typer.Option(min=0, help="What is no worse.")] = 0.02,
    seed: Annotated[int, typer.Option(min=0, help="Of the resampling.")] = 0,
    judge: Annotated[
        str, typer.Option(metavar="URL", help="Also ask a model at http://…/v1; YOUJU_API_KEY holds its key.")
    ] = "",
    judge_model: Annotated[str, typer.Option(help="Its name there.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say which of two runs is better, by how much, or how many more cases it takes to tell."""
    from eval import runs

    if bool(judge) != bool(judge_model):
        remedy = "give both --judge URL and --judge-model NAME"
        raise BadRequestError(field="--judge", value=judge or "alone", remedy=remedy)
    found = [runs.read(run_a), runs.read(run_b)]
    _compare(found, margin, seed, as_json=as_json)
    if judge:
        _judge(found, judge, judge_model)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    as_json: AsJson = False,
) -> None:
    """Write the report of a run again, also of one that is not complete."""
    from eval import runs

    found = runs.read(folder)
    _show(found, _reported(found), as_json=as_json)


@app.command()
def suites(as_json: AsJson = False) -> None:
    """List the suites that come with Youju."""
    found = [loading.load(name) for name in loading.built_in()]
    if as_json:
        print_json(
            [{"suite": s.name, "version": s.version, "n": len(s.cases), "licence": s.licence} for s in found]
        )
        return
    for each in found:
        typer.echo(f"{each.name:<20} version {each.version}  {len(each.cases):>5} cases  {each.licence}")


def _base_and(adapter: str, wanted: Wanted, out: Path | None, *, two_by_two: bool) -> list[Run]:
    """Runs of the bare model and the adapter; with ``two_by_two`` both again, without retrieval."""
    from eval import launching

    found = []
    for retrieval in (True, False) if two_by_two else (True,):
        for name in (BARE, adapter):
            place = "base" if name == BARE else name
            folder = out and out / (place if retrieval else f"{place}-without-retrieval")
            found.append(launching.launch(wanted, folder, adapter=name, retrieval=retrieval))
            _reported(found[-1])
    return found


def _reported(found: Run) -> Metrics:
    """Measure, and write the reports into the run's folder."""
    from eval import report as reporting

    return reporting.write(found).metrics


def _show(found: Run, measured: Metrics, *, as_json: bool) -> None:
    """Print what was found."""
    if as_json:
        typer.echo((found.folder / "report.json").read_text(encoding="utf-8"))
        return
    for name, value in measured.items():
        typer.echo(f"{name:<32} {_said(value)}")
    failed = sum(bool(each.error) for each in found.predictions)
    note(f"{len(found.predictions)} cases, {failed} of them failed")
    typer.echo(f"written: {found.folder}")


def _said(value: Estimate | Undefined) -> str:
    from eval.schema import Undefined

    if isinstance(value, Undefined):
        return f"–      ({value.reason})"
    return f"{value.mean:.3f}  [{value.low:.3f}, {value.high:.3f}]  n = {value.n}"


def _compare(found: Sequence[Run], margin: float, seed: int, *, as_json: bool) -> None:
    """Of two runs, or of base and adapter with and without retrieval; written into the second's folder."""
    from eval import comparing, comparison
    from eval.report import compared

    if len(found) == 2:
        whole: Any = comparing.compare(*found, margin=margin, seed=seed)
        parts = {"": whole}
    else:
        base, adapter, base_alone, adapter_alone = found
        whole = parts = comparing.crossed(
            base=base,
            adapter=adapter,
            base_alone=base_alone,
            adapter_alone=adapter_alone,
            margin=margin,
            seed=seed,
        )
    path = comparison.save(whole, found[1].folder)
    page = compared.save(whole, found, found[1].folder)
    if as_json:
        typer.echo(path.read_text(encoding="utf-8"))
        return
    for name, each in parts.items():
        typer.echo(f"{name}\n\n{comparison.table(each)}\n" if name else comparison.table(each))
    typer.echo(f"written: {path}, {page.name}")


def _judge(found: Sequence[Run], url: str, model: str) -> None:
    """Ask a judge; told beside the comparison and written into the second run's folder."""
    from assistant.engine.remote import RemoteGenerator
    from eval import judging

    one, other = found
    judge = RemoteGenerator(url, os.environ.get("YOUJU_API_KEY", ""), model, JUDGE_WINDOW)
    with progress("judge") as update:
        judged = judging.judge(one, other, judge, lambda done, of: update("", done / of))
    note(judging.said(judged))
    note(f"written: {judging.save(judged, other.folder)}")


def _bars(given: Sequence[str], suite: Suite) -> dict[str, float]:
    """``metric=value`` read, before anything is measured.

    Raises:
        BadRequestError: It is not of that form, or the suite has no such metric.
    """
    bars: dict[str, float] = {}
    for each in given:
        name, _, value = each.rpartition("=")
        try:
            bars[name] = float(value)
        except ValueError:
            raise BadRequestError(field="--min", value=repr(each), remedy="write METRIC=NUMBER") from None
    known = _known(suite) if bars else {}
    for name in bars:
        if name.partition("[")[0] not in known:
            raise BadRequestError(field="--min", value=repr(name), remedy=f"use one of {', '.join(known)}")
    return bars


def _known(suite: Suite) -> dict[str, str]:
    """Which way each metric of a suite is better."""
    from eval import metrics

    return {metric.name: metric.better for metric in metrics.of(suite)}


def _meets(measured: Metrics, bars: Mapping[str, float], suite: Suite) -> bool:
    """Every bar is met by the mean; a metric without a value meets none. What is missed is told."""
    from assistant.schema import Estimate

    known = _known(suite) if bars else {}
    missed = []
    for name, bar in bars.items():
        value = measured.get(name)
        lower = known[name.partition("[")[0]] == "lower"
        met = isinstance(value, Estimate) and (value.mean <= bar if lower else value.mean >= bar)
        if not met:
            missed.append(name)
            said = _said(value) if value is not None else "has no value"
            note(f"{name}: {said}, the bar is {'at most' if lower else 'at least'} {bar:g}")
    return not missed
